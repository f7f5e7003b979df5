"""Medians with quartiles or a range to mean and SD, refused where the data look skewed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.effects.quantiles import (
    FittedQuantiles,
    normal_mean_sd,
    quantile_estimation,
    skewness_test,
    unknown_non_normal,
)
from trialpool.results import NAN, Array, TrialpoolError
from trialpool.same_rows import same_rows

NAMES = ("minimum", "q1", "median", "q3", "maximum")
SCENARIOS = {"S3": [0, 1, 2, 3, 4], "S2": [1, 2, 3], "S1": [0, 2, 4]}
FORMULAS = {
    "S1": "mean: Luo 2018 eq. 7; SD: Wan 2014 eq. 9",
    "S2": "mean: Luo 2018 eq. 11; SD: Wan 2014 eq. 16",
    "S3": "mean: Luo 2018 eq. 15; SD: Shi 2020 eq. 10",
}
METHODS = ("LWS", "QE", "MLN")
LEAST = 5


class FromQuantiles(NamedTuple):
    """Means and SDs estimated from quantiles, one per study, shapes (k,).

    `formula` names the formulas per study ("" where refused), `reason` says why mean and SD are
    NaN ("" where they are not). `skewness` is the statistic of Shi et al. 2023, significant where
    it is above `critical`; both are NaN where the quantiles allow no test.
    """

    mean: Array
    sd: Array
    formula: tuple[str, ...]
    reason: tuple[str, ...]
    skewness: Array
    critical: Array


@same_rows
def mean_sd(
    n: ArrayLike,
    *,
    minimum: ArrayLike = NAN,
    q1: ArrayLike = NAN,
    median: ArrayLike = NAN,
    q3: ArrayLike = NAN,
    maximum: ArrayLike = NAN,
    method: str = "LWS",
    test: bool = True,
) -> FromQuantiles:
    """Mean and SD of each study, from its median with minimum and maximum, quartiles or both.

    Parameters
    ----------
    n : (k,) number analysed, at least 5
    minimum, q1, median, q3, maximum : (k,) in the units of the scale, NaN where not reported
    method
        "LWS": formulas for normal data of Luo 2018, Wan 2014 and Shi 2020;
        "QE": the best fitting of normal, log-normal, gamma, Weibull and (between 0 and 1) beta
        distributions, McGrath 2020;
        "MLN": normal after a Box-Cox transformation, Cai 2021; all values > 0, no two equal;
        a fit by QE or MLN whose mean or SD the quantiles do not allow is refused
    test
        refuse a study whose quantiles are significantly asymmetric at 5 %; not applied by MLN,
        and by QE only where a negative value leaves no distribution but the normal

    Returns
    -------
    FromQuantiles in the units of the scale. Means and SDs are less certain than reported ones,
    and the variances of effects do not know that

    Raises
    ------
    TrialpoolError
        for an unknown method, or columns of different lengths

    References
    ----------
    Luo et al. 2018, Stat Methods Med Res 27:1785; Wan et al. 2014, BMC Med Res Methodol 14:135;
    Shi et al. 2020, Res Synth Methods 11:641; Shi et al. 2023, Stat Methods Med Res 32:1338;
    McGrath et al. 2020, Stat Methods Med Res 29:2520; Cai et al. 2021, ibid. 30:2701
    """
    if method not in METHODS:
        raise TrialpoolError(f"method = {method!r}: allowed are {', '.join(METHODS)}")
    size, five = _columns(n, (minimum, q1, median, q3, maximum))
    scenario = _scenarios(five)
    reason = _impossible(size, five, scenario)
    statistic, critical = np.full(len(size), NAN), np.full(len(size), NAN)
    for name, columns in SCENARIOS.items():
        at = _indices(scenario == name, reason)
        statistic[at], critical[at] = skewness_test(name, size[at], five[at][:, columns])
    if test:
        _refuse_skewed(reason, size, five, statistic, critical, method)
    if method == "MLN":
        _refuse_for_mln(reason, five)
    mean, sd, formula = _estimates(method, size, five, scenario, reason)
    return FromQuantiles(mean, sd, formula, tuple(reason), statistic, critical)


def _columns(n: ArrayLike, quantiles: tuple[ArrayLike, ...]) -> tuple[Array, Array]:
    """N of shape (k,) and the quantiles of shape (k, 5); infinite values count as missing."""
    values = [np.asarray(x, dtype=np.float64) for x in (n, *quantiles)]
    try:
        full = np.broadcast_arrays(*(np.atleast_1d(x) for x in values))
    except ValueError:
        lengths = ", ".join(str(x.size) for x in values)
        raise TrialpoolError(
            f"n, {', '.join(NAMES)} have {lengths} values: give one per study, or one for all"
        ) from None
    finite = [np.where(np.isfinite(x), x, NAN) for x in full]
    return finite[0], np.stack(finite[1:], axis=-1)


def _scenarios(five: Array) -> NDArray[np.str_]:
    """The richest scenario that each study's quantiles allow, "" where none does."""
    known = np.isfinite(five)
    scenario = np.full(len(five), "", dtype="U2")
    for name, columns in SCENARIOS.items():
        scenario[(scenario == "") & known[:, columns].all(axis=1)] = name
    return scenario


def _impossible(n: Array, five: Array, scenario: NDArray[np.str_]) -> list[str]:
    """Why a study's numbers cannot be converted by any method, "" where they can."""
    return [
        _missing(n[i], str(scenario[i])) or _disorder(five[i]) or _flat(five[i], str(scenario[i]))
        for i in range(len(n))
    ]


def _missing(n: float, scenario: str) -> str:
    if not scenario:
        return "needs the median with minimum and maximum, or with both quartiles"
    if np.isnan(n):
        return "n is missing"
    return f"n = {n:g}: at least {LEAST} people are needed" if n < LEAST else ""


def _disorder(five: Array) -> str:
    known = [(name, x) for name, x in zip(NAMES, five, strict=True) if not np.isnan(x)]
    for (low, x), (high, y) in pairwise(known):
        if x > y:
            return f"{low} = {x:g} is above {high} = {y:g}"
    return ""


def _flat(five: Array, scenario: str) -> str:
    columns = SCENARIOS[scenario]
    # With all five, the quartiles must differ too: both parts of the SD and of the test use them.
    low, high = (1, 3) if scenario == "S3" else (columns[0], columns[-1])
    if five[low] == five[high]:
        return f"{NAMES[low]} and {NAMES[high]} are both {five[low]:g}: no spread to estimate from"
    return ""


def _indices(mask: NDArray[np.bool_], reason: list[str]) -> NDArray[np.intp]:
    """Studies of a mask that have not been refused."""
    return np.flatnonzero(mask & np.array([not why for why in reason], dtype=bool))


def _refuse_skewed(
    reason: list[str], n: Array, five: Array, statistic: Array, critical: Array, method: str
) -> None:
    # Of QE's distributions only the normal takes a negative value, and then symmetry matters.
    normal = np.full(len(n), method == "LWS") | ((method == "QE") & (five < 0).any(axis=1))
    for i in _indices(normal & (statistic > critical), reason):
        reason[i] = (
            f"quantiles are skewed: statistic {statistic[i]:.3f} > {critical[i]:.3f}, the critical "
            f"value at n = {n[i]:g} (Shi 2023); formulas for normal data do not hold"
        )


def _refuse_for_mln(reason: list[str], five: Array) -> None:
    for i, row in enumerate(five):
        known = row[~np.isnan(row)]
        if reason[i]:
            continue
        if known[0] <= 0:
            reason[i] = f"lowest quantile = {known[0]:g}: MLN needs values > 0"
        elif (np.diff(known) == 0).any():
            reason[i] = "two quantiles are equal: MLN needs them to differ"


_FITS: dict[str, tuple[str, Callable[[str, float, Array], FittedQuantiles]]] = {
    "QE": ("mean and SD: McGrath 2020 (QE), {} fits best", quantile_estimation),
    "MLN": ("mean and SD: Cai 2021 (MLN), {}", unknown_non_normal),
}


def _beyond_the_data(fit: FittedQuantiles, n: float, x: Array, scenario: str) -> str:
    """Why a fitted distribution says more on its tail than the quantiles can, "" where not."""
    if not x[0] <= fit.mean <= x[-1]:
        return (
            f"fitted mean {fit.mean:.4g} is outside the reported {x[0]:g} to {x[-1]:g}: too skewed "
            "for a mean and SD"
        )
    largest = (x[-1] - x[0]) / 2 * np.sqrt(n / (n - 1))
    if scenario != "S2" and fit.sd > largest:
        return f"fitted SD {fit.sd:.4g} is above {largest:.4g}, the largest that the range allows"
    return ""


def _estimates(
    method: str, n: Array, five: Array, scenario: NDArray[np.str_], reason: list[str]
) -> tuple[Array, Array, tuple[str, ...]]:
    """Mean, SD and the formulas' names; a fit that is not credible adds its reason."""
    mean, sd, formula = np.full(len(n), NAN), np.full(len(n), NAN), [""] * len(n)
    for name, columns in SCENARIOS.items():
        at = _indices(scenario == name, reason)
        x = five[at][:, columns]
        if method == "LWS":
            mean[at], sd[at] = normal_mean_sd(name, n[at], x)
        for i, row in zip(at, x, strict=True):
            if method == "LWS":
                formula[i] = FORMULAS[name]
            else:
                words, fit_of = _FITS[method]
                fit = fit_of(name, float(n[i]), row)
                reason[i] = _beyond_the_data(fit, float(n[i]), row, name)
                if not reason[i]:
                    mean[i], sd[i], formula[i] = fit.mean, fit.sd, words.format(fit.name)
    return mean, sd, tuple(formula)
