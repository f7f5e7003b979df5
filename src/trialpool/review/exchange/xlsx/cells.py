"""Between a cell of a workbook and the text of a raw table, so that typed forms survive.

A number that a number format can show as it was typed (`5.50` as 5.5 with format `0.00`) is a
number in the workbook; every other cell is text. Excel changes neither by itself.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal

from openpyxl.cell.cell import Cell, MergedCell

from trialpool.columns import Column

_PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_FIXED = re.compile(r"0(\.0+)?")
_NUMBERS = ("number", "integer")
DIGITS = 15  # that a number of Excel holds
TEXT = "@"


def put(cell: Cell | MergedCell, text: str, column: Column) -> None:
    """Write the text of a raw table into a cell."""
    if not text:
        return
    if column.kind in _NUMBERS and _fits(text):
        decimals = len(text.partition(".")[2])
        cell.value = float(text) if decimals else int(text)
        cell.number_format = "0." + "0" * decimals if decimals else "0"
    else:
        cell.value = text
        cell.data_type = "s"  # a text that starts with = is no formula
        cell.number_format = TEXT


def _fits(text: str) -> bool:
    """Whether a number's text comes back from its value and a number format."""
    digits = text.lstrip("-").replace(".", "").lstrip("0")
    nothing = text.startswith("-") and not digits.strip("0")  # a minus that 0 would lose
    return bool(_PLAIN.fullmatch(text)) and len(digits) <= DIGITS and not nothing


def got(value: object, number_format: str, column: Column) -> tuple[str, str]:
    """The text of a cell, and what is wrong with it ("" where nothing is).

    Parameters
    ----------
    value : what the workbook stores, a formula's stored result in its place
    """
    if value is None:
        return "", ""
    if isinstance(value, bool):
        return "", "Excel holds the truth value " + str(value).upper()
    if isinstance(value, datetime | date | time):
        return _date(value, number_format, column)
    if isinstance(value, int | float):
        if "%" in number_format:
            shown = f"{value * 100:.{DIGITS}g}"
            return "", f"formatted as a percentage: {shown} % is shown, {value:g} is stored"
        return _number(value, number_format), ""
    return str(value), ""


def _number(value: int | float, number_format: str) -> str:
    """A number as its format shows it, if that is all of it; else in full."""
    exact = Decimal(f"{value:.{DIGITS}g}")
    if _FIXED.fullmatch(number_format):
        decimals = len(number_format.partition(".")[2])
        shown = f"{exact:.{decimals}f}"
        if Decimal(shown) == exact:
            return shown
    return f"{exact.normalize():f}"


def _date(value: datetime | date | time, number_format: str, column: Column) -> tuple[str, str]:
    """A day in a column of dates is a day; anywhere else Excel made it of something else."""
    whole = isinstance(value, datetime) and value.time() == time()
    if column.kind == "date" and whole and "d" in number_format.lower():
        return f"{value:%Y-%m-%d}", ""
    return "", f"Excel holds a date or time ({value}), as it makes of '3-4'"
