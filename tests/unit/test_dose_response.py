"""Dose-response models: against exact covariances, dense likelihoods and the univariate models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import trialpool as tp
from trialpool.doseresponse.covariance import DoseLevels, ratio_covariance
from trialpool.doseresponse.curves import restricted_cubic, shape
from trialpool.doseresponse.likelihood import Mixed, TrialBlock
from trialpool.doseresponse.model import dose_response
from trialpool.doseresponse.trials import DoseTrial, from_counts, from_means, from_ratios
from trialpool.pooling.moments import moment_matrix, nearest_covariance
from trialpool.results import Array, TrialpoolError

CASES = np.array([30.0, 22.0, 18.0, 25.0])
SIZE = np.array([150.0, 160.0, 120.0, 140.0])


def crude(kind: str) -> tuple[DoseLevels, Array]:
    """A study whose ratios are crude, and their exact covariance."""
    others = {"cc": SIZE - CASES, "ir": SIZE, "ci": SIZE}[kind]
    terms = 1 / CASES + {"cc": 1, "ir": 0, "ci": -1}[kind] / others
    v = np.diag(terms[1:]) + terms[0]
    logs = np.log(CASES / others)
    return DoseLevels(logs[1:] - logs[0], np.sqrt(np.diag(v)), CASES, SIZE, kind), v


def made_up(k: int, seed: int, levels: int = 3) -> list[DoseTrial]:
    """Trials on a curve that bends, with heterogeneity."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(k):
        dose = np.sort(rng.choice(np.arange(1, 9), levels, replace=False)) / 8.0
        own = np.array([-1.5, 0.8]) + rng.normal(0, [0.5, 0.3])
        v = np.diag(rng.uniform(0.02, 0.05, levels)) + 0.02
        y = np.stack([dose, dose**2], 1) @ own + np.linalg.cholesky(v) @ rng.normal(size=levels)
        out.append(DoseTrial(name=f"T{i}", dose=dose, reference=0.0, yi=y, V=v))
    return out


@pytest.mark.parametrize("kind", ["cc", "ir", "ci"])
@pytest.mark.parametrize("method", ["GL", "Hamling"])
def test_crude_ratios_have_their_exact_covariance(kind: str, method: str) -> None:
    """The counts fitted to unadjusted ratios are the counts themselves."""
    study, v = crude(kind)
    assert ratio_covariance(study, method) == pytest.approx(v, rel=1e-10)


@pytest.mark.parametrize("method", ["GL", "Hamling"])
def test_adjusted_ratios_keep_their_variances(method: str) -> None:
    """Shifted ratios and wider intervals: the diagonal is as reported, V positive definite."""
    study, _ = crude("cc")
    shifted = study._replace(
        yi=study.yi + np.array([0.3, -0.2, 0.5]), sei=study.sei * np.array([1.1, 1.3, 1.2])
    )
    v = ratio_covariance(shifted, method)
    assert np.diag(v) == pytest.approx(shifted.sei**2, rel=1e-12)
    assert np.linalg.eigvalsh(v).min() > 0
    assert (ratio_covariance(shifted, "independent") == np.diag(shifted.sei**2)).all()


def test_covariance_of_mean_differences() -> None:
    """Off the diagonal the control's own variance; an SMD adds the common SD's."""
    arms: dict[str, Any] = {"n": [20, 25, 30], "mean": [10.0, 8.0, 5.0], "sd": [4.0, 5.0, 6.0]}
    (md,) = from_means(["A"] * 3, [0, 0.2, 0.5], **arms)
    assert md.yi.tolist() == [-2.0, -5.0]
    expected = [[16 / 20 + 25 / 25, 16 / 20], [16 / 20, 16 / 20 + 36 / 30]]
    assert np.abs(md.V - expected).max() < 1e-14
    (smd,) = from_means(["A"] * 3, [0, 0.2, 0.5], **arms, measure="SMD")
    sd = math.sqrt((19 * 16 + 24 * 25 + 29 * 36) / 72)
    d1, d2 = -2 / sd, -5 / sd
    assert smd.yi == pytest.approx([d1, d2])
    assert smd.V[0, 1] == pytest.approx(1 / 20 + d1 * d2 / (2 * 75))
    assert smd.V[1, 1] == pytest.approx(1 / 20 + 1 / 30 + d2**2 / (2 * 75))


def test_counts_with_a_zero_cell_have_a_half_added() -> None:
    """The same correction for the ratio and its variance, in every arm of the trial."""
    (one,) = from_counts(["A"] * 3, [0, 1, 2], event=[0, 3, 5], totaln=[20, 20, 20])
    assert one.yi == pytest.approx(np.log([3.5 / 0.5, 5.5 / 0.5]))
    assert one.V[0, 1] == pytest.approx(1 / 0.5 - 1 / 21)


def test_likelihood_is_that_of_all_contrasts_at_once() -> None:
    """The (restricted) likelihood from one dense covariance matrix of all trials."""
    trials = made_up(4, 1)
    blocks = [TrialBlock(t.yi, np.stack([t.dose, t.dose**2], 1), t.V) for t in trials]
    psi = np.array([[0.3, -0.1], [-0.1, 0.2]])
    y, x = np.concatenate([b.y for b in blocks]), np.concatenate([b.X for b in blocks])
    v = np.zeros((12, 12))
    for i, b in enumerate(blocks):
        v[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = b.S + b.X @ psi @ b.X.T
    w = np.linalg.inv(v)
    vcov = np.linalg.inv(x.T @ w @ x)
    beta = vcov @ x.T @ w @ y
    ml = -6 * math.log(2 * math.pi) - np.linalg.slogdet(v)[1] / 2
    ml -= (y - x @ beta) @ w @ (y - x @ beta) / 2
    fit = Mixed(blocks).fit(psi, restricted=False)
    assert fit.beta == pytest.approx(beta, rel=1e-10)
    assert fit.vcov == pytest.approx(vcov, rel=1e-9)
    assert fit.loglik == pytest.approx(ml, rel=1e-12)
    reml = ml + math.log(2 * math.pi) + np.linalg.slogdet(x.T @ x)[1] / 2
    reml += np.linalg.slogdet(vcov)[1] / 2
    assert Mixed(blocks).fit(psi, restricted=True).loglik == pytest.approx(reml, rel=1e-12)


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("seed", range(6))
def test_no_neighbour_has_a_higher_likelihood(method: str, seed: int) -> None:
    """At the estimate, inside or on the boundary, no small change of Psi gains anything."""
    trials = made_up(6, seed)
    fit = dose_response(trials, shape_name="quadratic", method=method)
    mixed = Mixed([TrialBlock(t.yi, np.stack([t.dose, t.dose**2], 1), t.V) for t in trials])
    best = mixed.fit(fit.psi, restricted=method == "REML").loglik
    rng = np.random.default_rng(seed)
    size = np.sqrt(np.diag(mixed.units @ mixed.units.T))
    for step in (1e-3, 0.1, 1.0):
        for _ in range(30):
            # A positive semi-definite neighbour, in units of the terms.
            root = rng.normal(size=(2, 2)) * size[:, None]
            for near in (fit.psi + step * root @ root.T, fit.psi * (1 - min(step, 0.9))):
                assert mixed.fit(near, restricted=method == "REML").loglik <= best + 1e-9


def test_the_score_is_zero_inside() -> None:
    """Slopes of the restricted likelihood by each entry of Psi, in units of the terms."""
    trials = made_up(30, 3)
    fit = dose_response(trials, shape_name="quadratic")
    assert np.linalg.eigvalsh(fit.psi).min() > 1e-3
    mixed = Mixed([TrialBlock(t.yi, np.stack([t.dose, t.dose**2], 1), t.V) for t in trials])
    for change in ([[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 1], [1, 0]]):
        step = 1e-5 * np.array(change)
        up, down = (mixed.fit(fit.psi + s, restricted=True).loglik for s in (step, -step))
        assert abs(up - down) / 2e-5 < 1e-5


@pytest.mark.parametrize("method", ["EE", "ML", "REML"])
def test_one_stage_is_two_stages_where_all_trials_have_enough_levels(method: str) -> None:
    """The likelihoods differ by a constant (Crippa et al. 2019)."""
    one, two = (
        dose_response(made_up(5, 3), shape_name="quadratic", method=method, stages=stages)
        for stages in (1, 2)
    )
    assert one.beta == pytest.approx(two.beta, rel=1e-7)
    assert one.psi == pytest.approx(two.psi, rel=1e-5, abs=1e-9)
    assert (one.n, two.n) == (15, 10)


@pytest.mark.parametrize(("method", "tau2"), [("EE", "EE"), ("REML", "REML"), ("MM", "DL")])
@pytest.mark.parametrize("test", ["z", "knha", "hksj"])
def test_linear_in_two_stages_is_pooling_of_slopes(method: str, tau2: str, test: str) -> None:
    """The univariate models, heterogeneity, likelihood and tests included."""
    fit = dose_response(made_up(6, 4), method=method, stages=2, test=test)
    pooled = tp.pool(fit.slopes[:, 0], fit.slope_covariances[:, 0, 0], tau2=tau2, test=test)
    assert fit.beta[0] == pytest.approx(pooled.beta, rel=1e-8)
    assert fit.psi[0, 0] == pytest.approx(pooled.tau2, rel=1e-7)
    assert (fit.ci_lb[0], fit.ci_ub[0]) == pytest.approx((pooled.ci_lb, pooled.ci_ub), rel=1e-7)
    assert fit.pval[0] == pytest.approx(pooled.pval, rel=1e-7)
    assert (fit.q, fit.q_df) == pytest.approx((pooled.q, pooled.q_df))
    if method != "MM":
        assert fit.loglik == pytest.approx(pooled.loglik, rel=1e-10)


def test_moments_have_the_right_expectation() -> None:
    """Where all trials have one S, the estimator is the sample covariance less S."""
    rng = np.random.default_rng(5)
    s = np.array([[0.5, 0.1], [0.1, 0.3]])
    y = rng.normal(size=(8, 2))
    found = moment_matrix(y, np.array([s] * len(y)))
    assert found == pytest.approx(np.cov(y.T) - s, rel=1e-10)
    values = np.linalg.eigvalsh(nearest_covariance(np.array([[1.0, 2.0], [2.0, 1.0]])))
    assert values == pytest.approx([0.0, 3.0], abs=1e-12)


def test_units_of_dose_do_not_matter() -> None:
    """Milligrams or grams: the same curve, and the same test of its bend."""
    trials = made_up(5, 6)
    small = [
        DoseTrial(name=t.name, dose=1000 * t.dose, reference=0.0, yi=t.yi, V=t.V) for t in trials
    ]
    one, other = (dose_response(t, shape_name="quadratic") for t in (trials, small))
    assert other.predict(500).pred == pytest.approx(one.predict(0.5).pred, rel=1e-7)
    assert other.nonlinear.stat == pytest.approx(one.nonlinear.stat, rel=1e-6)
    assert one.loglik == pytest.approx(other.loglik, abs=1e-8)


def test_spline_is_smooth_and_straight_at_its_ends() -> None:
    """Second differences vanish beyond the outer knots and have no jump at a knot."""
    x = np.linspace(-1, 4, 5001)
    basis = restricted_cubic(x, [0.0, 1.0, 2.0, 3.0])
    bend = np.diff(basis, 2, axis=0) / (x[1] - x[0]) ** 2
    assert basis.shape == (5001, 3)
    assert np.abs(bend[(x[1:-1] < -0.01) | (x[1:-1] > 3.01)]).max() < 1e-4
    assert np.abs(np.diff(bend, axis=0)).max() < 0.01
    three = shape("spline", np.arange(11.0))
    assert three.knots == (1.0, 5.0, 9.0)
    assert three.terms == ("dose", "spline 1")


def test_the_curve_is_a_difference_from_its_reference() -> None:
    """Zero with no error there; a new trial's interval is the wider one."""
    fit = dose_response(made_up(6, 7), shape_name="spline", percentiles=(10, 50, 90))
    at = fit.predict([0.0, 0.25, 0.5], reference=0.25)
    assert (at.pred[1], at.se[1]) == (0.0, 0.0)
    assert at.pred[2] == pytest.approx(fit.predict(0.5).pred[0] - fit.predict(0.25).pred[0])
    assert (at.pi_lb <= at.ci_lb).all()
    assert (at.pi_ub >= at.ci_ub).all()
    assert np.isnan(dose_response(made_up(3, 1), method="EE").predict(0.5).pi_lb).all()


def test_trials_with_too_few_levels_drop_in_two_stages_only() -> None:
    """Told by name; in one stage they count."""
    trials = [*made_up(4, 8), *made_up(1, 9, levels=1)]
    trials[-1] = DoseTrial(name="Short", dose=trials[-1].dose, reference=0.0, yi=trials[-1].yi,
                           V=trials[-1].V)  # fmt: skip
    two = dose_response(trials, shape_name="quadratic", stages=2)
    assert two.dropped == {
        "Short": "1 dose level beside the reference, fewer than needed for 2 coefficients"
    }
    assert (two.k, dose_response(trials, shape_name="quadratic").k) == (4, 5)


def test_one_trial_is_its_own_curve() -> None:
    """No heterogeneity to estimate, and the caution says so."""
    fit = dose_response(made_up(1, 2))
    assert (fit.method, fit.k, fit.psi[0, 0]) == ("EE", 1, 0.0)
    assert fit.cautions == ("one trial: heterogeneity is not estimable, its own curve is shown",)


RATIOS = {"cases": [10, 12, 9, 8], "size": [50, 60, 50, 40]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sei": [0.1, 0.3, np.nan, 0.3]}, "trial A: no reference dose"),
        ({"sei": [np.nan, np.nan, np.nan, 0.3]}, "trial A: 2 reference doses"),
        ({"cases": [10, 0, 9, 8]}, "trial A, dose 1, cases = 0: must be > 0"),
        ({"size": [50, 60, -1, 40]}, "trial B, dose 0, size = -1: must be > 0"),
        ({"size": [50, 12, 50, 40]}, "trial A: size must exceed cases"),
        ({"dose": [0, 0, 0, 1]}, "trial A: all doses are equal"),
        ({"kind": "rct"}, "kind = 'rct': allowed are cc, ir, ci"),
        ({"covariance": "none"}, "covariance = 'none': allowed are GL, Hamling, independent"),
    ],
)
def test_impossible_ratios_are_named(changed: dict[str, Any], message: str) -> None:
    """Trial, level, value, rule."""
    sei = [np.nan, 0.4, np.nan, 0.5]
    given: dict[str, Any] = {"dose": [0, 1, 0, 1], "yi": [0, 0.2, 0, 0.4], "sei": sei, "kind": "ci"}
    given |= RATIOS | changed
    with pytest.raises(TrialpoolError, match=message):
        from_ratios(["A", "A", "B", "B"], **given)


def test_all_problems_come_at_once() -> None:
    """One error with a line per trial."""
    with pytest.raises(TrialpoolError) as error:
        from_means(["A", "B", "B"], [0, 1, 1], n=[9, 9, 9], mean=[1, 1, 1], sd=[1, 1, 1])
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["trial A", "trial B"]
    assert "one dose level only" in lines[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape_name": "cubic"}, "shape = 'cubic'"),
        ({"method": "MM"}, "method = 'MM': allowed are EE, ML, REML"),
        ({"shape_name": "spline", "knots": [1, 2]}, "at least 3 different knots"),
        ({"knots": [1, 2, 3]}, "only a spline has knots"),
        ({"shape_name": "quadratic", "stages": 2}, "too few dose levels for 2 coefficients"),
    ],
)
def test_impossible_models_are_named(options: dict[str, Any], message: str) -> None:
    """What cannot be fitted, and what to do instead."""
    trials = [
        DoseTrial(name=f"T{i}", dose=np.array([1.0]), reference=0.0, yi=np.array([0.1 * i]),
                  V=np.array([[0.1]]))
        for i in range(3)
    ]  # fmt: skip
    with pytest.raises(TrialpoolError, match=message):
        dose_response(trials, **options)


def test_impossible_trials_are_named() -> None:
    """V that is no covariance, values that are missing."""
    one: dict[str, Any] = {"name": "A", "dose": np.array([1.0, 2.0]), "reference": 0.0}
    with pytest.raises(TrialpoolError, match="V is not positive definite"):
        DoseTrial(**one, yi=np.zeros(2), V=np.ones((2, 2)))
    with pytest.raises(TrialpoolError, match="not a finite number"):
        DoseTrial(**one, yi=np.array([0.0, np.nan]), V=np.eye(2))
