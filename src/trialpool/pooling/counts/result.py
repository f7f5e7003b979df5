"""Results of models of counts: every field filled, every missing one with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np

from trialpool.results import NAN, PooledCounts


def finish(reasons: Mapping[str, str], default: str, **values: Any) -> PooledCounts:
    """A result in which fields not given are NaN, for the reason given or else for `default`.

    Reasons of fields that hold a number are dropped, so that callers may state them beforehand.
    """
    for f in fields(PooledCounts):
        if f.default is MISSING and f.default_factory is MISSING:
            values.setdefault(f.name, NAN)
    draft = PooledCounts(**values)
    missing = [f.name for f in fields(draft) if _is_nan(getattr(draft, f.name))]
    return replace(draft, reasons={name: reasons.get(name, default) for name in missing})


def _is_nan(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(np.isnan(value).any())
    return isinstance(value, float) and math.isnan(value)
