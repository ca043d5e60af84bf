"""Tables that say nothing of their owners."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table

metadata = MetaData()
Table("note", metadata, Column("id", Integer, primary_key=True))
