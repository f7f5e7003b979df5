"""Effect sizes: columns of trial results in, effects with sampling variances out."""

from __future__ import annotations

from typing import Any

from trialpool.effects import (
    association,
    binary,
    biserial,
    continuous,
    correlations,
    dichotomised,
    generic,
    genotypes,
    paired,
    partial_correlations,
    proportions,
    rates,
    ratios,
    reliability,
    single_arm,
)
from trialpool.effects.registry import MEASURES, Measure, compute, measure_of
from trialpool.results import EffectSizes
from trialpool.same_rows import same_rows

__all__ = ["MEASURES", "MODULES", "Measure", "effect_size", "measure_of"]

# Importing a module registers its measures. To add a measure, write one function in the module it
# belongs to; to add a module, name it here. docs/measures.md lists them in this order.
MODULES = (
    continuous,
    ratios,
    binary,
    dichotomised,
    rates,
    paired,
    association,
    biserial,
    correlations,
    partial_correlations,
    single_arm,
    proportions,
    reliability,
    genotypes,
    generic,
)

# In this order whatever was imported first, for the lists that are made of them.
for _module in MODULES:
    for _name in [n for n, m in MEASURES.items() if m.formula.__module__ == _module.__name__]:
        MEASURES[_name] = MEASURES.pop(_name)


@same_rows
def effect_size(measure: str, **data_and_options: Any) -> EffectSizes:
    """Effects and sampling variances of one measure, vectorised over studies.

    Parameters
    ----------
    measure : a name in `MEASURES`, such as SMD, OR, SMCRP or ZCOR; docs/measures.md lists them
    **data_and_options
        the measure's columns, shape (k,) or single numbers that stand for every study, named as
        in metafor's `escalc`; and its options: `variance` (which formula), `correction` (for
        small samples), `add`, `to`, `drop00` (zero cells). None counts as not given

    Returns
    -------
    EffectSizes with yi, vi of shape (k,); yi in the units that the measure's own docstring names,
    ratios on the log scale. A study that has no defined effect is NaN, with the reason at its
    place in `reason`; where only the variance is undefined, vi alone is NaN

    Raises
    ------
    TrialpoolError
        unknown measure, column or option; missing column; columns of different lengths; an
        option's value that is not allowed

    References
    ----------
    Higgins et al. 2023, Cochrane Handbook 6.4, chapter 6; each formula cites its own source
    """
    return compute(measure, data_and_options)
