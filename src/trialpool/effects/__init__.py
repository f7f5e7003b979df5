"""Effect sizes: columns of trial results in, effects with sampling variances out."""

from __future__ import annotations

from typing import Any

from trialpool.effects import binary, continuous, generic, paired
from trialpool.effects.registry import MEASURES, compute
from trialpool.results import EffectSizes

__all__ = ["MEASURES", "effect_size"]

# Importing a module registers its measures; the names keep the imports visibly in use.
_MODULES = (binary, continuous, generic, paired)


def effect_size(measure: str, **data_and_options: Any) -> EffectSizes:
    """Effects and sampling variances of one measure, vectorised over studies.

    Parameters
    ----------
    measure : one of `MEASURES`: MD SMD, OR RR RD, MC SMCRP, GEN
    **data_and_options
        the measure's columns, shape (k,) or single numbers, named as in metafor's `escalc`, and
        its options; None counts as not given. OR, RR and RD accept bi and di in place of n1i and
        n2i

    Returns
    -------
    EffectSizes with yi, vi of shape (k,); yi in units of the data (MD, MC, RD), in standard
    deviations (SMD, SMCRP) or on the log scale (OR, RR). A study that has no defined effect is
    NaN, with the reason at its place in `reason`

    Raises
    ------
    TrialpoolError
        unknown measure, column or option; missing column; columns of different lengths

    References
    ----------
    Higgins et al. 2023, Cochrane Handbook 6.4, chapter 6; each formula cites its own source
    """
    return compute(measure, data_and_options)
