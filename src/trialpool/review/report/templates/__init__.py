"""The templates and the stylesheet of the pages."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
