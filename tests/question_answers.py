"""Answers to questions of time, dose and networks for tests: small, and whole as they are read."""

from __future__ import annotations

from typing import Any

from filled import filled

from trialpool.question_answer import DoseAnswer, NetworkAnswer, TimeAnswer

ASKED = {
    "title": "Mood",
    "outcome": "mood",
    "measure": "SMD",
    "scale": "identity",
    "favours_left": "favours A",
    "favours_right": "favours B",
}
RATIO = {"measure": "RR", "scale": "log"}


def time_answer(reason: str = "", *, asked: Any = None, **facts: Any) -> TimeAnswer:
    """A course over time; one that is not estimable with a reason. `asked` changes the question."""
    known = {"k": 4, "points": 9, "last_day": 30.0, "correlation": 0.98, "reason": reason}
    if not reason:
        largest = {"estimate": -0.6, "ci_low": -0.9, "ci_high": -0.3}
        known |= {"estimable": True, "words": "line in log days", "largest_day": 7.0}
        known |= {"largest": largest, "first_day": 1.0}
    question = ASKED | {"outcome_title": "mood"} | (asked or {})
    return filled(
        TimeAnswer, name="mood", title="Mood over time", question=question, facts=known | facts
    )


def dose_answer(reason: str = "", *, asked: Any = None, **facts: Any) -> DoseAnswer:
    """A dose-response; one that is not estimable with a reason."""
    known = {"k": 6, "unit": "mg/kg drug IV", "levels": {"0.3": 2, "0.5": 4}, "reason": reason}
    if not reason:
        known |= {"estimable": True, "shape": "linear", "words": "linear", "p_slope": 0.04}
        known |= {"tau2": [0.1], "cautions": ["not random"]}
    question = ASKED | (asked or {})
    return filled(
        DoseAnswer, name="mood", title="Mood by dose", question=question, facts=known | facts
    )


def network_answer(reason: str = "", **facts: Any) -> NetworkAnswer:
    """A network of A, B and C; one without estimates with a reason."""
    known = {"title": "Net", "reference": "A", "nodes": ["A", "B", "C"], "k": 4, "reason": reason}
    if not reason:
        known |= {"n": 3, "m": 4, "tau2": 0.1, "method": "REML", "level": 0.95, "converged": True}
    whole = ASKED | known | facts
    return filled(NetworkAnswer, name="mood", title=whole["title"], question=whole, facts=whole)
