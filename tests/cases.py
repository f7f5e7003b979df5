"""An analysis in its context, without a protocol around it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

import pandas as pd

from trialpool.review.case import Case, Tables
from trialpool.review.protocol.settings import Defaults, Model
from trialpool.review.protocol.specs import Analysis, Outcome
from trialpool.review.schema.processed import PROCESSED


def tables(**known: pd.DataFrame) -> Tables:
    """A condition's tables, of which those that are not given have no rows."""
    return Tables(**({each.name: PROCESSED[each.name].frame() for each in fields(Tables)} | known))


def together(measure: str) -> Analysis:
    """An analysis of all effects of each trial, which no Bayesian one allows for."""
    asked = {"title": "Mood", "outcome": "mood", "measure": measure, "effects": "all"}
    return Analysis.model_validate(asked)


def case(
    spec: Analysis | str,
    model: Model | None = None,
    *,
    important: float | None = None,
    better: Literal["lower", "higher"] = "lower",
    title: str = "mood",
    **rest: Any,
) -> Case:
    """An analysis, or one of a measure by its code; `rest` are further fields of `Case`."""
    if isinstance(spec, str):
        spec = Analysis.model_validate({"title": "Mood", "outcome": "mood", "measure": spec})
    binary = spec.measure in ("OR", "RR", "RD")
    defaults = rest.pop("defaults", Defaults())
    given: dict[str, Any] = {
        "condition": "blue",
        "name": "mood",
        "confidence": ("primary", "abstract", "secondary"),
        "defaults": defaults,
        "moderators": defaults.moderators,
        "multiverse": defaults.multiverse,
        "experimental": "drug",
        "control": "control",
        "important_reason": "made up for a test",
        "tables": tables(),
        "added": {},
    }
    outcome = Outcome(title=title, kind="binary" if binary else "continuous", better=better)
    return Case(
        spec=spec,
        outcome=outcome,
        model=model or Model(),
        important=important,
        **(given | rest),
    )
