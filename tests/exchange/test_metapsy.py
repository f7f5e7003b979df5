"""The three shared Metapsy databases: imported whole, reproduced, exported again.

Source: the Metapsy project, and the published results of Harrer and others (2023-11) beside the
data. Every `.g` and `.g_se` of a row that holds both arms' numbers must come out of the imported
tables to three decimals; the databases' own effects are the second route.
"""

from __future__ import annotations

import csv
import re
from math import isnan
from pathlib import Path

import pytest
import yaml
from metapsy_files import CONDITIONS, FILES, shared
from small import cleaned_tables, through_csv

from trialpool.pooling.model import pool
from trialpool.review.effects.comparisons import build_effects
from trialpool.review.effects.records import Records
from trialpool.review.exchange.formats import FORMATS, Export, ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.metapsy.columns import (
    JUDGEMENTS,
    KNOWN,
    NOT_AN_EVENT,
    NUMBERS,
    RATINGS,
)
from trialpool.review.exchange.metapsy.direction import find_direction, has_events
from trialpool.review.exchange.metapsy.notes import rows_of
from trialpool.review.exchange.metapsy.reproduce import file_sign, reproduce
from trialpool.review.exchange.metapsy.results import complete
from trialpool.review.exchange.metapsy.source import SourceLine, read_source
from trialpool.review.exchange.starter import starter
from trialpool.review.extraction.checking import load
from trialpool.review.protocol.protocol import resolve
from trialpool.review.schema.raw import CONFIDENCE

METAPSY = FORMATS["metapsy"]

# Rows of the file, and of these: with means, with changes, with counts of both arms.
ROWS = {
    ("ptsd", "data"): (131, 112, 0, 10),
    ("ptsd", "database"): (131, 112, 0, 10),
    ("panic", "data"): (88, 86, 2, 0),
    ("panic", "database"): (82, 78, 0, 0),
    ("generalized_anxiety", "data"): (122, 117, 0, 1),
    ("generalized_anxiety", "database"): (126, 121, 0, 1),
}
# Rows without an effect of their own: the file has no number, no SD or no n for an arm.
WITHOUT = {
    ("panic", "database"): {"Goldstein, 2000": 1, "Klein, 2001": 1, "Rees, 2012": 2},
    ("generalized_anxiety", "data"): {"Butler, 1987": 2, "Paxling, 2011": 2},
    ("generalized_anxiety", "database"): {"Butler, 1987": 2, "Paxling, 2011": 2},
}
SIGN = {
    ("ptsd", "data"): "arm 2 minus arm 1 in 112 of 112",
    ("ptsd", "database"): "arm 2 minus arm 1 in 112 of 112",
    ("panic", "data"): "arm 2 minus arm 1 in 88 of 88",
    ("panic", "database"): "arm 1 minus arm 2 in 78 of 78",
    # Two rows have equal means (g = 0), or scores without an SD and so without `.g`.
    ("generalized_anxiety", "data"): "arm 2 minus arm 1 in 116 of 116",
    ("generalized_anxiety", "database"): "arm 1 minus arm 2 in 120 of 120",
}


def imported(condition: str, name: str) -> Imported:
    return METAPSY.read(shared(condition, name), ImportOptions(condition=condition))


@pytest.mark.parametrize(("condition", "name"), FILES)
def test_every_effect_of_the_file_comes_out_of_the_imported_tables(
    condition: str, name: str
) -> None:
    """All rows with both arms' numbers agree to three decimals, effect and standard error."""
    found = reproduce(shared(condition, name), ImportOptions(condition=condition))
    kinds = [row.kind for row in found]
    counts = (len(found), *(kinds.count(kind) for kind in ("msd", "change", "event")))
    assert counts == ROWS[condition, name]
    assert [row for row in found if row.kind and not row.agrees] == []
    without = [row for row in found if not row.agrees]
    studies = {row.study: [x.study for x in without].count(row.study) for row in without}
    assert studies == WITHOUT.get((condition, name), {})
    assert all(isnan(row.printed) and row.reason for row in without)


@pytest.mark.parametrize(("condition", "name"), FILES)
def test_the_direction_is_found_and_said(condition: str, name: str) -> None:
    """The files differ in sign; what was found stands in `assumed`, with the count of rows."""
    said = imported(condition, name).assumed
    assert f"`.g` is {SIGN[condition, name]} rows with means" in said


@pytest.mark.parametrize(("condition", "name"), FILES)
def test_every_row_and_column_is_taken_or_listed(condition: str, name: str) -> None:
    """A row stands in the locator of a result or a contrast, or in `left`; so does a column."""
    path = shared(condition, name)
    tables, source = imported(condition, name), read_source(path)
    held = [row for table in ("results", "contrasts") for row in tables.tables[table]]
    taken = frozenset().union(*(rows_of(row["locator"]) for row in held))
    left = {int(n) for entry in tables.left for n in re.findall(r"^row (\d+)", entry.where)}
    assert {line.number for line in source.lines} <= taken | left
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream, delimiter=";" if name == "database" else ","))
    listed = {entry.where for entry in tables.left if entry.what == "column"}
    assert set(header) - {""} <= set(source.columns.values()) | listed


@pytest.mark.parametrize(("condition", "name"), FILES)
def test_the_pipeline_itself_gives_the_effects_of_two_arms(
    condition: str, name: str, tmp_path: Path
) -> None:
    """`clean` and `build_effects` under the starting protocol reproduce `.g` and its SE.

    Compared are scores of comparisons with one experimental arm: the pipeline combines the arms
    of a trial, and keeps counts on the scale of the odds ratio.
    """
    tables = imported(condition, name)
    tables.write(tmp_path, condition)
    review = resolve(yaml.safe_load(starter(tables, condition, METAPSY.file, METAPSY.smd)))
    raw, warnings = load(tmp_path, condition, review.outcome_rules(), CONFIDENCE, {})
    made = cleaned_tables(raw, warnings, review.confidence_order)
    records = Records(*(through_csv(made[x]) for x in ("trials", "arms", "records", "flags")))
    effects = build_effects(records, review.measures(condition), review.defaults, ())
    lines = {line.number: line for line in read_source(shared(condition, name)).lines}
    direction = find_direction(list(lines.values()))
    compared = 0
    for row in effects.to_dict("records"):
        if row["measure"] != "SMD" or "+" in row["experimental_arms"] or row["variant"]:
            continue
        if isnan(row["yi"]):
            continue
        places = [rows_of(place) for place in row["locator"].split("; ")]
        (line,) = (lines[n] for n in frozenset.intersection(*places))
        sign = file_sign(line, direction)
        assert sign * row["yi"] == pytest.approx(float(line[".g"]), abs=5e-4)
        assert row["vi"] ** 0.5 == pytest.approx(float(line[".g_se"]), abs=5e-4)
        compared += 1
    assert compared >= 0.4 * len(lines)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_published_pooled_effect_comes_out(condition: str) -> None:
    """The row "Overall" of the authors' own results: REML with unmodified Knapp-Hartung."""
    path = shared(condition, "data")
    with (path.parent / "published_pooled_effects.csv").open(encoding="utf-8") as stream:
        published = next(csv.DictReader(stream))
    found = [row for row in reproduce(path, ImportOptions(condition=condition)) if not isnan(row.g)]
    result = pool([row.g for row in found], [row.se**2 for row in found], test="knha")
    low, high = (float(x) for x in re.findall(r"-?[\d.]+", published["g.ci"]))
    assert result.k == int(published["k"])
    assert round(result.beta, 2) == float(published["g"])
    assert (round(result.ci_lb, 2), round(result.ci_ub, 2)) == (low, high)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_import_and_export_lose_nothing_that_was_understood(condition: str, tmp_path: Path) -> None:
    """Row by row and column by column; each kind of difference is declared in `_same`."""
    path = shared(condition, "data")
    imported(condition, "data").write(tmp_path, condition)
    METAPSY.write(tmp_path / "out.csv", Export(raw=tmp_path, condition=condition))
    before, after = read_source(path).lines, read_source(tmp_path / "out.csv").lines
    direction = find_direction(before)
    assert len(before) == len(after)
    written = {_key(line): line for line in after}
    assert len(written) == len(after)
    lost = [
        (line.number, name, line[name], written[_key(line)][name])
        for line in before
        for name in sorted(KNOWN)
        if line[name] and not _same(name, line, written[_key(line)], file_sign(line, direction))
    ]
    assert lost == _DIFFERENT.get(condition, [])


_KEY = ("study", "condition_arm1", "condition_arm2", "multi_arm1", "multi_arm2", "instrument",
        "time", "time_weeks", "outcome_type", "dich_type")  # fmt: skip

# Values that differ between rows of one trial have no place in a table with one row per trial.
_DIFFERENT = {
    "generalized_anxiety": [
        (62, "n_randomised_arm1", "22.0", ""),
        (62, "n_randomised_arm2", "20.0", ""),
        (63, "n_randomised_arm1", "11.0", ""),
        (63, "n_randomised_arm2", "10.0", ""),
    ]
}


def _key(line: SourceLine) -> tuple[str | float, ...]:
    cells = [_plain(name, line[name]) for name in _KEY]
    return (*cells, _plain("rating", line["rating"]))


def _plain(name: str, cell: str) -> str | float:
    if name in NUMBERS:
        return round(float(cell), 9) if cell else ""
    if name == "rating":
        return RATINGS.get(cell, cell)
    if name.startswith("rob"):
        return JUDGEMENTS.get(cell.lower(), cell)
    return cell.replace(";", ",").replace("\u00a0", " ")


def _same(name: str, before: SourceLine, after: SourceLine, sign: int) -> bool:
    """Whether a cell survived, or is one of those that are not meant to."""
    if name in (".g", ".g_se", "precalc_g"):
        if name == "precalc_g" and complete(before):
            return not after[name]  # the arms' own numbers are written instead
        turn = 1 if name == ".g_se" else sign
        return abs(turn * float(after[name]) - float(before[name])) < 5e-4
    if name == "precalc_g_se" and complete(before):
        return not after[name]
    if name.startswith("totaln") and not has_events(before):
        return not after[name]  # listed: people at risk of an event, without an event
    if name == "share_women":
        return float(after["percent_women"]) == pytest.approx(100 * float(before[name]))
    if name == "analysis_set" and before[name] == "NR":
        return not after[name]
    if name == "event_kind" and before["outcome_type"] not in NOT_AN_EVENT:
        return True
    return _plain(name, before[name]) == _plain(name, after[name])
