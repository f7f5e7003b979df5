"""`trialpool check`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from small import ROOT, SmallReview

from trialpool.cli import main
from trialpool.review.commands.problem_table import listing
from trialpool.review.extraction.checks import CHECKS
from trialpool.review.extraction.problems import Problem


def run(small: SmallReview, *options: str) -> int:
    """The command on the small review."""
    config, raw = small.folder / "config/review.yaml", small.folder / "data/raw"
    return main(["check", "--config", str(config), "--raw", str(raw), *options])


def told(
    small: SmallReview, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, dict[str, Any]]:
    """How the command ended, and the object it printed."""
    code = run(small, "--json", *options)
    page = capsys.readouterr()
    assert page.err == ""
    return code, json.loads(page.out)


def protocol(small: SmallReview, old: str, new: str) -> None:
    """Change the protocol."""
    path = small.folder / "config/review.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_review_in_order(small: SmallReview, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to say, and how much was looked at."""
    assert run(small) == 0
    assert capsys.readouterr().out == "2 conditions, 4 analyses: usable, 0 warnings\n"
    code, found = told(small, capsys)
    assert (code, found) == (
        0, {"usable": True, "errors": [], "warnings": [], "conditions": 2, "analyses": 4},
    )  # fmt: skip


def test_warnings_count_only_when_asked_to(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """A warning leaves the review usable; --strict is for those who want none."""
    small.set("results", 3, "sd", "1.9")
    code, found = told(small, capsys)
    assert (code, found["usable"], len(found["warnings"])) == (0, True, 1)
    assert found["warnings"][0].keys() == {field.name for field in fields(Problem)}
    code, found = told(small, capsys, "--strict")
    assert (code, found["usable"]) == (1, True)
    assert run(small) == 0
    assert "usable, 1 warning\n" in capsys.readouterr().out


def test_rows_that_will_not_be_used_are_told(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """A blank in one cell takes a comparison out; whoever typed it should know."""
    small.set("results", 2, "sd", "")
    _, found = told(small, capsys)
    assert [(w["row"], w["check"]) for w in found["warnings"]] == [(2, "not_used"), (3, "not_used")]
    assert found["warnings"][0]["rule"] == (
        "will not be used: no SD, and no SE or CI of the mean to compute it from"
    )


def test_protocol_and_tables_are_told_together(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """One look for all that must be mended."""
    protocol(small, "measure: SMD", "measure: OR")
    protocol(small, "title: Green", "titel: Green")
    small.set("results", 2, "mean", "61")
    code, found = told(small, capsys)
    assert code == 1
    assert [(Path(e["file"]).name, e["column"], e["check"]) for e in found["errors"]] == [
        ("review.yaml", "conditions.green.titel", "protocol"),
        ("review.yaml", "conditions.green.title", "protocol"),
        ("results.csv", "mean", "instrument_range"),
    ]
    assert found["errors"][0]["rule"] == "unknown key"
    assert found["errors"][0]["fix"].startswith("Remove it or fix the spelling")
    protocol(small, "titel: Green", "title: Green")
    _, found = told(small, capsys)
    assert (found["errors"][0]["column"], found["errors"][0]["value"]) == (
        "conditions.blue.analyses.mood.measure",
        "OR",
    )
    assert [e["check"] for e in found["errors"]] == ["protocol", "instrument_range"]


def test_outcomes_that_cannot_be_read_leave_the_form_of_the_tables(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the outcomes every row would look wrong; a decimal comma is wrong anyway."""
    protocol(small, "kind: binary", "kind: counted")
    small.set("results", 2, "mean", "18,5")
    small.set("results", 4, "mean", "61")
    _, found = told(small, capsys)
    assert [error["check"] for error in found["errors"]] == ["protocol", "separator_in_number"]


@pytest.mark.parametrize(
    ("old", "new", "key", "value"),
    [
        ("notice: ", "notice: {a: 1} # ", "notice", "{'a': 1}"),
        ("version: ", "version: [a; b] # ", "version", "['a; b']"),
    ],
)
def test_a_value_with_the_signs_of_a_sentence_stays_whole(
    small: SmallReview,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    key: str,
    value: str,
) -> None:
    """A colon or a semicolon in the value is no part of the sentence about it."""
    protocol(small, old, new)
    _, found = told(small, capsys)
    (error,) = found["errors"]
    assert (error["column"], error["value"]) == (key, value)
    assert error["rule"] == "input should be a valid string"


def test_names_that_only_the_protocol_knows(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing error in the protocol would empty an analysis."""
    protocol(small, "[SCALE, OTHER]", "[SCALE, OTTER]")
    code, found = told(small, capsys)
    assert code == 1
    (error,) = found["errors"]
    assert error["column"] == "conditions.blue.analyses.mood.instruments"
    assert error["rule"] == "OTTER is not in data/raw/instruments.csv"
    assert error["fix"] == "Add it there or fix the spelling"


def test_names_that_only_a_network_knows(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its instruments and filters are checked as those of an analysis."""
    network = (
        "networks: {n: {title: N, outcome: mood, measure: SMD, reference: b, instruments: [OTTER],"
        " include: {trial_id: [Ask]}, nodes: {a: {drug: [drug]}, b: {drug: [saline]}}}}"
    )
    protocol(small, "question: Does the drug help in blue?",
             f"question: Does the drug help in blue?\n    {network}")  # fmt: skip
    code, found = told(small, capsys)
    assert code == 1
    assert [(e["column"], e["rule"]) for e in found["errors"]] == [
        ("conditions.blue.networks.n.include.trial_id", "no trial has Ask"),
        ("conditions.blue.networks.n.instruments", "OTTER is not in data/raw/instruments.csv"),
    ]


@pytest.mark.parametrize(
    ("target", "key", "value", "known"),
    [
        ("{include: {diagnosis: [blus]}}", "include.diagnosis", "blus", "blues"),
        ("{exclude: {diagnosis: [blus]}}", "exclude.diagnosis", "blus", "blues"),
        ("{drug: [druug]}", "drug", "druug", "drug, saline"),
    ],
)
@pytest.mark.parametrize("of_analysis", [False, True])
def test_a_target_names_what_some_table_holds(
    small: SmallReview, capsys: pytest.CaptureFixture[str], target: str, key: str, value: str,
    known: str, *, of_analysis: bool,
) -> None:  # fmt: skip
    """Else all of the weight would lie outside it, and the certainty fall by a typing error."""
    if of_analysis:
        protocol(small, "harm, measure: RR}", f"harm, measure: RR, target: {target}}}")
    else:
        protocol(small, "question: Does the drug help in blue?",
                 f"question: Does the drug help in blue?\n    target: {target}")  # fmt: skip
    code, found = told(small, capsys)
    assert code == 1
    (error,) = found["errors"]
    where = "conditions.blue.analyses.harm" if of_analysis else "conditions.blue"
    assert (error["column"], error["value"]) == (f"{where}.target.{key}", value)
    table = "arms" if key == "drug" else "trials"
    assert error["rule"] == f"no row of any {table}.csv has it"
    assert error["fix"] == f"Use one of {known}"


def test_a_target_may_be_of_people_in_another_condition(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """A review of harms asks about people whom none of its trials studied."""
    small.set("trials", 2, "diagnosis", "greens", condition="green")
    target = "{include: {diagnosis: [greens]}, drug: [drug], comparators: [placebo]}"
    question = "question: Does the drug help in blue?"
    protocol(small, question, f"{question}\n    target: {target}")
    code, found = told(small, capsys)
    assert (code, found["errors"]) == (0, [])


def test_a_name_is_refused_in_words(small: SmallReview, capsys: pytest.CaptureFixture[str]) -> None:
    """What letters a name may have is said, not shown as a pattern."""
    protocol(small, "      harm: {title: Any harm, o", "      Any harm: {title: Any harm, o")
    code, found = told(small, capsys)
    assert code == 1
    (error,) = found["errors"]
    assert error["rule"] == "'Any harm' cannot be a name here"
    assert error["fix"] == "Use lower-case letters, digits and `_` only, the first no `_`"


@pytest.mark.parametrize(
    "content",
    [b"", b"- a list", b"title: [", b"\xff\xfe", b"title: \x00", b"? [a]: b", b"a: 2024-99-99",
     b"a: 1\na: 2", b"[" * 3000, b"outcomes: 3\nconditions: {blue: 4, 7: {}, ../x: {}}",
     b"conditions: []", b"&a [*a]", b"!!python/object:x {}"],
)  # fmt: skip
def test_any_protocol_is_refused_in_words(
    small: SmallReview, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """Whatever stands in the file: a rule and a fix, and no traceback."""
    (small.folder / "config/review.yaml").write_bytes(content)
    code, found = told(small, capsys)
    assert code == 1
    for error in found["errors"]:
        assert error["rule"]
        assert error["fix"]
    assert found["errors"][0]["file"].endswith("config/review.yaml")


def test_paths_that_lead_nowhere(small: SmallReview, capsys: pytest.CaptureFixture[str]) -> None:
    """No protocol, and no tables."""
    assert main(["check", "--config", str(small.folder / "none.yaml"), "--json"]) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error["rule"] == "cannot be opened (No such file or directory)"
    assert error["fix"] == "Check the path given with --config"
    config = str(small.folder / "config/review.yaml")
    assert main(["check", "--config", config, "--raw", str(small.folder / "none"), "--json"]) == 1
    errors = json.loads(capsys.readouterr().out)["errors"]
    assert {error["rule"] for error in errors} == {"the file is missing"}


def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """As every command line does."""
    with pytest.raises(SystemExit) as stop:
        main(["check", "--loudly"])
    assert stop.value.code == 2
    assert "--loudly" in capsys.readouterr().err


def problems() -> list[Problem]:
    rule = "outside the range of SCALE, 0 to 60, and so on until the line has to be broken in two"
    shared = {"rule": rule, "check": "instrument_range"}
    return [
        Problem(file="a.csv", row=3, column="sd", value="1.9", rule="small", fix="Move it",
                check="se_typed_as_sd", severity="warning"),
        Problem(file="a.csv", row=2, column="mean", value="61", fix="Correct it", **shared),  # type: ignore[arg-type]
        Problem(file="a.csv", row=4, column="", value="", fix="Correct it", **shared),  # type: ignore[arg-type]
        Problem(file="b.csv", row=None, column="q1", value="1", fix="Ask", **shared),  # type: ignore[arg-type]
    ]  # fmt: skip


def test_a_kind_of_problem_is_said_once_with_its_places() -> None:
    """Errors first; a fix that most places share stands once, another one at its place."""
    rule = problems()[1].rule
    assert listing(problems(), None).splitlines() == [
        f"error instrument_range (3): {CHECKS['instrument_range'].rule}",
        f"  a.csv row 2, mean = 61: {rule}.",
        f"  a.csv row 4: {rule}.",
        f"  b.csv, q1 = 1: {rule}. Fix: Ask.",
        "  Fix: Correct it.",
        "",
        f"warning se_typed_as_sd: {CHECKS['se_typed_as_sd'].rule}",
        "  a.csv row 3, sd = 1.9: small.",
        "  Fix: Move it.",
        "",
    ]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_list_keeps_to_the_width_of_the_page(width: int) -> None:
    """A line that is broken goes on further in; no word is lost."""
    page = listing(problems(), width)
    assert max(map(len, page.splitlines())) <= width
    assert page.split() == listing(problems(), None).split()


def test_colours_are_for_terminals() -> None:
    """They mark the severity and change nothing else."""
    plain, coloured = (listing(problems(), 90, colours=c) for c in (False, True))
    assert "\x1b" not in plain
    for code in ("\x1b[31m", "\x1b[33m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_problems_are_counted_by_kind(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """The most frequent first, errors before warnings."""
    small.set("results", 13, "event", "31")
    for row in (5, 9):
        small.set("results", row, "sd", "1.9")
    small.set("instruments", 2, "reference_sd_source", "")
    assert run(small, "--statistics") == 1
    *counts, summary = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in counts] == [
        ["1", "error", "events_above_n"],
        ["2", "warning", "se_typed_as_sd"],
        ["1", "warning", "reference_sd_source"],
    ]
    assert summary.endswith("not usable, 1 error, 3 warnings")


def test_kinds_of_problem_can_be_selected(
    small: SmallReview, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not selected is neither shown nor counts."""
    small.set("results", 2, "mean", "61")
    small.set("results", 9, "sd", "1.9")
    code, shown = told(small, capsys, "--select", "se_typed_as_sd")
    assert (code, shown["errors"], len(shown["warnings"])) == (0, [], 1)
    code, shown = told(small, capsys, "--select", "grim, instrument_range")
    assert (code, len(shown["errors"]), shown["warnings"]) == (1, 1, [])


@pytest.mark.parametrize(
    ("code", "said"), [("grimm", "did you mean grim?"), ("xyzzy", "docs/checks.md lists them")]
)
def test_an_unknown_kind_is_refused_with_what_was_meant(
    capsys: pytest.CaptureFixture[str], code: str, said: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check", "--select", code])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def command(small: SmallReview, **settings: Any) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, in the folder of the review."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **settings}
    return subprocess.run(
        [sys.executable, "-m", "trialpool.cli", "check"],
        cwd=small.folder, env=environment, capture_output=True, check=False,
    )  # fmt: skip


def test_output_that_cannot_show_a_letter(small: SmallReview) -> None:
    """A terminal of another century gets codes for what it has no letters for."""
    small.set("results", 2, "mean", "\u221218")
    done = command(small, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert done.stderr == b""
    assert b"mean = \\u221218" in done.stdout
    assert b"Write -18." in done.stdout


def test_a_reader_that_stops_reading(small: SmallReview) -> None:
    """`trialpool check | head` ends without a traceback."""
    small.set("results", 2, "mean", "61")
    script = f"'{sys.executable}' -m trialpool.cli check | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=small.folder, capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.stderr == b""
    assert done.stdout == b"1\n"
