"""Broken tables, one file each: every one stops the run and is told in its own words."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from corpus import HERE, cases, expected, look_at, looked_at, said
from make import broken
from small import SMALL, SmallReview

from trialpool.cli import main
from trialpool.review.commands.check import CheckReport
from trialpool.review.commands.problem_table import listing
from trialpool.review.extraction.checking import load
from trialpool.review.extraction.checks import CHECKS
from trialpool.review.extraction.emptiness import NAMES
from trialpool.review.extraction.forms import FORMS
from trialpool.review.extraction.kinds import kinds
from trialpool.review.extraction.problems import DataError
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema.raw import CONFIDENCE

BROKEN = {str(case): case for case in cases(HERE)}
FLAGGED = {str(case): case for case in cases(HERE / "warnings")}
RULES = read_protocol(SMALL / "config/review.yaml").outcome_rules()
SAID, FLAGS = expected(HERE), expected(HERE / "warnings")


@cache
def found(folder: str, name: str) -> CheckReport:
    """What is found in a case; each is looked at once."""
    return looked_at((BROKEN if folder == "broken" else FLAGGED)[name])


def test_every_file_has_its_sentences_and_every_sentence_its_file() -> None:
    """At least 120 broken tables, none of them without a message."""
    assert BROKEN.keys() == SAID.keys()
    assert FLAGGED.keys() == FLAGS.keys()
    assert len(BROKEN) >= 120


def test_the_files_are_those_of_the_lists() -> None:
    """Written by make.py, two names for one file or a file without a case would be seen."""
    listed = list(broken())
    assert len(dict(listed)) == len(listed)
    held = {p for p in HERE.rglob("*.*") if p.parent not in (HERE, HERE / "warnings")}
    assert {
        path: path.read_bytes() for path in held if path.is_file() and path.suffix != ".pyc"
    } == dict(listed)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_is_told_exactly(name: str) -> None:
    """File, row, column, value, rule and fix, so that a person can mend it without reading code."""
    result = found("broken", name)
    errors = result.of("error")
    assert [said(problem) for problem in errors] == SAID[name]
    assert all(problem.rule and problem.fix and problem.check for problem in errors)
    assert not result.usable
    page = listing(result.problems, None).splitlines()
    for problem in errors:
        assert any(f"{problem.rule}." in line for line in page)
        assert any(f"Fix: {problem.fix}." in line for line in page)
        assert problem.check in kinds()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_yields_no_result(
    name: str, small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says so and ends with 1; the cleaning step stops before anything is written."""
    BROKEN[name].put_into(small)
    before = files(small.folder)
    config, raw = small.folder / "config/review.yaml", small.folder / "data/raw"
    assert main(["check", "--config", str(config), "--raw", str(raw), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [sentence(error) for error in told["errors"]] == SAID[name]
    with pytest.raises(DataError):
        load(raw, "blue", RULES, CONFIDENCE, {})
    assert files(small.folder) == before


def sentence(error: dict[str, Any]) -> str:
    """One line, from the fields that `--json` gives."""
    row, column = error["row"], error["column"]
    where = error["file"] if row is None else f"{error['file']} row {row}"
    what = f", {column}" * bool(column) + f" = {error['value']}" * bool(error["value"])
    return f"{where[where.index('data/raw/') :]}{what}: {error['rule']}. {error['fix']}."


def files(folder: Path) -> set[str]:
    """All files below a folder."""
    return {os.path.join(root, name) for root, _, names in os.walk(folder) for name in names}


@pytest.mark.parametrize("name", FLAGGED)
def test_an_improbable_table_is_flagged_and_used(name: str) -> None:
    """A warning names what is odd and leaves the numbers usable."""
    result = found("flagged", name)
    warnings = [problem for problem in result.of("warning") if problem.check != "not_used"]
    assert [said(problem) for problem in warnings] == FLAGS[name]
    assert result.usable


@pytest.mark.parametrize("case", FLAGGED)
def test_a_second_look_sets_a_warning_aside(case: str, small: SmallReview) -> None:
    """Naming the check in `checked`, with the reason in notes, silences it for that row alone."""
    FLAGGED[case].put_into(small)
    for problem in look_at(small).of("warning"):
        name = Path(problem.file).stem
        if name in ("results", "contrasts") and problem.check in CHECKS:
            row = problem.row or 0
            held = small.rows(name)
            place = held[0].index("checked")
            checks = {*held[row - 1][place].split("; "), problem.check} - {""}
            small.set(name, row, "checked", "; ".join(sorted(checks)))
            small.set(name, row, "notes", "looked up in the paper")
    left = [problem for problem in look_at(small).problems if problem.check != "not_used"]
    assert {Path(problem.file).stem for problem in left}.isdisjoint({"results", "contrasts"})


def test_every_rule_has_a_case_that_proves_it() -> None:
    """A check, or a rule of form, that nothing breaks is not known to work."""
    seen = {p.check for name in BROKEN for p in found("broken", name).of("error")}
    flagged = {p.check for name in FLAGGED for p in found("flagged", name).of("warning")}
    errors = {name for name, check in CHECKS.items() if check.severity == "error"}
    assert seen == errors | FORMS.keys()
    assert flagged - {"not_used", *NAMES} == CHECKS.keys() - errors
