"""The sentence and the verdict of one result hold it against the same difference that matters."""

from __future__ import annotations

import math
from typing import Any

import pytest
from filled import analysis_result

from trialpool.analysis_result import AnalysisResult
from trialpool.review.report import sentences
from trialpool.review.trust.verdict import conclusion

SMD = {"measure": "SMD", "scale": "identity", "better": "lower", "important": 0.5}
MD = SMD | {"measure": "MD", "important": None}
OR = {"measure": "OR", "scale": "log", "better": "lower", "important": math.log(1.25)}
RD = {"measure": "RD", "scale": "identity", "better": "lower", "important": None}
HELPS = "; too imprecise to tell whether ketamine helps"
MORE_OR_LESS = "; too imprecise to tell whether it is more or less frequent with ketamine"


def model(low: float | None, high: float | None, **own: Any) -> AnalysisResult:
    """A result whose estimate lies a little below no effect."""
    estimate = 0.95 if own.get("scale") == "log" else -0.1
    display = {"estimate": estimate, "ci_low": low, "ci_high": high}
    about = {"k": 3, "display": display, "experimental_label": "Ketamine", **SMD}
    return analysis_result(**(about | own))


@pytest.mark.parametrize(
    ("own", "low", "high", "tail"),
    [
        (SMD, -0.49, 0.49, ""), (SMD, -0.51, 0.49, HELPS), (SMD, -0.49, 0.51, HELPS),
        (SMD | {"important": 0.8}, -0.7, 0.6, ""), (SMD | {"important": 0.8}, -0.81, 0.6, HELPS),
        (MD, -20.0, 20.0, ""), (MD | {"important": 3.0}, -3.1, 2.0, HELPS),
        (MD | {"important": 3.0}, -2.9, 2.9, ""),
        (OR, 0.81, 1.24, ""), (OR, 0.79, 1.24, ", and also 0.79 times the odds"),
        (OR, 0.81, 1.26, ", and also 1.26 times the odds"), (OR, 0.79, 1.26, MORE_OR_LESS),
        (OR | {"measure": "RR"}, 0.81, 1.26, ", and also 1.26 times the risk"),
        (OR | {"better": "higher"}, 0.79, 1.24, HELPS),
        (RD, -0.4, 0.4, ""),
        (RD | {"important": 0.1}, -0.2, 0.05, ", and also a difference of −0.20"),
        (RD | {"important": 0.1}, -0.2, 0.2, MORE_OR_LESS),
    ],
)  # fmt: skip
def test_what_else_an_interval_includes(
    own: dict[str, Any], low: float, high: float, tail: str
) -> None:
    said = sentences.interval_says(model(low, high, **own))
    assert said.partition("includes no difference")[2] == tail


@pytest.mark.parametrize("important", [0.5, 0.59, 0.61, 0.69, 0.71, 0.8, None])
def test_no_page_says_both_too_imprecise_and_no_difference_that_matters(
    important: float | None,
) -> None:
    """With 0.8 and an interval of -0.70 to 0.60 it once did."""
    result = model(-0.7, 0.6, important=important)
    imprecise = "too imprecise" in sentences.interval_says(result)
    negligible = conclusion(result) == "no difference that matters"
    assert not (imprecise and negligible)
    assert (imprecise or negligible) == (important is not None)
    assert negligible == (important is not None and important > 0.7)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.2, -0.01, "lower with ketamine, and the interval excludes no difference"),
        (-0.2, 0.0, "little difference in the estimate; the interval includes no difference"),
        (None, None, "lower with ketamine, with no interval"),
    ],
)
def test_what_is_said_of_no_difference(low: float | None, high: float | None, words: str) -> None:
    assert sentences.interval_says(model(low, high)) == words


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (-0.005, "lower"), (-0.0049, "no difference"), (0.0, "no difference"),
        (0.0049, "no difference"), (0.0051, "higher"),
    ],
)  # fmt: skip
def test_an_estimate_that_reads_as_no_difference_has_no_direction(
    estimate: float, words: str
) -> None:
    assert sentences.direction(model(-1, 1), estimate).startswith(words)
