"""The multiverse of the library: every specification as `pool` gives it, and honest counts."""

from __future__ import annotations

from itertools import product
from math import isnan

import numpy as np
import pytest

from trialpool import pool, pool_counts
from trialpool.diagnostics.multiverse import (
    NO_COUNTS,
    NO_TRIAL,
    DataSet,
    Factor,
    Multiverse,
    multiverse,
)
from trialpool.diagnostics.multiverse_summary import questions
from trialpool.results import TrialpoolError

ESTIMATOR = Factor(name="estimator", kind="E", levels=("REML", "PM", "DL", "EE"))
TEST = Factor(name="test", kind="E", levels=("hksj", "z", "knha", "t"))
EMPTY = np.array([])


def made(seed: int = 1) -> tuple[list[Factor], list[DataSet]]:
    """Twelve data sets of 0 to 7 trials under three factors, one of them N."""
    rng = np.random.default_rng(seed)
    factors = [
        Factor(name="scale", kind="U", levels=("own", "other")),
        Factor(name="flagged", kind="U", levels=("in", "out")),
        Factor(name="comparator", kind="N", levels=("both", "placebo", "active")),
    ]
    sizes = {(0, 0, 0): 7, (0, 1, 0): 1, (1, 0, 0): 2, (1, 1, 2): 0}
    sets = []
    for at in product(range(2), range(2), range(3)):
        k = sizes.get(at, int(rng.integers(3, 8)))
        sets.append(DataSet(at, rng.normal(-0.3, 0.5, k), rng.uniform(0.02, 0.3, k), k))
    return factors, sets


def by_hand(one: DataSet, estimator: str, test: str) -> tuple[float, ...]:
    """One specification by `pool`, under the few-studies policy."""
    if one.k == 0:
        return (np.nan,) * 4
    tau2, by = (estimator, test) if one.k > 2 else ("EE", "z")
    found = pool(one.yi, one.vi, tau2=tau2, test=by)
    return found.beta, found.ci_lb, found.ci_ub, found.pval


def explored(seed: int = 1) -> tuple[Multiverse, list[DataSet]]:
    factors, sets = made(seed)
    return multiverse(factors, sets, estimator=ESTIMATOR, test=TEST), sets


@pytest.mark.parametrize("seed", range(5))
def test_each_specification_is_what_pool_gives_for_it_alone(seed: int) -> None:
    """The batch and the shared fit change no number."""
    found, sets = explored(seed)
    data = {one.at: one for one in sets}
    assert len(found) == 12 * 4 * 4
    for i, at in enumerate(found.place):
        one = data[tuple(at[:3])]
        truth = by_hand(one, ESTIMATOR.levels[at[3]], TEST.levels[at[4]])
        ours = (found.beta[i], found.ci_lb[i], found.ci_ub[i], found.pval[i])
        assert ours == pytest.approx(truth, rel=1e-9, abs=1e-12, nan_ok=True)
        assert found.k[i] == one.k
        assert (found.reason[i] == NO_TRIAL) == (one.k == 0) == isnan(found.beta[i])
    assert (found.place[found.protocol] == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_summary_is_what_counting_in_a_loop_gives(seed: int) -> None:
    """Shares over distinct fits, spread over all specifications, question by question."""
    found, _ = explored(seed)
    answers = questions(found)
    assert [q.levels["comparator"] for q in answers] == ["both", "placebo", "active"]
    sign = np.sign(found.beta[found.protocol])
    for n, question in enumerate(answers):
        rows = [i for i in range(len(found)) if found.place[i, 2] == n]
        distinct: dict[int, int] = {}
        for i in rows:
            distinct.setdefault(int(found.fit[i]), i)
        known = [i for i in distinct.values() if not isnan(found.beta[i])]
        assert (question.specifications, question.distinct) == (64, len(distinct))
        assert question.estimated == len(known)
        assert question.same_sign == pytest.approx(
            sum(np.sign(found.beta[i]) == sign for i in known) / len(known)
        )
        out = [i for i in known if found.ci_lb[i] > 0 or found.ci_ub[i] < 0]
        assert question.excludes_zero == pytest.approx(len(out) / len(known))
        assert question.below_zero + question.above_zero == pytest.approx(question.excludes_zero)
        values = [found.beta[i] for i in known]
        assert question.median == pytest.approx(float(np.median(values)))
        assert (question.lowest, question.highest) == (min(values), max(values))
        moved = {each.name: each for each in question.factors}
        assert set(moved) == {"scale", "flagged", "estimator", "test"}
        every = [i for i in rows if not isnan(found.beta[i])]
        grand = np.mean([found.beta[i] for i in every])
        between = 0.0
        means = []
        for level in range(2):
            part = [found.beta[i] for i in every if found.place[i, 0] == level]
            means.append(np.mean(part))
            between += len(part) * (np.mean(part) - grand) ** 2
        total = sum((found.beta[i] - grand) ** 2 for i in every)
        assert moved["scale"].eta2 == pytest.approx(between / total)
        assert moved["scale"].shift == pytest.approx(abs(means[1] - means[0]))
        assert moved["scale"].start == pytest.approx(min(means))
        assert question.most == max(question.factors, key=lambda f: f.eta2).name


def test_a_small_multiverse_worked_out_by_hand() -> None:
    """Two trials at 0 and 1, v = 1, or the second alone: 0.5 (se 0.7071) and 1 (se 1)."""
    factor = Factor(name="first", kind="U", levels=("in", "out"))
    sets = [
        DataSet((0,), np.array([0.0, 1.0]), np.ones(2), 2),
        DataSet((1,), np.array([1.0]), np.ones(1), 1),
    ]
    found = multiverse([factor], sets, estimator=ESTIMATOR, test=TEST)
    # 2 x 4 x 4 specifications; one and two trials have one fit each.
    assert len(found) == 32
    assert len(found.first) == 2
    assert found.fit.tolist() == [0] * 16 + [1] * 16
    assert found.beta[found.first].tolist() == [0.5, 1.0]
    z = 1.959963984540054
    assert found.ci_lb[found.first] == pytest.approx([0.5 - z / 2**0.5, 1 - z])
    assert found.tau2[0] == 0
    assert isnan(found.tau2[16])
    (question,) = questions(found)
    assert (question.same_sign, question.excludes_zero, question.median) == (1, 0, 0.75)
    assert (question.lowest, question.highest, question.beta) == (0.5, 1.0, 0.5)
    moved = {each.name: each for each in question.factors}
    assert (moved["first"].eta2, moved["first"].shift) == (1.0, 0.5)
    assert (moved["first"].lowest, moved["first"].highest) == ("in", "out")
    assert (moved["estimator"].eta2, moved["test"].eta2) == (0.0, 0.0)
    assert question.most == "first"


def test_equal_data_are_one_set_whatever_the_order_of_the_trials() -> None:
    """A level that changes nothing adds specifications, but no distinct fit and no vote."""
    rng = np.random.default_rng(3)
    y, v = rng.normal(size=5), rng.uniform(0.1, 1, 5)
    factor = Factor(name="a", kind="E", levels=("x", "y", "z"))
    sets = [DataSet((0,), y, v, 5), DataSet((1,), y[::-1], v[::-1], 5), DataSet((2,), y, 2 * v, 5)]
    found = multiverse([factor], sets, estimator=ESTIMATOR, test=TEST)
    assert sorted(set(found.set)) == [0, 1]
    (question,) = questions(found)
    assert (question.specifications, question.distinct) == (48, 32)


def test_a_test_moves_intervals_and_no_estimate() -> None:
    """Eta squared of a test is 0; what it moves is the share of intervals that exclude zero."""
    y, v = np.array([-0.9, -0.1, -0.5]), np.full(3, 0.05)
    sets = [DataSet((), y, v, 3)]
    (question,) = questions(multiverse([], sets, estimator=ESTIMATOR, test=TEST))
    moved = {each.name: each for each in question.factors}
    assert moved["test"].eta2 == 0
    assert moved["test"].swing > 0
    assert question.most == ""


def test_mantel_haenszel_pools_counts_and_says_where_there_are_none() -> None:
    """It has one test, takes two trials as they are, and needs counts of every trial."""
    counts = np.array([[3.0, 40, 8, 41], [1, 20, 4, 22], [5, 60, 9, 58]])
    a, n, c, m = counts.T
    y = np.log(a * (m - c) / (c * (n - a)))
    v = 1 / a + 1 / (n - a) + 1 / c + 1 / (m - c)
    factor = Factor(name="trials", kind="U", levels=("3", "2", "1", "no counts", "0"))
    sets = [DataSet((i,), y[:k], v[:k], k, counts[:k]) for i, k in enumerate((3, 2, 1))]
    sets.append(DataSet((3,), y, v, 3, np.full((3, 4), np.nan)))
    sets.append(DataSet((4,), EMPTY, EMPTY, 0, np.empty((0, 4))))
    by = Factor(name="estimator", kind="E", levels=("MH", "REML"))
    found = multiverse([factor], sets, estimator=by, test=TEST, measure="OR")
    mh = found.place[:, 1] == 0
    for level, k in ((0, 3), (1, 2)):
        rows = np.flatnonzero(mh & (found.place[:, 0] == level))
        truth = pool_counts(a[:k], n[:k], c[:k], m[:k], measure="OR")
        assert found.beta[rows] == pytest.approx([truth.beta] * 4)
        assert found.ci_lb[rows] == pytest.approx([truth.ci_lb] * 4)
        assert found.pval[rows] == pytest.approx([truth.pval] * 4)
        assert len(set(found.fit[rows])) == 1
    alone = np.flatnonzero(found.place[:, 0] == 2)
    assert found.beta[alone] == pytest.approx([y[0]] * 8)
    assert len(set(found.fit[alone])) == 1
    (question,) = questions(found)
    assert question.without_estimate == {NO_COUNTS: 4, NO_TRIAL: 8}


def test_no_trial_at_all_is_an_answer_without_numbers() -> None:
    """No trial (k = 0) is counted and said; nothing is invented."""
    found = multiverse([], [DataSet((), EMPTY, EMPTY, 0)], estimator=ESTIMATOR, test=TEST)
    (question,) = questions(found)
    assert (question.specifications, question.distinct, question.estimated) == (16, 1, 0)
    assert question.without_estimate == {NO_TRIAL: 16}
    assert isnan(question.same_sign)
    assert isnan(question.median)
    assert question.most == ""


def test_a_multiverse_without_the_protocols_own_is_refused() -> None:
    """Nothing could be compared with it; nor may a combination stand twice."""
    factors, sets = made()
    for wrong in (sets[1:], [*sets, sets[3]]):
        with pytest.raises(TrialpoolError, match="each combination of levels must stand once"):
            multiverse(factors, wrong, estimator=ESTIMATOR, test=TEST)
