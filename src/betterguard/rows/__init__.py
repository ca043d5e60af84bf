"""Whose rows may this session touch? The caller's own, whatever statement is written."""
