"""What every raw table must look like before its content can be checked: the rules of form.

Reading applies them (`files`, `cells`, `read`); this is the one place where they are named, for
`docs/checks.md` and for the tests that hold a broken table against each.
"""

from __future__ import annotations

from typing import NamedTuple

FORMS = {
    "file": "The file exists, can be opened and has a header line.",
    "encoding": "The text is UTF-8; a byte order mark is fine.",
    "csv": "Quotes that are opened are closed, and nothing stands behind a closing quote.",
    "separator": "Columns are separated by commas.",
    "header": "The header is the first line, stands once, and names every column.",
    "columns": "Each required column of the code book is there, each column once, and no other "
    "than those and what the protocol declares under `columns`; their order is free.",
    "cells": "Each row has as many cells as the header.",
    "line_break": "A cell is one line.",
    "spreadsheet_error": "No cell holds an error of a spreadsheet, such as #REF! or #N/A.",
    "spreadsheet_date": "No number and no short name has been turned into a date.",
    "garbled": "No text has been garbled by being read in another encoding.",
    "invisible": "Numbers, names and choices hold no invisible characters; no cell holds a "
    "control character.",
    "required": "A required cell is filled.",
    "separator_in_number": "A number has a decimal point, and no separator of thousands.",
    "script": "A number is written with a plain minus sign and the digits 0 to 9.",
    "placeholder": "An unknown number is a blank cell, not a word such as NA.",
    "bound": "A number is a number; a bound such as p < 0.05 says so in its own column.",
    "two_numbers": "A cell holds one number.",
    "percent_sign": "A number stands without a percent sign.",
    "number": "A number is written in digits.",
    "integer": "A count is a whole number.",
    "bounds": "A number lies within what its column allows.",
    "choice": "A choice is one of those the code book lists.",
    "id": "A short name has letters, digits, `_`, `-` and `.` only.",
    "url": "An address is complete.",
    "date": "A date is YYYY-MM-DD, YYYY-MM or YYYY.",
}


class Fault(NamedTuple):
    """What is wrong with a cell or a file, how to mend it, and which rule of form it breaks."""

    rule: str
    fix: str
    check: str
