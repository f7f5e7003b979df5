"""Import of the analysis data that Review Manager 5 exports as CSV.

One line a comparison, an outcome, a subgroup or a study, told apart by their numbers: an outcome's
line names its data type, the first line of a subgroup is its heading. Which columns are there is
for the person who exports to choose; the numbers and the name must be.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log
from pathlib import Path
from typing import NamedTuple

from trialpool.effects.registry import reported_as
from trialpool.review.exchange import limits
from trialpool.review.exchange.draft import (
    Draft,
    MalformedFileError,
    is_number,
    named,
    plain,
    read_bytes,
)
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.revman import RevManReview
from trialpool.review.exchange.revman_measures import measure_of
from trialpool.review.exchange.revman_parts import (
    POOLED,
    Fields,
    RevManAnalysis,
    RevManStudy,
    StoredResult,
    holds_result,
    in_subgroup,
    several,
)
from trialpool.review.exchange.revman_ratios import is_logrank

Line = dict[str, str]

COMPARISON, OUTCOME, SUBGROUP = "Comparison Number", "Outcome Number", "Subgroup Number"
NAME, YEAR = "Name", "Year of study"
FIELDS = Fields(
    events=("Events 1", "Events 2"),
    totals=("Total 1", "Total 2"),
    means=("Mean 1", "Mean 2"),
    sds=("SD 1", "SD 2"),
    estimate="Estimate",
    se="SE",
    shown=("Effect Estimate", "CI Start", "CI End"),
    logrank=("O-E", "Var"),
)
# The pooled numbers that are compared with ours.
_STORED = {"estimate": "Effect Estimate", "ci_low": "CI Start", "ci_high": "CI End",
           "tau2": "Tau²", "q": "Q", "i2": "I²", "p_value": "P(Z)"}  # fmt: skip
_ALIASES = {"Variance": "Var", "Tau2": "Tau²", "I2": "I²",
            "I² (Q)": "I²", "I²(Q)": "I²", "Tau^2": "Tau²", "I^2": "I²"}  # fmt: skip
_KINDS = {"di": "counts", "co": "means", "iv": "contrast", "ge": "contrast", "in": "contrast",
          "oe": "logrank", "o e": "logrank", "ip": "logrank"}  # fmt: skip
_WORDS = {COMPARISON, OUTCOME, SUBGROUP, NAME, YEAR, "Data Type", "Statistical Method",
          "Effect Measure", "Analysis Model", "Totals", "Study Confidence Interval",
          "Total Confidence Interval", "Test for subgroup differences",
          "Swap event and non-event", "Group Label 1", "Group Label 2", "Left Graph Label",
          "Right Graph Label", "User defined order"}  # fmt: skip


class _Study(NamedTuple):
    """A study's line under its headings."""

    row: int
    line: Line
    analysis: RevManAnalysis
    kind: str


def read(path: Path, options: ImportOptions) -> Imported:
    """Read analysis data exported by Review Manager 5.

    Parameters
    ----------
    path : the CSV file, commas or semicolons, with or without byte order mark
    options : the condition the tables are for, which is also their diagnosis

    Returns
    -------
    Raw tables, what was assumed, and what was left

    Raises
    ------
    MalformedFileError
        if the numbers of comparison, outcome and subgroup are not there, or no study is
    """
    lines = _lines(path)
    draft = Draft("revman5", options.source_url or "https://www.cochranelibrary.com", "secondary")
    review = RevManReview(draft, options.condition, FIELDS)
    studies = list(_studies(path, lines, draft))
    if not studies:
        fix = "Export the studies of the analyses, too"
        raise MalformedFileError(path, "", "no line of a study under an outcome", fix)
    places = [(s.analysis.number, s.analysis.subgroup, _key(s.line)) for s in studies]
    repeated = several(places)
    for study, place in zip(studies, places, strict=True):
        if not review.knows(place[2]):
            name, year = place[2]
            where = f"row {study.row}"
            review.add_study(RevManStudy(key=place[2], name=name, where=where, year=year))
        twice = frozenset([place[2]] if place in repeated else [])
        analysis = replace(study.analysis, repeated=twice)
        _add(path, study._replace(analysis=analysis), review)
    return review.outcomes.done()


def is_export(content: bytes) -> bool:
    """Whether the bytes of a file begin as this export does."""
    first = content[:4096].decode("utf-8-sig", "replace").split("\n", 1)[0]
    return COMPARISON in first and OUTCOME in first


def _key(line: Line) -> tuple[str, str]:
    return line[NAME], line.get(YEAR, "")


def _lines(path: Path) -> list[tuple[int, Line]]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        text = read_bytes(path).decode("cp1252", "replace")
    first = text.split("\n", 1)[0]
    mark = max((",", ";", "\t"), key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise MalformedFileError(path, "", f"not readable as CSV ({error})") from None
    limits.of_lines(path, rows)
    header = [_ALIASES.get(cell.strip(), cell.strip()) for cell in rows[0]]
    for needed in (COMPARISON, OUTCOME, SUBGROUP, NAME):
        if needed not in header:
            rule = f"the column `{needed}` is missing"
            raise MalformedFileError(path, "", rule, "Choose it when the data are exported")
    if twice := several(cell for cell in header if cell):
        raise MalformedFileError(path, "", f"the column `{min(map(str, twice))}` stands twice")
    comma = mark != ","
    out = []
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            rule = f"{len(cells)} cells where the header has {len(header)}"
            raise MalformedFileError(path, f"row {number}", rule)
        values = (_number(cell.strip(), comma=comma) for cell in cells)
        out.append((number, dict(zip(header, values, strict=True))))
    return out


def _number(cell: str, *, comma: bool) -> str:
    """A number with a decimal point; where columns are not separated by commas it may have one."""
    return cell.replace(",", ".") if comma and re.fullmatch(r"[+-]?\d+,\d+", cell) else cell


def _studies(path: Path, lines: Sequence[tuple[int, Line]], draft: Draft) -> Iterator[_Study]:
    comparison, subgroup, kind = "", "", ""
    outcome = RevManAnalysis(number="", where="", outcome="")
    seen: set[tuple[str, str, str]] = set()
    for row, line in lines:
        group = line[SUBGROUP] if line[SUBGROUP] not in ("", "0") else ""
        place = (line[COMPARISON], line[OUTCOME], group)
        if line[OUTCOME] in ("", "0"):
            comparison = line[NAME]
        elif line.get("Data Type"):
            outcome, kind = _outcome(line, comparison), _kind(path, row, line["Data Type"])
            subgroup = ""
            _pooled(row, line, outcome, draft)
        elif group and place not in seen:
            subgroup = line[NAME]
            seen.add(place)
            _pooled(row, line, _part(outcome, subgroup), draft)
        elif not kind:
            rule = "a study before any outcome with its `Data Type`"
            raise MalformedFileError(path, f"row {row}", rule)
        else:
            part = subgroup if group else ""
            yield _Study(row, line, _part(outcome, part), kind)


def _part(outcome: RevManAnalysis, subgroup: str) -> RevManAnalysis:
    return replace(outcome, subgroup=subgroup, where=in_subgroup(outcome.number, subgroup))


def _outcome(line: Line, comparison: str) -> RevManAnalysis:
    number = f"{line[COMPARISON]}.{line[OUTCOME]}"
    scale = next((text for name, text in line.items() if "log scale" in name.lower()), "")
    return RevManAnalysis(
        number=number,
        where=number,
        outcome=line[NAME],
        comparison=comparison,
        labels=(line.get("Group Label 1", ""), line.get("Group Label 2", "")),
        favours=(line.get("Left Graph Label", ""), line.get("Right Graph Label", "")),
        measure=line.get("Effect Measure", ""),
        method=line.get("Statistical Method", ""),
        random="random" in line.get("Analysis Model", "").lower(),
        ci_total=line.get("Total Confidence Interval", "95").rstrip("% ") or "95",
        logged=plain(scale) not in ("no", "false"),
        swapped=plain(line.get("Swap event and non-event", "")) in ("yes", "true"),
    )


def _kind(path: Path, row: int, declared: str) -> str:
    kind = next((k for start, k in _KINDS.items() if plain(declared).startswith(start)), "")
    if not kind:
        rule = f"Data Type = {declared}: none of DIC, CON, IV and O-E"
        raise MalformedFileError(path, f"row {row}", rule)
    return kind


def _pooled(row: int, line: Line, analysis: RevManAnalysis, draft: Draft) -> None:
    numbers = {n: t for n, t in line.items() if n not in _WORDS and is_number(t)}
    if not numbers:
        return
    why = "the raw tables hold data of trials; the pipeline pools them itself"
    draft.leave(f"row {row}", POOLED, named(numbers), why)
    known = {ours: numbers[name] for ours, name in _STORED.items() if name in numbers}
    if holds_result(known):
        draft.stored.append(StoredResult(analysis=analysis, numbers=known))


def _add(path: Path, study: _Study, review: RevManReview) -> None:
    key, analysis = _key(study.line), study.analysis
    printed = {name: text for name, text in study.line.items() if name not in _WORDS and text}
    inputs = (FIELDS.events, FIELDS.totals, FIELDS.means, FIELDS.sds, FIELDS.logrank)
    for name in (name for pair in inputs for name in pair if name in printed):
        if not is_number(printed[name]):
            rule = f"{name} = {printed[name]}: must be a number"
            raise MalformedFileError(path, f"row {study.row}", rule)
    shown = printed.get(FIELDS.shown[0], "")
    if study.kind == "contrast" and is_number(shown):
        # The export shows ratios; their standard errors are of the logarithm.
        ratio = reported_as(measure_of(analysis)).is_ratio
        if not ratio or float(shown) > 0:
            printed[FIELDS.estimate] = f"{log(float(shown)):.12g}" if ratio else shown
    if study.kind == "contrast":
        review.add_contrast(analysis, key, printed, "")
    elif study.kind == "means":
        review.add_means(analysis, key, printed, "")
    elif study.kind == "logrank" and is_logrank(printed, FIELDS):
        review.add_logrank(analysis, key, printed, "")
    else:
        review.add_counts(analysis, key, printed, "")
