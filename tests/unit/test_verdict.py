"""The rules of the verdict: each fires where docs/verdict.md says, and nowhere else."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from trialpool.review.report import verdict as v
from trialpool.review.report.verdict import Gravity, verdict

SMD = {"measure": "SMD", "scale": "identity", "better": "lower", "important": 0.5}
RR = {"measure": "RR", "scale": "log", "better": "lower", "important": math.log(1.25)}
CLEAR, OPEN = (-0.6, -0.9, -0.3), (-0.6, -1.7, 0.5)


def made(shown: tuple[float, float, float] = CLEAR, k: int = 6, **own: Any) -> dict[str, Any]:
    """A model.json without a single threat, but for what is given."""
    trust: dict[str, Any] = {
        "multiverse": None, "influence": None, "weights": {}, "flagged": [], "small_studies": None,
        "fragility": None, "coverage": None,
    }  # fmt: skip
    estimate, low, high = shown
    display = {"estimate": estimate, "ci_low": low, "ci_high": high,
               "pi_low": own.pop("pi_low", math.nan),
               "pi_high": own.pop("pi_high", math.nan)}  # fmt: skip
    model = {
        **SMD, "k": k, "n": 200, "display": display, "experimental_label": "Ketamine",
        "what_if": None, "largest_missing": None, "pooled": {"i2": 0.0}, "trust": trust,
    }  # fmt: skip
    trust |= own.pop("trust", {})
    return model | own


def multiverse(agree: float) -> dict[str, Any]:
    return {"multiverse": {"specifications": 100, "distinct": 80, "share_same_conclusion": agree,
                           "turned_most_by": "Test"}}  # fmt: skip


def without(turns: list[str]) -> dict[str, Any]:
    row = {"estimate": -0.2, "ci_low": -0.6, "ci_high": 0.2}
    return {"influence": {"turns": turns, "influential": [], "without": dict.fromkeys("AB", row)}}


def small(turns: list[str], asymmetric: list[str]) -> dict[str, Any]:
    return {"small_studies": {"turns": turns, "asymmetric": asymmetric, "estimates": 3}}


def flags(names: list[str], share: float) -> dict[str, Any]:
    return {"trust": {"flagged": names, "weights": {"flagged": share}}}


def covers(shares: list[float] | None) -> dict[str, Any]:
    return {"trust": {"coverage": {"confidence": shares}}}


def largest(n: float) -> dict[str, Any]:
    return {"largest_missing": {"study": "Big 2020", "n": n, "estimate": None}}


def joint(low: float, high: float) -> dict[str, Any]:
    return {"what_if": {"trials": ["B"], "estimate": -0.3, "ci_low": low, "ci_high": high}}


CASES: list[tuple[str, dict[str, Any], Gravity | None]] = [
    ("missing trials", joint(-0.7, 0.1), Gravity.TURNS),
    ("missing trials", joint(-0.7, -0.1), None),
    ("missing trials", largest(100), Gravity.COULD),
    ("missing trials", largest(99), None),
    ("a single trial", {"trust": without(["A"])}, Gravity.TURNS),
    ("a single trial", {"trust": without([])}, None),
    ("a single trial", {"k": 1, "pooled": None}, Gravity.COULD),
    ("the choices of the analysis", {"trust": multiverse(0.79)}, Gravity.TURNS),
    ("the choices of the analysis", {"trust": multiverse(0.8)}, Gravity.COULD),
    ("the choices of the analysis", {"trust": multiverse(0.95)}, None),
    ("small-study effects", {"trust": small(["PET", "limit"], [])}, Gravity.TURNS),
    ("small-study effects", {"trust": small(["PET"], [])}, Gravity.COULD),
    ("small-study effects", {"trust": small([], ["Egger"])}, Gravity.CAUTION),
    ("small-study effects", {"trust": small([], [])}, None),
    ("data that look wrong", flags(["A"], 50.0), Gravity.COULD),
    ("data that look wrong", flags(["A"], 49.0), Gravity.CAUTION),
    ("data that look wrong", flags([], 0.0), None),
    ("differences between trials", {"pi_low": -1.4, "pi_high": 0.2}, Gravity.COULD),
    ("differences between trials", {"pi_low": -1.4, "pi_high": -0.2}, None),
    ("differences between trials", {"pooled": {"i2": 75.1}}, Gravity.CAUTION),
    ("differences between trials", {"pooled": {"i2": 75.0}}, None),
    ("a few people", {"trust": {"fragility": {"index": 5}}}, Gravity.COULD),
    ("a few people", {"trust": {"fragility": {"index": 6}}}, None),
    ("a few people", {"trust": {"fragility": {"index": None}}}, None),
    ("risk of bias", {"trust": {"weights": {"high risk of bias": 50.0}}}, Gravity.COULD),
    ("risk of bias", {"trust": {"weights": {"high risk of bias": 0.5}}}, Gravity.CAUTION),
    ("risk of bias", {"trust": {"weights": {"high risk of bias": 0.0}}}, None),
    ("second-hand numbers", {"trust": {"weights": {v.SECOND_HAND: 50.0}}}, Gravity.COULD),
    ("second-hand numbers", {"trust": {"weights": {v.SECOND_HAND: 49.9}}}, None),
    ("an interval that is too narrow", covers([0.92, 0.95]), Gravity.COULD),
    ("an interval that is too narrow", covers([0.93, 0.95]), None),
    ("an interval that is too narrow", covers(None), None),
    ("few trials", {"k": 4}, Gravity.CAUTION),
    ("few trials", {"k": 5}, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "own", "gravity"), CASES)
def test_a_rule_fires_at_its_mark(name: str, own: dict[str, Any], gravity: Gravity | None) -> None:
    found = {threat.name: threat.gravity for threat in verdict(made(**own)).threats}
    assert found.get(name) == gravity


def test_an_interval_that_excludes_nothing_is_only_warned_of_its_coverage() -> None:
    found = verdict(made(OPEN, trust={"coverage": {"confidence": [0.9, 0.95]}}))
    assert [threat.gravity for threat in found.threats] == [Gravity.CAUTION]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, "lower with ketamine"),
        ({"shown": (0.6, 0.3, 0.9)}, "higher with ketamine"),
        ({"shown": OPEN}, "undecided"),
        ({"shown": (0.1, -0.4, 0.45)}, "no difference that matters"),
        ({"shown": (0.1, -0.4, 0.45), "important": None}, "undecided"),
        ({"shown": (2.0, 1.5, 3.0), **RR}, "more frequent with ketamine"),
        ({"shown": (0.5, 0.3, 0.9), **RR}, "less frequent with ketamine"),
        ({"shown": (1.0, 0.81, 1.2), **RR}, "no difference that matters"),
        ({"shown": (1.0, 0.79, 1.2), **RR}, "undecided"),
    ],
)
def test_the_conclusion_follows_from_the_interval(own: dict[str, Any], expected: str) -> None:
    assert verdict(made(**own)).conclusion == expected


@pytest.mark.parametrize(
    ("own", "robust"),
    [
        ({}, "yes"),
        ({"k": 4}, "yes"),
        (largest(150), v.NOT_JUDGED),
        ({"k": 1, "pooled": None}, v.NOT_JUDGED),
        (joint(-0.7, 0.1), "no"),
    ],
)
def test_robust_is_no_when_anything_turns_it(own: dict[str, Any], robust: str) -> None:
    assert verdict(made(**own)).robust == robust


def test_the_gravest_threat_is_named_and_ties_go_by_order() -> None:
    both = made(**joint(-0.7, 0.1), trust=multiverse(0.5) | without(["A"]), k=4)
    names = [threat.name for threat in verdict(both).threats]
    assert names == [
        "missing trials",
        "a single trial",
        "the choices of the analysis",
        "few trials",
    ]
    assert "threatened most by missing trials: " in verdict(both).line


def test_the_line_holds_the_numbers() -> None:
    line = verdict(made(OPEN, k=3, **largest(250))).line
    assert line == (
        "SMD −0.60 (−1.70 to 0.50): undecided; whether it is robust cannot be told; threatened "
        "most by missing trials: Big 2020 (n = 250), more people than all trials here together, "
        "has no usable numbers."
    )
    assert line.endswith(verdict(made(OPEN, k=3, **largest(250))).told[1:])


def test_no_trial_has_no_verdict_but_a_line() -> None:
    found = verdict(made(k=0))
    assert (found.conclusion, found.robust, found.threats) == ("no trial", "", ())


def test_the_page_states_every_threat_and_threshold() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verdict.md").read_text(encoding="utf-8")
    for name, _, _ in CASES:
        assert f"| {name} |" in page
    for number in (f"{100 * v.AGREE:.0f} %", f"{100 * v.AGREE_LITTLE:.0f} %",
                   f"{100 * v.COVERAGE:.0f} %", f"above {v.MUCH_SPREAD:.0f} %"):  # fmt: skip
        assert number in page
    assert (v.HALF, v.FEW_EVENTS, v.FEW_TRIALS) == (50, 5, 5)  # "half", "five" on the page
