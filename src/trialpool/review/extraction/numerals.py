"""A cell that should hold a number and does not: what it holds instead, and what to write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from trialpool.review.extraction.forms import Fault

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")

_N = r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))"
# As spreadsheets write them: 3-Apr, Apr-04, 2004-04-03, 3/4/2004. May-2014 is a person's trial.
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)"
_DATE = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}.*|[0-9]{{1,2}}[-./ ]{_MONTH}([-./ ][0-9]{{2,4}})?"
    rf"|{_MONTH}[-./ ][0-9]{{1,2}}|[0-9]{{1,2}}([./-])[0-9]{{1,2}}\2[0-9]{{2,4}}"
    r"|[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?",
    re.IGNORECASE,
)
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"), "-")
_PLACEHOLDERS = frozenset((
    "na", "n/a", "n.a.", "n.a", "nan", "none", "null", "nil", "nr", "n.r.", "nd", "n.d.", "ns",
    "n.s.", "n.s", "-", "--", "---", ".", "..", "...", "?", "x", "*", "missing", "unknown", "tbd",
    "not reported", "not stated", "not available", "not significant",
))  # fmt: skip


def looks_like_a_date(text: str) -> bool:
    """Whether a spreadsheet may have turned a name or a number into this date."""
    return bool(_DATE.fullmatch(text))


def diagnose(text: str, column: str) -> Fault:
    """What is wrong with a text that is no number, for the column it stands in."""
    for pattern, explain in _DIAGNOSES:
        if match := pattern.fullmatch(text):
            return explain(match, column)
    plain = _plain(text)
    if plain.casefold() in _PLACEHOLDERS:
        return _placeholder(text, column)
    if plain != text and NUMBER.fullmatch(plain):
        what = "typographic minus sign" if text.translate(_DASHES) == plain else "typographic digit"
        return Fault(f"holds a {what}", f"Write {plain}", "script")
    return Fault(
        "must be a number",
        "Write digits with a decimal point, or leave it blank and put the words in notes",
        "number",
    )


def _plain(text: str) -> str:
    """With a plain minus sign and the digits 0 to 9."""
    folded = unicodedata.normalize("NFKC", text.translate(_DASHES)).translate(_DASHES)
    return "".join(str(unicodedata.decimal(c, c)) if not c.isascii() else c for c in folded)


def _placeholder(text: str, column: str) -> Fault:
    what = (
        "'not significant' is not a number"
        if "s" in text.casefold() and column == "p_value"
        else "a word for a missing value"
    )
    return Fault(what, "Leave the cell blank, and put the words in notes", "placeholder")


def _comma(match: re.Match[str], column: str) -> Fault:
    text = match[0]
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", text):
        either = f"Write {text.replace(',', '')} or {text.replace(',', '.')}"
        return Fault(
            "a comma in a number: of thousands, or a decimal comma",
            f"{either}, whichever the source means",
            "separator_in_number",
        )
    return Fault("a decimal comma", f"Write {text.replace(',', '.')}", "separator_in_number")


def _thousands(match: re.Match[str], column: str) -> Fault:
    digits = re.sub(r"[,\s'’]", "", match[0])
    return Fault("a separator of thousands", f"Write {digits}", "separator_in_number")


def _points(match: re.Match[str], column: str) -> Fault:
    digits = match[0].replace(".", "").replace(",", ".")
    return Fault("a separator of thousands", f"Write {digits}", "separator_in_number")


def _spaces(match: re.Match[str], column: str) -> Fault:
    digits = re.sub(r"\s", "", match[0])
    return Fault("a space inside the number", f"Write {digits}", "separator_in_number")


def _date(match: re.Match[str], column: str) -> Fault:
    return Fault(
        "a date; spreadsheets turn numbers such as 3.4 into dates",
        "Type the number again from the source, in a column that the spreadsheet treats as text",
        "spreadsheet_date",
    )


def _bound(match: re.Match[str], column: str) -> Fault:
    sign, number = match[1], match[2]
    if column == "p_value" and sign in "<≤":
        return Fault("a bound, not a number", f"Write {number} and set p_bound = yes", "bound")
    if sign == "=":
        return Fault("a sign before the number", f"Write {number}", "bound")
    return Fault(
        "a bound, not a number", "Leave the cell blank, and put the bound in notes", "bound"
    )


def _percent(match: re.Match[str], column: str) -> Fault:
    if column.startswith("percent"):
        return Fault(
            "a percent sign in a column of percentages", f"Write {match[1]}", "percent_sign"
        )
    if column == "event":
        return Fault(
            "a percentage where a count belongs",
            f"Write {match[1]} in percent, and leave event blank if the source gives no count",
            "percent_sign",
        )
    fix = "Write the number without it, in the column's unit"
    return Fault("a percent sign in a number", fix, "percent_sign")


def _fraction(match: re.Match[str], column: str) -> Fault:
    if column in ("event", "totaln"):
        fix = f"Write {match[1]} in event and {match[2]} in totaln"
        return Fault("two numbers in one cell", fix, "two_numbers")
    return _two(match, column)


def _brackets(match: re.Match[str], column: str) -> Fault:
    first, second = match[1], match[2]
    fixes = {
        "mean": f"Write {first} in mean, and {second} in sd or se, whichever the source means",
        "event": f"Write {first} in event and {second} in percent",
    }
    if column in fixes:
        return Fault("two numbers in one cell", fixes[column], "two_numbers")
    return _two(match, column)


def _two(match: re.Match[str], column: str) -> Fault:
    return Fault(
        "more than one number in the cell",
        f"Keep the one that is {column}, and write the rest in columns of their own",
        "two_numbers",
    )


def _formula(match: re.Match[str], column: str) -> Fault:
    return Fault(
        "a formula", "Write the number it gives, and how it was computed in derived", "number"
    )


def _words(match: re.Match[str], column: str) -> Fault:
    fix = "Write the number alone, in the column's unit"
    return Fault("words or marks beside the number", fix, "number")


_DIAGNOSES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Fault]], ...] = (
    (_DATE, _date),
    (re.compile(r"[+-]?[0-9]+,[0-9]+"), _comma),
    (re.compile(r"[+-]?[0-9]{1,3}((,[0-9]{3})+\.[0-9]+|(,[0-9]{3}){2,})"), _thousands),
    (re.compile(r"[+-]?[0-9]{1,3}([\s'’][0-9]{3})+(\.[0-9]+)?"), _thousands),
    (re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[+-]?[0-9]{1,3}(\.[0-9]{3}){2,}"), _points),
    (re.compile(r"[+-]\s+[0-9.]+|[+-]?\s*[0-9]+(\s+\.\s*|\s*\.\s+)[0-9]+"), _spaces),
    (re.compile(rf"(?:p\s*)?([<>≤≥=])=?\s*{_N}", re.IGNORECASE), _bound),
    (re.compile(r"=.+"), _formula),
    (re.compile(rf"{_N}\s*%"), _percent),
    (re.compile(r"([0-9]+)\s*/\s*([0-9]+)"), _fraction),
    (re.compile(rf"{_N}\s*[(\[]\s*(?:SD|SE|±)?\s*{_N}\s*%?\s*[)\]]", re.IGNORECASE), _brackets),
    (re.compile(rf"{_N}\s*[(\[]\s*{_N}\s*(?:-|–|—|to|;|,)\s*{_N}\s*[)\]]", re.IGNORECASE), _two),
    (re.compile(rf"{_N}\s*(?:±|\+/-|\+-)\s*{_N}"), _brackets),
    (re.compile(rf"[(\[]?{_N}\s*(?:-|–|—|to|;|,\s|\s)\s*{_N}[)\]]?", re.IGNORECASE), _two),
    (re.compile(rf"['’`]{_N}"), _words),
    (re.compile(rf"{_N}(\s*[*†‡§²³¹]+|\s+[A-Za-z²³/%. ]+)"), _words),
)
