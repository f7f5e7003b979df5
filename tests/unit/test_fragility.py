"""The fragility index: against all changes there are, and where it cannot be given."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from bcg import COUNTS

import trialpool as tp
from trialpool.conclusions import side_of
from trialpool.diagnostics import fragility as f
from trialpool.diagnostics.fragility import (
    Fragility,
    Moved,
    Refit,
    by_counts,
    by_inverse_variance,
    fragility,
)
from trialpool.results import Array, TrialpoolError

# Made-up tables: events and totals of two arms.
TABLES = {
    "one trial": ([12], [20], [5], [20]),
    "one trial, not significant": ([8], [20], [5], [20]),
    "three": ([11, 8, 9], [40, 16, 13], [6, 5, 8], [40, 16, 15]),
    "three, significant": ([3, 4, 5], [30, 40, 35], [10, 13, 12], [30, 40, 35]),
    "rare": ([3, 2, 4], [50, 60, 70], [0, 1, 0], [50, 60, 70]),
}
REFITS = {
    "OR, common": by_inverse_variance("OR", tau2="EE", test="z"),
    "RR, REML": by_inverse_variance("RR", tau2="REML", test="z"),
    "RD, hksj": by_inverse_variance("RD"),
    "OR, Mantel-Haenszel": by_counts("OR"),
    "RR, Mantel-Haenszel": by_counts("RR"),
}


def columns(name: str) -> tuple[Array, Array, Array, Array]:
    a, n1, c, n2 = (np.array(x, dtype=np.float64) for x in TABLES[name])
    return a, n1, c, n2


def sides(refit: Refit, a: Array, n1: Array, c: Array, n2: Array) -> Any:
    limits = refit(np.atleast_2d(a), n1, np.atleast_2d(c), n2)
    known = np.isfinite(limits).all(axis=1)
    return side_of(limits[:, 0], limits[:, 1]), known


def smallest(refit: Refit, name: str, most: int) -> int | None:
    """The exact index by trying all changes of up to so many people in the tables."""
    a, n1, c, n2 = columns(name)
    k = len(a)
    (now,), _ = sides(refit, a, n1, c, n2)
    singles = [(arm, i, step) for arm in (0, 1) for i in range(k) for step in (1, -1)]
    for people in range(1, most + 1):
        tried = []
        for chosen in combinations_with_replacement(singles, people):
            events = np.stack([a, c])
            for arm, i, step in chosen:
                events[arm, i] += step
            if (events >= 0).all() and (events <= np.stack([n1, n2])).all():
                tried.append(events)
        found, known = sides(refit, np.array(tried)[:, 0], n1, np.array(tried)[:, 1], n2)
        if (known & (found != now)).any():
            return people
    return None


@pytest.mark.parametrize("refit", REFITS)
@pytest.mark.parametrize("name", TABLES)
def test_no_fewer_changes_do_it_and_these_do(name: str, refit: str) -> None:
    """Between the exact index and itself: what was changed does flip the result."""
    model = REFITS[refit]
    a, n1, c, n2 = columns(name)
    found = fragility(a, n1, c, n2, refit=model)
    if np.isnan(found.index):
        assert found.reasons["index"] == f.STUCK
        return
    exact = smallest(model, name, 3)
    assert found.index == exact if exact else found.index > 3
    events = {1: a.copy(), 2: c.copy()}
    for trial, arm, change in found.moved:
        events[arm][trial] += change
    (after,), _ = sides(model, events[1], n1, events[2], n2)
    assert after == found.side_after != found.side
    # Changes all pull one way, so no person is changed twice.
    assert sum(abs(m.events) for m in found.moved) == found.index
    assert found.quotient == found.index / (n1 + n2).sum()


def test_by_hand() -> None:
    """10 of 20 against 4 of 20: RD 0.3, SE sqrt(0.25 / 20 + 0.16 / 20) = 0.143, so z = 2.096. One
    event less in arm 1 gives z = 0.25 / 0.1428 = 1.75; one more in arm 2, 0.25 / 0.1479 = 1.69.
    """
    found = fragility([10], [20], [4], [20], refit=by_inverse_variance("RD", tau2="EE", test="z"))
    half = 1.959963984540054 * sqrt(0.25 / 20 + 0.16 / 20)
    assert (found.ci_lb, found.ci_ub) == pytest.approx((0.3 - half, 0.3 + half))
    assert (found.index, found.quotient, found.side, found.side_after) == (1, 1 / 40, 1, 0)
    assert found.moved == (Moved(0, 2, 1),)
    assert found.ci_lb_after == pytest.approx(0.25 - 1.959963984540054 * sqrt(0.4375 / 20))


def test_mirrored_arms_give_the_mirrored_answer() -> None:
    for name in TABLES:
        a, n1, c, n2 = columns(name)
        one = fragility(a, n1, c, n2, refit=REFITS["OR, common"])
        other = fragility(c, n2, a, n1, refit=REFITS["OR, common"])
        assert (one.index, one.side, one.side_after) == (
            other.index,
            -other.side,
            -other.side_after,
        )


def test_the_refits_are_the_librarys_own() -> None:
    a, n1, c, n2 = columns("rare")
    effects = tp.effect_size("OR", ai=a, n1i=n1, ci=c, n2i=n2)
    pooled = tp.pool(effects.yi, effects.vi, tau2="REML", test="hksj")
    limits = by_inverse_variance("OR")(a[None], n1, c[None], n2)[0]
    assert limits == pytest.approx([pooled.ci_lb, pooled.ci_ub])
    counts = tp.pool_counts(a, n1, c, n2, measure="RR", method="MH")
    limits = by_counts("RR")(a[None], n1, c[None], n2)[0]
    assert limits == pytest.approx([counts.ci_lb, counts.ci_ub])


def test_the_published_trials_of_bcg() -> None:
    """A robust result takes many; every step is one person."""
    a, c = COUNTS["ai"], COUNTS["ci"]
    n1 = np.add(a, COUNTS["bi"])
    n2 = np.add(c, COUNTS["di"])
    found = fragility(a, n1, c, n2, refit=by_inverse_variance("RR"))
    assert (found.side, found.side_after) == (-1, 0)
    assert found.index == sum(abs(m.events) for m in found.moved)
    assert found.index > 10
    assert found.n == 357347


def test_a_change_never_takes_a_trial_out() -> None:
    """A ratio loses a trial without events: the interval of such a set is not known."""
    refit = by_inverse_variance("OR", tau2="EE", test="z")
    a, n1, c, n2 = (np.array([x]) for x in ([1.0, 5.0], [20.0, 20.0], [0.0, 9.0], [20.0, 20.0]))
    less = a - [[1.0, 0.0]]
    assert np.isfinite(refit(a, n1[0], c, n2[0])).all()
    assert np.isnan(refit(less, n1[0], c, n2[0])).all()


# -- nothing to give -----------------------------------------------------------------------------


def why(found: Fragility) -> str:
    assert np.isnan(found.index)
    assert np.isnan(found.quotient)
    assert found.moved == ()
    assert found.reasons["index"] == found.reasons["quotient"]
    return found.reasons["index"]


def test_reasons_where_there_is_no_index() -> None:
    refit = by_inverse_variance("OR", tau2="EE", test="z")
    contrast = fragility([4, np.nan], [20, 20], [9, np.nan], [20, 20], refit=refit)
    assert why(contrast) == f.NO_COUNTS
    assert why(fragility([0], [20], [0], [20], refit=refit)) == f.NO_INTERVAL
    # Two people: no set of tables of this size has an interval off zero.
    assert why(fragility([1], [1], [0], [1], refit=refit)) == f.STUCK


def test_an_interval_that_is_not_of_the_counts_withholds_it() -> None:
    """A paired or adjusted effect stands in the analysis, not that of the counts."""
    a, n1, c, n2 = columns("three")
    refit = by_inverse_variance("OR", tau2="EE", test="z")
    plain = fragility(a, n1, c, n2, refit=refit)
    same = (plain.ci_lb, plain.ci_ub)
    assert fragility(a, n1, c, n2, refit=refit, expected=same) == plain
    other = fragility(a, n1, c, n2, refit=refit, expected=(log(0.5), log(2)))
    assert why(other) == f.NOT_THESE


def test_errors_name_the_column() -> None:
    refit = by_inverse_variance("OR")
    with pytest.raises(TrialpoolError, match=r"ai\[0\] = 21: more events than participants"):
        fragility([21], [20], [3], [20], refit=refit)
    with pytest.raises(TrialpoolError, match="columns of one length"):
        fragility([1, 2], [20], [3], [20], refit=refit)
    with pytest.raises(TrialpoolError, match="measure = 'SMD'"):
        by_inverse_variance("SMD")
    with pytest.raises(TrialpoolError, match="measure = 'MD'"):
        by_counts("MD")
    with pytest.raises(TrialpoolError, match="level = 2"):
        by_counts("OR", level=2)
