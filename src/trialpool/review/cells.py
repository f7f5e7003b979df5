"""Cells of a table read back: numbers and text, blank where they are missing."""

from __future__ import annotations

from typing import Any

from trialpool.results import NAN


def number(value: Any) -> float:
    """A cell as a number; NaN where it is missing."""
    return NAN if value is None or value != value else float(value)


def text(value: Any) -> str:
    """A cell as text; blank where it is missing."""
    return "" if value is None or value != value else str(value)
