"""Tests of funnel asymmetry for odds ratios and standardised mean differences.

Their standard errors depend on the effects themselves, so that Egger's test finds asymmetry where
there is none. These tests replace the standard error by what depends on the size of the study.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.diagnostics.asymmetry import Egger, line_test
from trialpool.effects import effect_size
from trialpool.pooling.inference import check_level
from trialpool.pooling.inputs import as_numbers, as_studies
from trialpool.results import Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows


@same_rows
def count_test(
    ai: ArrayLike,
    n1i: ArrayLike,
    ci: ArrayLike,
    n2i: ArrayLike,
    *,
    kind: str = "Harbord",
    level: float = 0.95,
) -> Egger:
    """Regression test for funnel asymmetry of odds ratios.

    Parameters
    ----------
    ai, n1i, ci, n2i : (k,) events and patients, treated and controls
    kind
        "Harbord": score over its variance V on 1/sqrt(V), weights V. Of the log odds ratio,
        "Peters": on 1/N, weights events times non-events over N; "Deeks": on 1/sqrt(ESS), weights
        ESS = 4 n1 n2/N; "Macaskill": on N, weights its inverse variance
    level : of the interval of `est`, between 0 and 1

    Returns
    -------
    Egger of model "lm", with `kind` as predictor: t on k - 2 df. Trials in which none or all had
    the event tell nothing of an odds ratio: they are left out, and `caution` says how many

    Raises
    ------
    TrialpoolError
        an unknown kind; columns of different lengths; counts that are not whole numbers with
        0 <= events <= patients and patients > 0

    References
    ----------
    Harbord, Egger & Sterne 2006, Stat Med 25:3443; Peters et al. 2006, JAMA 295:676; Deeks,
    Macaskill & Irwig 2005, J Clin Epidemiol 58:882; Macaskill, Walter & Irwig 2001, Stat Med 20:641
    """
    check_choice("kind", kind, tuple(COUNT_TESTS))
    check_level(level)
    cells = _cells({"ai": ai, "n1i": n1i, "ci": ci, "n2i": n2i})
    events = cells[0] + cells[2]
    silent = (events == 0) | (events == cells[1] + cells[3])
    y, weight, x = COUNT_TESTS[kind](*(column[~silent] for column in cells))
    named = "ni" if kind == "Macaskill" else kind
    test = replace(line_test(y, 1 / weight, x, named, level=level), predictor=kind)
    if not silent.any():
        return test
    left_out = f"{silent.sum()} of {len(silent)} trials left out: none or all had the event."
    return replace(test, caution=f"{test.caution} {left_out}".strip())


@same_rows
def smd_test(
    yi: ArrayLike, vi: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, level: float = 0.95
) -> Egger:
    """Regression test for funnel asymmetry of standardised mean differences.

    As Egger's, with sqrt(1/n1 + 1/n2), the part of the standard error without the effect, as
    predictor.

    Parameters
    ----------
    yi, vi : (k,) standardised mean differences and sampling variances, vi > 0
    n1i, n2i : (k,) patients, treated and controls, > 0
    level : of the interval of `est`, between 0 and 1

    Returns
    -------
    Egger of model "lm" with predictor "Pustejovsky": t on k - 2 df

    Raises
    ------
    TrialpoolError
        as for `pool`; sample sizes of another length or not > 0

    References
    ----------
    Pustejovsky & Rodgers 2019, Res Synth Methods 10:57
    """
    check_level(level)
    y, v = as_studies(yi, vi)
    n1, n2 = _same_length({"yi": y, "n1i": n1i, "n2i": n2i})[1:]
    for name, n in (("n1i", n1), ("n2i", n2)):
        _first_bad(name, n, ~(n > 0), "a sample size must be > 0")
    return line_test(y, v, np.sqrt(1 / n1 + 1 / n2), "Pustejovsky", level=level)


def _harbord(a: Array, n1: Array, c: Array, n2: Array) -> tuple[Array, Array, Array]:
    n, events = n1 + n2, a + c
    v = n1 * n2 * events * (n - events) / (n**2 * (n - 1))
    return (a - events * n1 / n) / v, v, 1 / np.sqrt(v)


def _peters(a: Array, n1: Array, c: Array, n2: Array) -> tuple[Array, Array, Array]:
    n, events = n1 + n2, a + c
    return _log_odds_ratios(a, n1, c, n2)[0], events * (n - events) / n, 1 / n


def _deeks(a: Array, n1: Array, c: Array, n2: Array) -> tuple[Array, Array, Array]:
    size = 4 * n1 * n2 / (n1 + n2)
    return _log_odds_ratios(a, n1, c, n2)[0], size, 1 / np.sqrt(size)


def _macaskill(a: Array, n1: Array, c: Array, n2: Array) -> tuple[Array, Array, Array]:
    y, v = _log_odds_ratios(a, n1, c, n2)
    return y, 1 / v, n1 + n2


COUNT_TESTS: dict[str, Callable[[Array, Array, Array, Array], tuple[Array, Array, Array]]] = {
    "Harbord": _harbord,
    "Peters": _peters,
    "Deeks": _deeks,
    "Macaskill": _macaskill,
}


def _log_odds_ratios(a: Array, n1: Array, c: Array, n2: Array) -> tuple[Array, Array]:
    effects = effect_size("OR", ai=a, n1i=n1, ci=c, n2i=n2)
    return effects.yi, effects.vi


def _same_length(columns: dict[str, ArrayLike]) -> list[Array]:
    arrays = [as_numbers(name, column) for name, column in columns.items()]
    (name, _), first = next(iter(columns.items())), arrays[0]
    for other, column in zip(columns, arrays, strict=True):
        if column.shape != first.shape:
            raise TrialpoolError(
                f"{other} must be as long as {name} ({len(first)}), got shape {column.shape}"
            )
    return arrays


def _first_bad(name: str, column: Array, bad: NDArray[np.bool_], rule: str) -> None:
    places = np.flatnonzero(bad)
    if places.size:
        raise TrialpoolError(f"{name}[{places[0]}] = {column[places[0]]:g}: {rule}")


def _cells(columns: dict[str, ArrayLike]) -> list[Array]:
    """Events and patients of both arms, checked."""
    arrays = _same_length(columns)
    for name, column in zip(columns, arrays, strict=True):
        _first_bad(name, column, ~(column == np.floor(column)), "a count must be a whole number")
    for i, name in ((0, "ai"), (2, "ci")):
        _first_bad(f"n{i // 2 + 1}i", arrays[i + 1], ~(arrays[i + 1] > 0), "patients must be > 0")
        bad = ~((arrays[i] >= 0) & (arrays[i] <= arrays[i + 1]))
        _first_bad(name, arrays[i], bad, "events must lie between 0 and the patients")
    return arrays
