"""The rules of the verdict: each fires where docs/verdict.md says, and nowhere else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filled import analysis_result

from trialpool import typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.review.trust import verdict as v
from trialpool.review.trust.verdict import verdict
from trialpool.trust_facts import Gravity, Threat

SMD = {"measure": "SMD", "scale": "identity", "better": "lower", "important": 0.5}
RR = {"measure": "RR", "scale": "log", "better": "lower", "important": math.log(1.25)}


def led(below: float, *, bayesian: bool = True) -> dict[str, Any]:
    """Three trials whose posterior leads, or only stands beside."""
    return {"k": 3, "policy": {"bayesian": bayesian}, "posterior": {"p_below_zero": below}}


CLEAR, OPEN, HARM = (-0.6, -0.9, -0.3), (-0.6, -1.7, 0.5), (0.6, 0.3, 0.9)


def made(shown: tuple[float, float, float] = CLEAR, k: int = 6, **own: Any) -> AnalysisResult:
    """A result without a single threat, but for what is given."""
    display = dict(zip(("estimate", "ci_low", "ci_high"), shown, strict=True))
    display |= {name: own.pop(name) for name in ("pi_low", "pi_high") if name in own}
    about = {**SMD, "k": k, "n": 200, "display": display, "experimental_label": "Ketamine",
             "pooled": {"i2": 0.0}}  # fmt: skip
    return analysis_result(**(about | own))


def multiverse(agree: int, of: int = 100) -> dict[str, Any]:
    return {"multiverse": {"specifications": 200, "distinct": 150, "turned_most_by": "Test",
                           "same_conclusion": {"count": agree, "of": of}}}  # fmt: skip


def without(turns: list[str]) -> dict[str, Any]:
    row = {"estimate": -0.2, "ci_low": -0.6, "ci_high": 0.2}
    return {"influence": {"turns": turns, "influential": [], "without": dict.fromkeys("AB", row)}}


def small(turns: list[str], asymmetric: list[str], estimates: int = 3) -> dict[str, Any]:
    return {"small_studies": {"turns": turns, "asymmetric": asymmetric, "estimates": estimates}}


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
    ("missing trials", joint(-0.7, 0.0), Gravity.TURNS),
    ("missing trials", joint(0.1, 0.7), Gravity.TURNS),
    ("missing trials", {"shown": HARM, **joint(0.1, 0.9)}, None),
    ("missing trials", {"shown": HARM, **joint(-0.1, 0.9)}, Gravity.TURNS),
    ("missing trials", {"shown": HARM, **joint(-0.9, -0.1)}, Gravity.TURNS),
    ("missing trials", {"shown": OPEN, **joint(-0.9, 0.1)}, None),
    ("missing trials", {"shown": OPEN, **joint(0.1, 0.9)}, Gravity.TURNS),
    ("missing trials", joint(math.nan, math.nan), None),
    ("a single trial", {"trust": without(["A"])}, Gravity.TURNS),
    ("a single trial", {"trust": without([])}, None),
    ("a single trial", {"k": 1, "pooled": None}, Gravity.COULD),
    ("the choices of the analysis", {"trust": multiverse(79)}, Gravity.TURNS),
    ("the choices of the analysis", {"trust": multiverse(80)}, Gravity.COULD),
    ("the choices of the analysis", {"trust": multiverse(94)}, Gravity.COULD),
    ("the choices of the analysis", {"trust": multiverse(95)}, None),
    ("the choices of the analysis", {"trust": multiverse(1, 1)}, None),
    ("small-study effects", {"trust": small(["PET", "limit"], [])}, Gravity.TURNS),
    ("small-study effects", {"trust": small(["PET"], [])}, Gravity.COULD),
    ("small-study effects", {"trust": small(["PET"], [], 2)}, Gravity.COULD),
    ("small-study effects", {"trust": small(["PET"], [], 1)}, Gravity.TURNS),
    ("small-study effects", {"trust": small([], ["Egger"])}, Gravity.CAUTION),
    ("small-study effects", {"trust": small([], [])}, None),
    ("data that look wrong", flags(["A"], 50.0), Gravity.COULD),
    ("data that look wrong", flags(["A"], 49.9), Gravity.CAUTION),
    ("data that look wrong", flags([], 0.0), None),
    ("data that look wrong", {"k": 1, "pooled": None, **flags(["A"], 0.0)}, Gravity.COULD),
    ("differences between trials", {"pi_low": -1.4, "pi_high": 0.2}, Gravity.COULD),
    ("differences between trials", {"pi_low": -1.4, "pi_high": -0.2}, None),
    ("differences between trials", {"pi_low": -1.4, "pi_high": 0.0}, Gravity.COULD),
    ("differences between trials", {"pi_low": -1.4, "pi_high": -0.001}, None),
    ("differences between trials", {"shown": HARM, "pi_low": 0.0, "pi_high": 2.0}, Gravity.COULD),
    ("differences between trials", {"shown": HARM, "pi_low": 0.001, "pi_high": 2.0}, None),
    ("differences between trials", {"shown": OPEN, "pi_low": -3.0, "pi_high": 2.0}, None),
    ("differences between trials", {"pooled": {"i2": math.nan}}, None),
    ("differences between trials", {"pooled": {"i2": 75.1}}, Gravity.CAUTION),
    ("differences between trials", {"pooled": {"i2": 75.0}}, None),
    ("a few people", {"trust": {"fragility": {"index": 5}}}, Gravity.COULD),
    ("a few people", {"trust": {"fragility": {"index": 6}}}, None),
    ("a few people", {"trust": {"fragility": {"index": None}}}, None),
    ("risk of bias", {"trust": {"weights": {"high risk of bias": 50.0}}}, Gravity.COULD),
    ("risk of bias", {"trust": {"weights": {"high risk of bias": 0.5}}}, Gravity.CAUTION),
    ("risk of bias", {"trust": {"weights": {"high risk of bias": 49.9}}}, Gravity.CAUTION),
    ("risk of bias", {"trust": {"weights": {"high risk of bias": 0.0}}}, None),
    ("second-hand numbers", {"trust": {"weights": {v.SECOND_HAND: 50.0}}}, Gravity.COULD),
    ("second-hand numbers", {"trust": {"weights": {v.SECOND_HAND: 49.9}}}, None),
    ("an interval that is too narrow", covers([0.92, 0.95]), Gravity.COULD),
    ("an interval that is too narrow", covers([0.93, 0.95]), None),
    ("an interval that is too narrow", covers([0.929, 0.95]), Gravity.COULD),
    ("an interval that is too narrow", covers(None), None),
    ("an interval that is too narrow", {"shown": OPEN, **covers([0.929, 0.95])}, Gravity.CAUTION),
    ("an interval that is too narrow", {"shown": OPEN, **covers([0.93, 0.95])}, None),
    ("other choices", {"trust": {"other_choices": {"tried": 9, "turned": ["z"]}}}, Gravity.COULD),
    ("other choices", {"trust": {"other_choices": {"tried": 9, "turned": []}}}, None),
    ("few trials", {"k": 4}, Gravity.CAUTION),
    ("few trials", {"k": 2}, Gravity.CAUTION),
    ("few trials", {"k": 1, "pooled": None}, None),
    ("few trials", {"k": 5}, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "own", "gravity"), CASES)
def test_a_rule_fires_at_its_mark(name: str, own: dict[str, Any], gravity: Gravity | None) -> None:
    found = {threat.name: threat.gravity for threat in verdict(made(**own)).threats}
    assert found.get(name) == gravity


@pytest.mark.parametrize("rule", v.RULES, ids=lambda rule: rule.__name__)
def test_every_rule_has_a_case_in_which_it_fires(rule: Callable[..., Threat | None]) -> None:
    """A new rule brings its cases, and with them its row of docs/verdict.md."""
    given = [(name, made(**dict(own))) for name, own, gravity in CASES if gravity]
    assert any((threat := rule(model)) and threat.name == name for name, model in given)


def test_an_interval_that_excludes_nothing_is_only_warned_of_its_coverage() -> None:
    found = verdict(made(OPEN, trust={"coverage": {"confidence": [0.9, 0.95]}}))
    assert [threat.gravity for threat in found.threats] == [Gravity.CAUTION]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, "lower with ketamine"),
        ({"shown": HARM}, "higher with ketamine"),
        ({"shown": OPEN}, "undecided"),
        ({"shown": (-0.6, -0.9, 0.0)}, "undecided"),
        ({"shown": (0.6, 0.0, 0.9)}, "undecided"),
        ({"shown": (0.1, -0.49, 0.49)}, "no difference that matters"),
        ({"shown": (0.1, -0.51, 0.49)}, "undecided"),
        ({"shown": (0.1, -0.49, 0.51)}, "undecided"),
        ({"shown": (1.0, 0.81, 1.26), **RR}, "undecided"),
        ({"shown": (0.1, -0.4, 0.45)}, "no difference that matters"),
        ({"shown": (0.1, -0.4, 0.45), "important": None}, "undecided"),
        ({"shown": (2.0, 1.5, 3.0), **RR}, "more frequent with ketamine"),
        ({"shown": (0.5, 0.3, 0.9), **RR}, "less frequent with ketamine"),
        ({"shown": (1.0, 0.81, 1.2), **RR}, "no difference that matters"),
        ({"shown": (1.0, 0.79, 1.2), **RR}, "undecided"),
        ({"shown": OPEN, **led(0.95)}, "probably lower with ketamine"),
        ({"shown": OPEN, **led(0.949)}, "undecided"),
        ({"shown": OPEN, **led(0.05)}, "probably higher with ketamine"),
        ({"shown": OPEN, **led(0.051)}, "undecided"),
        ({"shown": OPEN, **led(0.96, bayesian=False)}, "undecided"),
        ({"shown": CLEAR, **led(0.99)}, "lower with ketamine"),
        ({"shown": (-0.2, -0.45, 0.05), **led(0.96)}, "no difference that matters"),
    ],
)
def test_the_conclusion_follows_from_the_interval(own: dict[str, Any], expected: str) -> None:
    assert verdict(made(**own)).conclusion == expected


@pytest.mark.parametrize(
    ("own", "robust"),
    [
        ({}, "yes"),
        ({"k": 4}, "yes"),
        (largest(150), v.NOT_ASSESSED),
        ({"k": 1, "pooled": None}, v.NOT_ASSESSED),
        (joint(-0.7, 0.1), "no"),
    ],
)
def test_robust_is_no_when_anything_turns_it(own: dict[str, Any], robust: str) -> None:
    assert verdict(made(**own)).robust == robust


@pytest.mark.parametrize(
    ("shown", "agree", "words"),
    [
        (CLEAR, 100, "robust to all that was tried"),
        (CLEAR, 99, "robust to nearly all that was tried"),
        (OPEN, 100, "and so in all that was tried"),
        (OPEN, 95, "and so in nearly all that was tried"),
    ],
)
def test_all_is_said_only_of_all(shown: tuple[float, float, float], agree: int, words: str) -> None:
    """A few declared analyses may conclude otherwise where a result is robust; it is said."""
    assert verdict(made(shown, trust=multiverse(agree))).text.split("; ")[1].rstrip(".") == words


def test_a_result_is_not_robust_to_what_turns_it() -> None:
    """One row of the sensitivity table on the other side: the page cannot say robust to all."""
    said = verdict(made(trust={"other_choices": {"tried": 5, "turned": ["first period only"]}}))
    assert said.robust == v.NOT_ASSESSED
    assert said.text == (
        "Lower with ketamine; whether it is robust cannot be told. Greatest threat: other "
        "choices. Under 1 of 5 other choices the interval includes no difference (first period "
        "only)."
    )


def test_the_gravest_threat_is_named_and_ties_go_by_order() -> None:
    both = made(**joint(-0.7, 0.1), trust=multiverse(50) | without(["A"]), k=4)
    names = [threat.name for threat in verdict(both).threats]
    assert names == [
        "missing trials",
        "a single trial",
        "the choices of the analysis",
        "few trials",
    ]
    assert "Greatest threat: missing trials. " in verdict(both).line


def test_the_line_holds_the_numbers() -> None:
    line = verdict(made(OPEN, k=3, **largest(250))).line
    assert line == (
        "SMD −0.60 (−1.70 to 0.50): undecided; whether it is robust cannot be told. Greatest "
        "threat: missing trials. Big 2020 (n = 250), more people than all trials here together, "
        "has no usable numbers."
    )
    assert line.endswith(verdict(made(OPEN, k=3, **largest(250))).text[1:])


def test_a_share_is_told_of_those_that_have_an_estimate() -> None:
    """Of 150 different analyses two have an estimate: half of two, not of 150."""
    threat = verdict(made(trust=multiverse(1, 2))).threats[0]
    assert threat.text.startswith("50 % of 2 declared analyses with an estimate conclude otherwise")


@pytest.mark.parametrize(
    ("n", "words"),
    [(100, "at least half"), (200, "at least half"), (201, "more people than all trials here")],
)
def test_how_large_the_largest_missing_trial_is(n: float, words: str) -> None:
    assert words in verdict(made(**largest(n))).threats[0].text


def test_a_trial_that_turns_it_stands_with_what_it_then_is() -> None:
    """Without any one of several trials there is no single number to give."""
    (alone,) = verdict(made(trust=without(["A"]))).threats
    assert alone.text == "without A it would be −0.20 (−0.60 to 0.20)"
    (either,) = verdict(made(trust=without(["A", "B"]))).threats
    assert either.text == "without either of A and B it would conclude otherwise"


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_nothing_is_said_of_an_estimate_that_is_not_there(unknown: float | None) -> None:
    """In memory it is NaN, read back from JSON it is None."""
    missing = {"study": "Big 2020", "n": 250, "estimate": unknown}
    text = verdict(made(largest_missing=missing)).threats[0].text
    assert text.endswith("has no usable numbers")


def test_the_record_holds_the_verdict_in_plain_values() -> None:
    record = typed_json.to_json(verdict(made(k=4, **joint(-0.7, 0.1))))
    assert json.loads(json.dumps(record)) == record
    assert [threat["gravity"] for threat in record["threats"]] == ["turns", "caution"]
    assert record["line"].endswith(record["text"][1:])


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


def test_of_an_unknown_number_of_people_no_missing_trial_is_more() -> None:
    """Ten people are more than nobody, but not more than people whose number is not known."""
    assert v.missing_trials(made(n=10, **largest(10))) is not None
    assert v.missing_trials(made(n=None, **largest(10))) is None


@pytest.mark.parametrize(
    ("order", "words"),
    [(None, "known only from"), (["primary", "secondary", "abstract"], "known only from"),
     (["abstract", "primary", "secondary"], "known from"),
     (["secondary", "primary", "abstract"], "known from")],
)  # fmt: skip
def test_what_a_better_source_could_hold_is_not_known_only_from_another(
    order: list[str] | None, words: str
) -> None:
    """Where the protocol prefers another review's table, the trial's own report may be at hand."""
    spec = {"confidence_order": order} if order else {}
    trust = {"weights": {v.SECOND_HAND: 60.0}}
    threat = v.sources(made(specification=spec, trust=trust))
    assert threat is not None
    assert f"is {words} abstracts" in threat.text


def test_what_one_trial_found_is_no_conclusion_about_trials() -> None:
    one, two = verdict(made(k=1)), verdict(made(k=2))
    assert one.conclusion == "one trial: lower with ketamine"
    assert two.conclusion == "lower with ketamine"
    assert one.text.startswith("One trial: lower with ketamine; nothing can be said of how robust")
    assert verdict(made((-0.1, -0.6, 0.4), k=1)).conclusion == "undecided"


def test_one_trial_is_never_called_not_robust() -> None:
    """Even where most of its declared analyses conclude otherwise."""
    turned = multiverse(50)
    assert verdict(made(k=6, trust=turned)).robust == "no"
    assert verdict(made(k=1, trust=turned)).robust == v.NOT_ASSESSED
