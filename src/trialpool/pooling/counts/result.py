"""Results of models of counts: every field filled, every missing one with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np

from trialpool.pooling.inference import chi2_tail
from trialpool.results import NAN, ChiSquared, PooledCounts


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


def chi_squared(stat: float, df: int, reason: str = "") -> ChiSquared:
    """The test of a statistic that is chi-squared under its hypothesis; NaN needs the reason."""
    if not math.isfinite(stat):
        return ChiSquared(stat=NAN, df=df, pval=NAN, reason=reason)
    stat = max(0.0, stat)  # a difference of log likelihoods can be -1e-15
    return ChiSquared(stat=stat, df=df, pval=chi2_tail(stat, df))


def _is_nan(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(np.isnan(value).any())
    return isinstance(value, float) and math.isnan(value)
