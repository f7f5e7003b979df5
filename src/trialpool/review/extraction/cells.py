"""One cell: from its text to a typed value, or what is wrong with it and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from math import isfinite

from trialpool.columns import PATTERNS, Column
from trialpool.review.extraction.forms import Fault
from trialpool.review.extraction.numerals import NUMBER, diagnose, looks_like_a_date

Value = str | float | int | None
Typed = tuple[Value, Fault | None]

# Far beyond what a trial reports; their squares are still finite, and not 0.
LARGEST, SMALLEST = 1e9, 1e-100
# Text that takes part in telling results apart, and so may hold nothing that cannot be seen.
_NAMES = ("definition", "stratum", "analysis_set")
_PLAIN = ("sd", "se", "sd_difference", "reference_sd", "sd_pooled")

_SPREADSHEET = re.compile(r"#(REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA)")
# UTF-8 read as Windows-1252: a lead byte shows as one of these letters, the rest as signs.
_GARBLED = re.compile(
    "[ÃÂ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸŽ]|â[€‚„][\u0080-\u00bf™œ“”˜¢]|\ufffd"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def typed(cell: str, column: Column) -> Typed:
    """A cell's value, and what is wrong with it."""
    text = cell.replace("\u00a0", " ").strip()
    if not text:
        if column.required:
            return None, Fault("must not be blank", f"Fill it in: {column.meaning}", "required")
        return None, None
    fault = _damage(text, column)
    return (None, fault) if fault else _PARSERS[column.kind](text, column)


def _damage(text: str, column: Column) -> Fault | None:
    """What spreadsheets, editors and copying do to any cell."""
    if match := _SPREADSHEET.search(text):
        return Fault(
            f"{match[0]} is an error of a spreadsheet",
            "Type the cell again from the source",
            "spreadsheet_error",
        )
    if match := _GARBLED.search(text):
        return Fault(
            f"'{match[0]}' looks like text that was saved in another encoding",
            "Correct the cell, and save the file as CSV UTF-8",
            "garbled",
        )
    machine_read = column.kind != "text" or column.name in _NAMES
    match = _CONTROL.search(text) or (_INVISIBLE.search(text) if machine_read else None)
    if match:
        sign = f"U+{ord(match[0]):04X}"
        fix = "Type the cell again by hand, without copying"
        return Fault(f"holds an invisible character ({sign})", fix, "invisible")
    return None


def _number(text: str, column: Column) -> Typed:
    if not NUMBER.fullmatch(text):
        return None, diagnose(text, column.name)
    value = float(text)
    if not isfinite(value) or abs(value) > LARGEST:
        fix = "Correct the value"
        return None, Fault(f"beyond {LARGEST:,.0f}, too large for a trial's number", fix, "number")
    if 0 < abs(value) < SMALLEST:
        return None, Fault("too small to be told from 0", "Correct the value", "number")
    if column.kind == "integer" and value != round(value):
        fix = f"{column.meaning.capitalize()} cannot be a fraction; correct it"
        return None, Fault("must be a whole number", fix, "integer")
    if column.low is not None and value < column.low:
        return None, Fault(f"must be at least {column.low:g}", _fix_low(column), "bounds")
    if column.high is not None and value > column.high:
        return None, Fault(f"must be at most {column.high:g}", "Correct the value", "bounds")
    return (int(value) if column.kind == "integer" else value), None


def _fix_low(column: Column) -> str:
    if column.name in _PLAIN:
        return f"A {column.meaning} cannot be negative; check the sign in the source"
    return "Correct the value"


def _choice(text: str, column: Column) -> Typed:
    if text in column.choices:
        return text, None
    meant = [choice for choice in column.choices if _letters(choice) == _letters(text)]
    fix = f"Write {meant[0]}" if meant else f"Use one of {', '.join(column.choices)}"
    return None, Fault("unknown value", fix, "choice")


def _letters(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).casefold()


_YES = {"yes": "yes", "y": "yes", "true": "yes", "1": "yes",
        "no": "no", "n": "no", "false": "no", "0": "no"}  # fmt: skip


def _yes_no(text: str, column: Column) -> Typed:
    if text in ("yes", "no"):
        return text, None
    meant = _YES.get(text.casefold())
    return None, Fault(
        "must be yes or no", f"Write {meant}" if meant else "Write yes or no", "choice"
    )


def _identifier(text: str, column: Column) -> Typed:
    if looks_like_a_date(text):
        return None, Fault(
            "a date; spreadsheets turn names and numbers into dates",
            "Type the name again, in a column that the spreadsheet treats as text",
            "spreadsheet_date",
        )
    if not re.fullmatch(PATTERNS["id"], text):
        return None, Fault(
            "not a valid short name",
            "Use letters (a to z), digits, `_`, `-` and `.` only, without spaces",
            "id",
        )
    return text, None


def _url(text: str, column: Column) -> Typed:
    if not re.fullmatch(PATTERNS["url"], text):
        fix = "Write the full address, starting with https:// and without spaces"
        return text, Fault("not an address", fix, "url")
    return text, None


def _date(text: str, column: Column) -> Typed:
    try:
        if not re.fullmatch(PATTERNS["date"], text):
            raise ValueError
        date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return text, Fault("not a date", "Write YYYY-MM-DD, YYYY-MM or YYYY", "date")
    return text, None


_PARSERS: dict[str, Callable[[str, Column], Typed]] = {
    "number": _number,
    "integer": _number,
    "choice": _choice,
    "yes_no": _yes_no,
    "id": _identifier,
    "url": _url,
    "date": _date,
    "text": lambda text, column: (text, None),
}
