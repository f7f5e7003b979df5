"""The code book of the raw tables, generated from their declarations."""

from __future__ import annotations

from trialpool.columns import Column, Table
from trialpool.review.schema.raw import (
    ADJUDICATION,
    CERTAINTY,
    CONDITION_TABLES,
    DOUBLE_TABLES,
    INSTRUMENTS,
)
from trialpool.review.schema.raw_elsewhere import CLAIMS, OTHER_REVIEWS

_INTRO = """\
# Code book of the raw data

One folder per condition, one file per kind of fact; people edit these files, code never does.
This page is generated from `review/schema/raw.py`; a test holds the two in step.
[A worked example](../../docs/worked_example.md) shows the rows typed from three journal tables.

- CSV with commas, UTF-8, decimal points. A blank is a blank: nothing is filled in by guessing.
- Every number has the address where it was read, a locator, and how close to the trial the
  source is. What was computed says so in `derived`.
- A row that should not be used keeps its numbers and says why in `exclude_reason`.
- The sign is the source's own. The pipeline turns every difference to experimental - control.
- `trialpool check` lists all problems at once, before anything runs.
- One word per thing: a *trial* has *arms*; a *comparison* is two arms; an *outcome* is what is
  measured (a construct), an *instrument* is the scale that measures it; an *analysis* pools one
  outcome over the trials of a *condition*.
"""

_SECOND = """\
## `{{condition}}/second/`

Optional. What a second extractor read independently: {tables}, with the same columns
as the first's. Only the first's tables enter the analyses;
[double_extraction.md](../../docs/double_extraction.md) says how the two are compared.
"""


def code_book() -> str:
    """The text of `data/raw/README.md`."""
    parts = [_INTRO, _section(INSTRUMENTS, "instruments.csv")]
    parts += [_section(table, f"{table.name}.csv") for table in (OTHER_REVIEWS, CLAIMS)]
    parts += [_section(table, f"{{condition}}/{table.name}.csv") for table in CONDITION_TABLES]
    parts.append(_SECOND.format(tables=" and ".join(f"{t.name}.csv" for t in DOUBLE_TABLES)))
    parts += [
        _section(table, f"{{condition}}/{table.name}.csv") for table in (ADJUDICATION, CERTAINTY)
    ]
    return "\n".join(parts)


def _section(table: Table, path: str) -> str:
    head = f"## `{path}`\n\n{table.meaning}\n\nA row is named by: {', '.join(table.key)}.\n"
    lines = ["| column | type | unit | allowed | meaning |", "|---|---|---|---|---|"]
    lines += [_line(column) for column in table.columns]
    return head + "\n" + "\n".join(lines) + "\n"


def _line(column: Column) -> str:
    kind = column.kind.replace("_", "/") + (", required" if column.required else "")
    allowed = ", ".join(column.choices)
    if column.low is not None and column.high is not None:
        allowed = f"{column.low:g} to {column.high:g}"
    elif column.low is not None:
        allowed = f"at least {column.low:g}"
    meaning = column.meaning.replace("|", "\\|")
    return f"| `{column.name}` | {kind} | {column.unit} | {allowed} | {meaning} |"


if __name__ == "__main__":
    print(code_book(), end="")
