"""The numbers in a cell of a published sheet: `12,1 (5,2)`, `12/34`, `0.3 [0.1; 0.9]`, `n.r.`."""

from __future__ import annotations

import re

from trialpool.review.exchange.draft import is_number

_NUMBER = r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_BLANK = {"", "-", "--", "–", "—", "n.r.", "nr", "n.r", "na", "n.a.", "n/a", "n.a", "not reported",
          "none", "?", ".", "missing", "not stated", "ns"}  # fmt: skip
_PAIR = re.compile(rf"({_NUMBER})\s*(?:\(|±|\+/-|\[)\s*(?:SD\s*=?\s*)?({_NUMBER})\s*[)\]]?")
_OF = re.compile(rf"({_NUMBER})\s*(?:/|of|out of)\s*({_NUMBER})(?:\s*\(\s*{_NUMBER}\s*%?\s*\))?")
_PERCENT_OF = re.compile(rf"({_NUMBER})\s*\(\s*({_NUMBER})\s*%\s*\)")
_BETWEEN = rf"({_NUMBER})\s*(?:to|bis|à|and|;|,\s|–|—|-(?=\s)|\s-\s|-)\s*({_NUMBER})"
_INTERVAL = re.compile(rf"[(\[]?\s*{_BETWEEN}\s*[)\]]?")
_WITH_INTERVAL = re.compile(rf"({_NUMBER})\s*[(\[]\s*{_BETWEEN}\s*[)\]]")


def is_blank(cell: str) -> bool:
    """Whether a cell says that there is nothing."""
    return cell.strip().lower() in _BLANK


def number(cell: str) -> str:
    """A number with a decimal point; blank where the cell is none. `34 %` is 34, `1,5` is 1.5."""
    text = cell.strip().rstrip("%").strip().replace("\u2212", "-").replace("\u00a0", "")
    if re.fullmatch(_NUMBER, text):
        plain = text.replace(",", ".")
        return f"0{plain}" if plain.startswith(".") and is_number(f"0{plain}") else plain
    return ""


def _numbers(pattern: re.Pattern[str], cell: str) -> tuple[str, ...]:
    match = pattern.fullmatch(cell.strip().replace("\u2212", "-").replace("\u00a0", " "))
    return tuple(number(part) for part in match.groups()) if match else ()


def mean_sd(cell: str) -> tuple[str, ...]:
    """Mean and SD of `12,1 (5,2)` or `12.1 ± 5.2`; nothing for any other cell."""
    return _numbers(_PAIR, cell)


def events_total(cell: str) -> tuple[str, ...]:
    """Events and total of `12/34` or `12/34 (35 %)`."""
    return _numbers(_OF, cell)


def events_percent(cell: str) -> tuple[str, ...]:
    """Events and percentage of `12 (35 %)`."""
    return _numbers(_PERCENT_OF, cell)


def interval(cell: str) -> tuple[str, ...]:
    """Lower and upper limit of `0.1 to 0.9`, `[0,1; 0,9]` or `(0.1, 0.9)`."""
    return _numbers(_INTERVAL, cell)


def with_interval(cell: str) -> tuple[str, ...]:
    """Estimate and limits of `0.3 (0.1 to 0.9)`."""
    return _numbers(_WITH_INTERVAL, cell)
