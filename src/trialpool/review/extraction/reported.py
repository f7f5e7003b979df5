"""A reported difference as the pipeline reads it: the estimate and its SE, whatever was printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

from trialpool.results import NAN
from trialpool.words import number, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """An estimate on the analysis scale with its SE; how it was found, and from which cells."""

    yi: float = NAN
    se: float = NAN
    formula: str = ""
    cells: tuple[str, ...] = ()
    imputed: str = ""
    reason: str = ""


def reported_estimate(row: Mapping[str, Any], n1: float, n2: float) -> Reported:
    """Estimate and SE on the analysis scale, and how the SE was found (Handbook 6.3)."""
    # numpy and scipy come with these; `trialpool check` seldom needs them.
    from trialpool.effects import MEASURES, measure_of
    from trialpool.effects.generic import se_from_ci, se_from_f, se_from_t

    yi, low, high = (number(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    if not isfinite(yi):
        return Reported()
    reported = str(row["effect_measure"])
    if reported in MEASURES:
        yi, low, high = map(measure_of(reported).analysed, (yi, low, high))
    se, spread, t, f = (number(row[name]) for name in ("se", "sd_difference", "t", "f"))
    if isfinite(se):
        return Reported(yi=yi, se=se, formula="reported estimate and SE", cells=("estimate", "se"))
    if isfinite(low) and isfinite(high):
        return Reported(
            yi=yi,
            se=float(se_from_ci(low, high)),
            formula="SE = CI width / (2 x 1.96)",
            cells=("estimate", "ci_low", "ci_high"),
        )
    if isfinite(spread):
        formula, cells = "SE = SD of the difference / sqrt(pairs)", ("estimate", "sd_difference")
        return Reported(yi=yi, se=spread / sqrt(min(n1, n2)), formula=formula, cells=cells)
    if isfinite(t):
        formula = "SE = |estimate / t|"
        return Reported(yi=yi, se=float(se_from_t(yi, t)), formula=formula, cells=("estimate", "t"))
    if isfinite(f):
        formula = "SE = |estimate / sqrt(F)|"
        return Reported(yi=yi, se=float(se_from_f(yi, f)), formula=formula, cells=("estimate", "f"))
    return _from_p(row, yi, n1, n2)


def _from_p(row: Mapping[str, Any], yi: float, n1: float, n2: float) -> Reported:
    """The SE behind a p value: of a t test, or of a normal test for ratios and risks."""
    from trialpool.effects import MEASURES, measure_of
    from trialpool.effects.generic import se_from_p

    p, reported = number(row["p_value"]), str(row["effect_measure"])
    bound = text(row["p_bound"]) == "yes"
    imputed = f"p < {p:g} taken as p = {p:g}, which gives the largest SE" if bound else ""
    cells: tuple[str, ...] = ("estimate", "p_value")
    df: float | None = number(row["df"])
    if reported in MEASURES and measure_of(reported).outcome != "continuous":
        df, words = None, "z|, z from p"
    elif df is not None and isfinite(df):
        words, cells = "t|, t from p and df", (*cells, "df")
    else:
        df = min(n1, n2) - 1 if row["period"] == "both" else n1 + n2 - 2
        words = f"t|, t from p and {'n - 1' if row['period'] == 'both' else 'n1 + n2 - 2'} df"
        cells = (*cells, "n_experimental", "n_control")
    se, formula = float(se_from_p(yi, p, df)), f"SE = |estimate / {words}"
    return Reported(yi=yi, se=se, formula=formula, cells=cells, imputed=imputed)
