"""``python -m betterguard``."""

from __future__ import annotations

from betterguard.cli import main

if __name__ == "__main__":
    main()
