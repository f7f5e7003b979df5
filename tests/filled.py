"""Result objects for tests: what a test gives, and the plainest value for every other field."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from trialpool import typed_json
from trialpool.analysis_result import AnalysisResult

T = TypeVar("T")
# What the weight of an analysis without a threat rests on.
WEIGHTS = dict.fromkeys(("high risk of bias", "risk of bias not assessed", "flagged", "imputed",
                         "not from the trial's own report"), 0.0)  # fmt: skip


def filled(cls: type[T], **given: Any) -> T:
    """An object of a class from some of its fields, as they stand in JSON; parts are filled too."""
    return typed_json.from_json(cls, _object(cls, typed_json.to_json(given)), cls.__name__)


def analysis_result(**given: Any) -> AnalysisResult:
    """An analysis without any threat but for what is given."""
    facts = given.get("trust", {})
    facts = {**facts, "weights": WEIGHTS | facts.get("weights", {})}
    return filled(AnalysisResult, **{"measure": "SMD", **given, "trust": facts})


def _object(cls: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    unknown = set(given) - set(hints)
    assert not unknown, f"{cls.__name__} has no {unknown}"
    absent = {f.name for f in fields(cls) if f.metadata == typed_json.MAY_BE_ABSENT}
    return {
        name: _value(hint, given.get(name))
        for name, hint in hints.items()
        if name not in absent or given.get(name) is not None
    }


def _value(hint: Any, given: Any) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if given is None and type(None) in options:
        return None
    classes = [option for option in options if is_dataclass(option)]
    if classes:
        return _object(_fitting(classes, given or {}), given or {})
    kind = next(option for option in options if option is not type(None))
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return inner[0] if given is None else given
    if origin is np.ndarray:
        return list(given or [])
    if origin is tuple:
        any_length = inner[1:] == (...,)
        return [
            _value(inner[0], each) for each in given or [None] * (0 if any_length else len(inner))
        ]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {name: _value(inner[1], part) for name, part in (given or {}).items()}
    if given is None:
        return None if kind in (float, Any) else kind()
    return given.item() if isinstance(given, np.generic) else given


def _fitting(classes: list[Any], given: Mapping[str, Any]) -> Any:
    """The smallest class of a union that has all that is given, and that kind."""
    known = {cls: get_type_hints(cls) for cls in classes}
    kinds = {cls: get_args(known[cls].get("kind")) for cls in classes}
    fit = [
        cls
        for cls in classes
        if set(given) <= set(known[cls])
        and (not kinds[cls] or given.get("kind") in (None, *kinds[cls]))
    ]
    return min(fit, key=lambda cls: len(known[cls]))


def given(value: T | None) -> T:
    """What a test knows to be there."""
    assert value is not None
    return value
