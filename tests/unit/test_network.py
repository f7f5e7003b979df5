"""Network meta-analysis: by hand, against `pool`, and what must hold whatever the data."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import block_diag
from scipy.special import ndtr

import trialpool as tp
from trialpool.network.arms import contrasts_from_arms
from trialpool.network.evidence import contributions, edges_of, hat_matrix
from trialpool.network.heat import net_heat
from trialpool.network.model import NO_DF, Network, network
from trialpool.network.rank import p_scores
from trialpool.network.split import NO_DIRECT, NO_INDIRECT, split
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import TrialpoolError

Y = np.array([-0.40, -0.10, -0.75, 0.05, -0.30])
V = np.array([0.04, 0.09, 0.06, 0.05, 0.12])


def simulated(treatments: int, trials: int, seed: int, tau: float = 0.2) -> dict[str, Any]:
    """Contrasts of trials of two to four arms, with arms' own variances."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 0.5, treatments)
    out: dict[str, list[Any]] = {name: [] for name in ("study", "treat1", "treat2", "yi", "sei")}
    for i in range(trials):
        first = i % treatments
        others = [t for t in range(treatments) if t != first]
        arms = [first, *rng.choice(others, rng.choice([1, 1, 1, 2, 3]), replace=False)]
        own = rng.uniform(0.01, 0.1, len(arms))
        level = effect[arms] + rng.normal(0, np.sqrt(own + tau**2 / 2))
        for a, b in combinations(range(len(arms)), 2):
            out["study"].append(f"trial {i:03d}")
            out["treat1"].append(f"t{arms[a]:02d}")
            out["treat2"].append(f"t{arms[b]:02d}")
            out["yi"].append(level[a] - level[b])
            out["sei"].append(np.sqrt(own[a] + own[b]))
    return out


def made(**options: Any) -> Network:
    return network(**simulated(6, 20, seed=1), **options)


# --- against pairwise meta-analysis and by hand ---------------------------------------------------


@pytest.mark.parametrize("tau2", estimators_of("network"))
def test_two_treatments_are_a_pairwise_meta_analysis(tau2: str) -> None:
    """Every number that both have is that of `pool` with normal intervals."""
    ours = network(list("abcde"), ["K"] * 5, ["P"] * 5, Y, np.sqrt(V), tau2=tau2)
    pooled = tp.pool(Y, V, tau2=tau2, test="z")
    found = ours.random
    for name, value in (
        ("beta", found.effect[0, 1]),
        ("se", found.se[0, 1]),
        ("ci_lb", found.ci_lb[0, 1]),
        ("ci_ub", found.ci_ub[0, 1]),
        ("pval", found.pval[0, 1]),
        ("pi_lb", ours.pi_lb[0, 1]),
        ("pi_ub", ours.pi_ub[0, 1]),
        ("tau2", ours.tau2),
        ("se_tau2", ours.se_tau2),
        ("tau2_ci_lb", ours.tau2_ci_lb),
        ("tau2_ci_ub", ours.tau2_ci_ub),
        ("i2_q", ours.i2),
        ("q", ours.q),
        ("q_pval", ours.q_pval),
    ):
        assert value == pytest.approx(getattr(pooled, name), rel=1e-9, nan_ok=True), name


def test_one_trial_of_three_arms_gives_its_contrasts_back() -> None:
    """Means 1, 3, 4 with variances 0.2, 0.3, 0.5: no other trial can change them."""
    yi, sei = [-2.0, -3.0, -1.0], np.sqrt([0.5, 0.7, 0.8])
    ours = network(["x"] * 3, ["A", "A", "B"], ["B", "C", "C"], yi, sei)
    assert ours.common.effect[0] == pytest.approx([0.0, -2.0, -3.0])
    assert ours.common.se**2 == pytest.approx(
        np.array([[0, 0.5, 0.7], [0.5, 0, 0.8], [0.7, 0.8, 0]])
    )
    assert ours.q_df == 0
    assert ours.q == pytest.approx(0.0, abs=1e-20)
    assert np.isnan(ours.tau2)
    assert np.isnan(ours.random.effect).all()
    assert ours.reasons["tau2"] == ours.reasons["random"] == NO_DF


def test_three_arms_and_one_contrast_by_generalised_least_squares() -> None:
    """The three-armed trial as two correlated contrasts (covariance: A's variance, 0.2)."""
    ours = network(
        ["x", "x", "x", "y"],
        ["A", "A", "B", "B"],
        ["B", "C", "C", "C"],
        [-2.0, -3.0, -1.0, 0.5],
        np.sqrt([0.5, 0.7, 0.8, 0.4]),
        tau2="DL",
    )
    y = np.array([-2.0, -3.0, 0.5])  # A-B, A-C of x; B-C of y
    design = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]])  # of A-B and A-C

    def by_hand(tau2: float) -> tuple[Any, Any]:
        v = np.array([[0.5, 0.2, 0.0], [0.2, 0.7, 0.0], [0.0, 0.0, 0.4]])
        v += tau2 * np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])
        w = np.linalg.inv(v)
        spread = np.linalg.inv(design.T @ w @ design)
        beta = spread @ design.T @ w @ y
        return beta, (spread, (y - design @ beta) @ w @ (y - design @ beta))

    beta, (spread, q) = by_hand(0.0)
    assert ours.common.effect[0, 1:] == pytest.approx(beta, rel=1e-12)
    assert ours.common.se[0, 1:] ** 2 == pytest.approx(np.diag(spread), rel=1e-12)
    assert ours.q == pytest.approx(q, rel=1e-12)
    assert ours.q_df == 1
    assert ours.tau2 > 0
    beta, (spread, q) = by_hand(ours.tau2)
    assert ours.random.effect[0, 1:] == pytest.approx(beta, rel=1e-12)
    assert ours.random.se[0, 1:] ** 2 == pytest.approx(np.diag(spread), rel=1e-12)


@pytest.mark.parametrize("code", ["DL", "HE", "HS", "PM", "EB"])
def test_moments_by_matrices_of_contrasts(code: str) -> None:
    """In contrasts against one arm of each trial, where a tau2 of 1 has the covariance B.

    E[y'Py] = tr(P V) + tau2 tr(P B) for the P of any weights: V^-1 (DL, and HS with the number of
    rows for the trace), B^-1 (HE), (V + tau2 B)^-1 (PM and EB, whose Q is its df).
    """
    ours = network(**simulated(6, 20, seed=1, tau=1.0), tau2=code)
    parts = []
    for trial in ours.trials:
        m = len(trial.arms)
        x = np.zeros((m - 1, ours.n))
        x[:, trial.arms[0]], x[np.arange(m - 1), list(trial.arms[1:])] = 1.0, -1.0
        v = (trial.v[0, 1:, None] + trial.v[0, None, 1:] - trial.v[1:, 1:]) / 2
        parts.append((trial.y[0, 1:], v, (np.eye(m - 1) + 1) / 2, x[:, 1:]))
    columns = list(zip(*parts, strict=True))
    y, x = np.concatenate(columns[0]), np.vstack(columns[3])
    v, b = block_diag(*columns[1]), block_diag(*columns[2])

    def p(w: Any) -> Any:
        return w - w @ x @ np.linalg.solve(x.T @ w @ x, x.T @ w)

    assert ours.tau2 > 0
    assert any(len(trial.arms) > 2 for trial in ours.trials)
    if code in ("PM", "EB"):
        assert y @ p(np.linalg.inv(v + ours.tau2 * b)) @ y == pytest.approx(ours.q_df, rel=1e-9)
        return
    w = np.linalg.inv(b if code == "HE" else v)
    expected = (y @ p(w) @ y - np.trace(p(w) @ v)) / np.trace(p(w) @ b)
    if code == "HS":
        expected = (y @ p(w) @ y - len(y)) / np.trace(w @ b)
    assert ours.tau2 == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_the_likelihood_has_its_maximum_there(method: str) -> None:
    """Written out in contrasts against one arm of each trial, with its full covariance."""
    ours = network(**simulated(5, 30, seed=3), tau2=method)
    keep = ours.treatments.index(ours.reference)
    columns = [i for i in range(ours.n) if i != keep]

    def loglik(tau2: float) -> float:
        information, total, rest = np.zeros((ours.n - 1,) * 2), np.zeros(ours.n - 1), 0.0
        for trial in ours.trials:
            arms = len(trial.arms)
            half = (trial.v[0, 1:, None] + trial.v[0, None, 1:] - trial.v[1:, 1:]) / 2
            v = half + tau2 * (np.eye(arms - 1) + 1) / 2
            x = np.zeros((arms - 1, ours.n))
            x[:, trial.arms[0]] = 1.0
            x[np.arange(arms - 1), list(trial.arms[1:])] = -1.0
            x, y = x[:, columns], trial.y[0, 1:]
            w = np.linalg.inv(v)
            information += x.T @ w @ x
            total += x.T @ w @ y
            rest += float(y @ w @ y) + float(np.linalg.slogdet(v)[1])
        rest -= float(total @ np.linalg.solve(information, total))
        if method == "REML":
            rest += float(np.linalg.slogdet(information)[1])
        return float(-rest / 2)

    assert ours.tau2 > 0
    for step in (0.99, 1.01):
        assert loglik(ours.tau2) > loglik(step * ours.tau2)
    near = 1e-4 * ours.tau2
    slope = (loglik(ours.tau2 + near) - loglik(ours.tau2 - near)) / (2 * near)
    curve = abs(loglik(ours.tau2 + near) + loglik(ours.tau2 - near) - 2 * loglik(ours.tau2))
    assert abs(slope) < 1e-3 * curve / near


# --- what holds whatever the data -----------------------------------------------------------------


@pytest.mark.parametrize("model", ["common", "random"])
def test_effects_are_consistent(model: str) -> None:
    """d(A, C) = d(A, B) + d(B, C), and d(A, B) = -d(B, A)."""
    d = made().of(model).effect
    for a, b, c in combinations(range(len(d)), 3):
        assert d[a, c] == pytest.approx(d[a, b] + d[b, c], abs=1e-12)
    assert d == pytest.approx(-d.T, abs=0)


def test_order_names_and_direction_change_nothing() -> None:
    """Rows shuffled, contrasts turned round, treatments renamed: the same numbers."""
    data = simulated(6, 20, seed=1)
    rng = np.random.default_rng(2)
    order, turned = rng.permutation(len(data["yi"])), rng.random(len(data["yi"])) < 0.5
    one = [f"z{99 - int(t[1:])}" for t in data["treat1"]]
    two = [f"z{99 - int(t[1:])}" for t in data["treat2"]]
    other = network(
        [data["study"][i] for i in order],
        [(two if turned[i] else one)[i] for i in order],
        [(one if turned[i] else two)[i] for i in order],
        [data["yi"][i] * (-1 if turned[i] else 1) for i in order],
        [data["sei"][i] for i in order],
        reference="z97",
    )
    ours = made()
    back = [other.treatments.index(f"z{99 - int(t[1:])}") for t in ours.treatments]
    grid = np.ix_(back, back)
    assert other.random.effect[grid] == pytest.approx(ours.random.effect, abs=1e-12)
    assert other.random.se[grid] == pytest.approx(ours.random.se, abs=1e-12)
    assert other.tau2 == pytest.approx(ours.tau2, rel=1e-10)
    assert other.inconsistency.within.stat == pytest.approx(ours.inconsistency.within.stat)
    assert p_scores(other)[back] == pytest.approx(p_scores(ours), abs=1e-12)
    assert net_heat(other).q.sum() == pytest.approx(net_heat(ours).q.sum(), rel=1e-10)
    assert np.sort(net_heat(other).change.ravel()) == pytest.approx(
        np.sort(net_heat(ours).change.ravel()), abs=1e-9
    )


def test_scale() -> None:
    """In tenths of the unit: effects ten times, tau2 a hundred times, the rest as it was."""
    data = simulated(6, 20, seed=1)
    ten = network(
        **{**data, "yi": np.multiply(10, data["yi"]), "sei": np.multiply(10, data["sei"])}
    )
    ours = made()
    assert ten.random.effect == pytest.approx(10 * ours.random.effect, rel=1e-9)
    assert ten.tau2 == pytest.approx(100 * ours.tau2, rel=1e-9)
    assert ten.inconsistency.tau2_within == pytest.approx(100 * ours.inconsistency.tau2_within)
    assert ten.q == pytest.approx(ours.q)


@pytest.mark.parametrize("code", estimators_of("network"))
def test_names_do_not_matter_to_tau2(code: str) -> None:
    """The order of names decides the sign and the axes of the rows: an estimator that looked at
    their mean would see it.
    """
    data = simulated(6, 20, seed=1)
    other = {name: [f"u{9 - int(t[1:])}" for t in data[name]] for name in ("treat1", "treat2")}
    assert network(**{**data, **other}, tau2=code).tau2 == pytest.approx(
        made(tau2=code).tau2, rel=1e-9
    )


def test_q_adds_up() -> None:
    """Within designs plus between designs is the whole, in Q and in degrees of freedom."""
    ours = network(**simulated(5, 40, seed=3))
    inc = ours.inconsistency
    assert inc.within.stat + inc.between.stat == pytest.approx(ours.q, rel=1e-12)
    assert inc.within.df + inc.between.df == ours.q_df
    assert inc.q_designs.sum() == pytest.approx(inc.within.stat, rel=1e-12)
    assert sum(inc.df_designs) == inc.within.df
    assert sum(inc.trials) == ours.k
    heat = net_heat(ours)
    assert heat.q.sum() == pytest.approx(inc.between.stat, rel=1e-10)
    # The inconsistency of a design goes away with the design itself.
    assert np.diag(heat.change) == pytest.approx(heat.q, rel=1e-10)


def test_without_designs_of_two_trials_nothing_is_within() -> None:
    """Three trials in a triangle: all of Q is between designs, and tau2 within is not there."""
    ours = network(list("xyz"), list("AAB"), list("BCC"), [1.0, 1.5, 0.9], [0.3, 0.3, 0.3])
    inc = ours.inconsistency
    assert inc.between.stat == pytest.approx((1.0 + 0.9 - 1.5) ** 2 / 0.27, rel=1e-12)
    assert inc.between.stat == pytest.approx(ours.q, rel=1e-12)
    assert np.isnan(inc.tau2_within)
    assert np.isnan(inc.full.stat)
    assert "no design has two trials" in inc.full.reason
    heat = net_heat(ours)
    assert heat.designs == ("A:B", "A:C", "B:C")
    assert heat.change == pytest.approx(np.full((3, 3), ours.q / 3), rel=1e-9)
    # Of the estimate of A v B 2/3 is its own (share of variance 4/9 : 1/9 : 1/9).
    assert heat.share == pytest.approx(np.full((3, 3), 1 / 6) + np.eye(3) / 2, rel=1e-9)


def test_a_star_has_no_loop() -> None:
    """Every treatment against placebo only: no inconsistency, no heat, no indirect evidence."""
    ours = network(list("vwxy"), list("AABB"), ["P"] * 4, [1, 2, 3, 4.5], [0.4, 0.5, 0.6, 0.7])
    assert ours.inconsistency.between.df == 0
    assert "no closed loop" in net_heat(ours).reason
    assert net_heat(ours).designs == ()
    parts = split(ours)
    assert parts.pairs == ((0, 1), (0, 2), (1, 2))
    assert parts.reason == (NO_DIRECT, NO_INDIRECT, NO_INDIRECT)
    assert parts.indirect[0] == pytest.approx(ours.random.effect[0, 1])
    assert np.isnan(parts.difference).all()


def test_direct_and_indirect_evidence_of_a_triangle() -> None:
    """A-B direct 1.0, by way of C 1.5 - 0.9 = 0.6; the network weighs them by their variances."""
    ours = network(
        list("xyz"), list("AAB"), list("BCC"), [1.0, 1.5, 0.9], [0.3, 0.3, 0.3], tau2="EE"
    )
    parts = split(ours)
    assert parts.direct[0] == 1.0
    assert parts.indirect[0] == pytest.approx(0.6)
    assert parts.se_indirect[0] == pytest.approx(np.sqrt(0.18))
    assert parts.difference[0] == pytest.approx(0.4)
    assert parts.se_difference[0] == pytest.approx(np.sqrt(0.27))
    assert parts.pval[0] == pytest.approx(2 * ndtr(-0.4 / np.sqrt(0.27)))
    assert parts.share == pytest.approx([2 / 3] * 3)
    assert parts.k == (1, 1, 1)
    assert parts.reason == ("", "", "")


def test_the_hat_matrix_makes_network_estimates_of_direct_ones() -> None:
    """In trials of two arms; and its own coefficient is the share of direct evidence."""
    data = simulated(6, 60, seed=5)
    names = data["study"]
    single = [i for i, name in enumerate(names) if names.count(name) == 1]
    two_armed: dict[str, Any] = {k: [values[i] for i in single] for k, values in data.items()}
    ours = network(**two_armed)
    hat, parts = hat_matrix(ours), split(ours)
    at = {pair: i for i, pair in enumerate(parts.pairs)}
    direct = parts.direct[[at[edge] for edge in hat.edges]]
    found = np.array([ours.random.effect[pair] for pair in hat.pairs])
    assert hat.values @ direct == pytest.approx(found, abs=1e-10)
    own = [hat.values[at[edge], i] for i, edge in enumerate(hat.edges)]
    assert own == pytest.approx(parts.share[[at[edge] for edge in hat.edges]], abs=1e-10)
    assert hat.edges == edges_of(ours)
    assert contributions(ours).values.sum(axis=1) == pytest.approx(np.full(len(hat.pairs), 100.0))


def test_p_scores() -> None:
    """Two treatments: the one-sided probability; their mean is always a half; turned by sign."""
    ours = network(list("abcde"), ["K"] * 5, ["P"] * 5, Y, np.sqrt(V))
    better = float(ndtr(-ours.random.effect[0, 1] / ours.random.se[0, 1]))
    assert p_scores(ours) == pytest.approx([better, 1 - better])
    assert p_scores(made()).mean() == pytest.approx(0.5)
    assert p_scores(made(), small_values="undesirable") == pytest.approx(1 - p_scores(made()))
    with pytest.raises(TrialpoolError, match="allowed are desirable, undesirable"):
        p_scores(made(), small_values="good")


# --- from arms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["SMD", "MD"])
def test_two_arms_are_the_effect_size_of_scores(measure: str) -> None:
    """With two arms the pooled SD is that of the pair."""
    found = contrasts_from_arms(
        ["x", "x"], ["K", "P"], measure, mean=[10.0, 13.0], sd=[4.0, 5.0], n=[20, 25]
    )
    size = tp.effect_size(measure, m1i=10.0, sd1i=4.0, n1i=20, m2i=13.0, sd2i=5.0, n2i=25)
    assert found.yi == pytest.approx(size.yi)
    assert found.sei == pytest.approx(size.sei)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("events", [(5, 9), (0, 9), (20, 25)])
def test_two_arms_are_the_effect_size_of_counts(measure: str, events: tuple[int, int]) -> None:
    found = contrasts_from_arms(["x", "x"], ["K", "P"], measure, event=events, n=[20, 25])
    if measure == "OR" and events == (20, 25):
        assert found.left_out == {"x": "events in everyone: the OR is not defined"}
        return
    size = tp.effect_size(measure, ai=events[0], n1i=20, ci=events[1], n2i=25)
    assert found.yi == pytest.approx(size.yi)
    assert found.sei == pytest.approx(size.sei)


@pytest.mark.parametrize("measure", ["SMD", "MD", "OR", "RR", "RD"])
def test_three_arms_close_and_make_a_network(measure: str) -> None:
    """All pairs of a trial of three arms agree with each other, so that `network` takes them."""
    arms: dict[str, Any] = {"study": ["x"] * 3, "treatment": list("ABC"), "n": [20, 25, 30]}
    if measure in ("SMD", "MD"):
        found = contrasts_from_arms(
            **arms, measure=measure, mean=[10.0, 13.0, 14.0], sd=[4.0, 5.0, 4.5]
        )
    else:
        found = contrasts_from_arms(**arms, measure=measure, event=[5, 0, 12])
    ours = network(found.study, found.treat1, found.treat2, found.yi, found.sei)
    assert ours.common.effect[0, 2] == pytest.approx(found.yi[1])
    assert ours.common.se[1, 2] == pytest.approx(found.sei[2])


@pytest.mark.parametrize("code", ["EE", "DL", "REML", "ML", "PM", "EB", "HE"])
def test_no_degree_of_freedom_with_any_estimator(code: str) -> None:
    """One trial of three arms: its own differences, and no tau2 unless none is asked for."""
    ours = network(list("xxx"), list("AAB"), list("BCC"), [1.0, 1.5, 0.5], [0.3] * 3, tau2=code)
    assert ours.common.effect[0, 1] == pytest.approx(1.0)
    assert (ours.tau2 == 0.0) if code == "EE" else np.isnan(ours.tau2)
    assert ("tau2" in ours.reasons) is (code != "EE")


def test_what_arms_cannot_give() -> None:
    """A trial without events is left out with its reason; other problems are listed at once."""
    found = contrasts_from_arms(["x", "x"], ["A", "B"], "OR", event=[0, 0], n=[9, 9])
    assert found.left_out == {"x": "no events in any arm: the OR is not defined"}
    assert found.study == ()
    with pytest.raises(TrialpoolError) as error:
        contrasts_from_arms(
            ["x", "y", "y"], ["A", "A", "A"], "MD", mean=[1, 2, np.nan], sd=[1, 0, 1], n=[9, 9, 9]
        )
    told = str(error.value)
    assert "study x: one arm (A)" in told
    assert "study y: A is given twice" in told
    assert "mean[2] = nan (study y, A): must be a finite number" in told
    assert "sd[1] = 0 (study y, A)" in told
    with pytest.raises(TrialpoolError, match="MD needs mean, sd, n: mean, sd missing"):
        contrasts_from_arms(["x", "x"], ["A", "B"], "MD", n=[9, 9])


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ((["x", "y"], ["A", "C"], ["B", "D"], [1, 1], [1, 1]), "{A, B} and {C, D}"),
        ((["x"], ["A"], ["A"], [1], [1]), "treat1[0] = treat2[0] = A (study x)"),
        ((["x"], ["A"], [None], [1], [1]), "treat2[0] is blank (study x): a trial of one arm"),
        ((["x"], ["A"], ["B"], [1], [-1]), "sei[0] = -1.0 (study x): must be a finite number > 0"),
        ((["x"], ["A"], ["B"], [1], [0]), "sei[0] = 0.0 (study x)"),
        ((["x"], ["A"], ["B"], [np.nan], [1]), "yi[0] = nan (study x): must be a finite number"),
        (([float("nan")], ["A"], ["B"], [1], [1]), "study[0] is blank"),
        (
            (["x", "x"], ["A", "A"], ["B", "C"], [1, 1], [1, 1]),
            "study x: 3 arms need 3 contrasts, 2 are given. Add B v C",
        ),
        (
            (["x", "x"], ["A", "B"], ["B", "A"], [1, -1], [1, 1]),
            "study x: B v A is given twice (row 1)",
        ),
        (
            (["x"] * 3, ["A", "A", "B"], ["B", "C", "C"], [1, 3, 1], [1, 1, 1]),
            "contradict each other: A v B and B v C add up to 2, but A v C is 3",
        ),
        (
            (["x"] * 3, ["A", "A", "B"], ["B", "C", "C"], [1, 2, 1], [1, 1, 9]),
            "study x: the standard errors of A, B, C contradict each other",
        ),
        (
            # 1, 1, 2.25: no independent arms, though a triangle; (1 + 1 - 2.25)/2.
            (["x"] * 3, ["A", "A", "B"], ["B", "C", "C"], [1, 2, 1], [1, 1, 1.5]),
            "the variance of arm A would be -0.125",
        ),
        ((["x"], ["A"], ["B"], [1, 2], [1, 2]), "the columns must have one length"),
        (([], [], [], [], []), "yi is empty"),
        ((["x"], ["A"], ["B"], ["one"], [1]), "yi must hold numbers only"),
    ],
)
def test_errors_say_what_is_missing(columns: tuple[Any, ...], told: str) -> None:
    with pytest.raises(TrialpoolError) as error:
        network(*columns)
    assert told in str(error.value)


@pytest.mark.parametrize(("se", "refused"), [(1.4142, False), (1.443, False), (1.444, True)])
def test_an_arm_of_no_variance_is_taken_with_the_rounding_of_a_printed_number(
    se: float, refused: bool
) -> None:
    """Standard errors 1 and 1 leave arm A nothing at sqrt(2): 1 % of each is rounding."""
    columns = (["x"] * 3, ["A", "A", "B"], ["B", "C", "C"], [1, 2, 1], [1, 1, se])
    if refused:
        with pytest.raises(TrialpoolError, match="too small beside that of B v C"):
            network(*columns)
    else:
        assert network(*columns).k == 1


def test_all_problems_come_at_once() -> None:
    with pytest.raises(TrialpoolError) as error:
        network(["x", "y"], ["A", "B"], ["A", "C"], [1, np.inf], [1, -1])
    assert len(str(error.value).splitlines()) == 3


def test_unknown_names() -> None:
    with pytest.raises(TrialpoolError, match="'none': is not in the network of t00"):
        made(reference="none")
    with pytest.raises(TrialpoolError, match=f"allowed are {', '.join(estimators_of('network'))}"):
        made(tau2="SJ")
    with pytest.raises(TrialpoolError, match="allowed are random, common"):
        made().of("fixed")


SPEED = """
import sys
from time import process_time
sys.path.insert(0, {here!r})
from test_network import network, simulated
data = simulated(30, 100, seed=4)
times = []
for _ in range(10):
    start = process_time()
    network(**data, tau2={tau2!r})
    times.append(process_time() - start)
print(min(times))
"""


@pytest.mark.parametrize("tau2", ["DL", "REML"])
def test_a_large_network_is_fast(tau2: str) -> None:
    """30 treatments in 100 trials: 50 ms are promised, on one core whatever else is running."""
    code = SPEED.format(here=str(Path(__file__).parent), tau2=tau2)
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=alone, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.05
