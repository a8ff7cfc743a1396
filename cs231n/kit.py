"""Where the kit is on this disk. Only the standard library is imported here."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
