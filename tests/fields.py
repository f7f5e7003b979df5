"""Results of the library looked at field by field, whatever their class."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


def numbers(result: Any) -> dict[str, NDArray[np.float64]]:
    """The numeric fields of a result, single numbers as arrays of one."""
    out = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, (int, float, np.ndarray)):
            out[field.name] = np.atleast_1d(np.asarray(value, dtype=np.float64))
    return out


def missing(result: Any) -> set[str]:
    """Fields that hold a NaN."""
    return {name for name, value in numbers(result).items() if np.isnan(value).any()}


def infinite(result: Any) -> set[str]:
    """Fields that hold an infinite number."""
    return {name for name, value in numbers(result).items() if np.isinf(value).any()}


def differing(one: Any, two: Any, rel: float = 1e-12, floor: float = 1e-15) -> dict[str, Any]:
    """Numeric fields of two results that differ by more than `rel`, NaN being equal to NaN."""
    ours, theirs = numbers(one), numbers(two)
    assert set(ours) == set(theirs)
    return {
        name: (value, theirs[name])
        for name, value in ours.items()
        if value.shape != theirs[name].shape
        or not np.allclose(value, theirs[name], rtol=rel, atol=floor, equal_nan=True)
    }
