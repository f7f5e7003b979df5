"""Counts by hand and from papers: tests on tables, rates, and the GLMMs; errors and NaN reasons."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri, stdtrit

import trialpool as tp
from trialpool.pooling.counts import families, marginal, newton
from trialpool.pooling.counts.families import Binomial, Poisson, hypergeometric
from trialpool.results import PooledCounts, TrialpoolError

# Breslow & Day 1980, Statistical methods in cancer research 1, ch. 4: cancer of the oesophagus
# in Ille-et-Vilaine, exposed to 80 g alcohol a day or not, in six strata of age.
ALCOHOL: dict[str, Any] = {
    "ai": [1, 4, 25, 42, 19, 5],
    "n1i": [1, 9, 46, 76, 55, 13],
    "ci": [9, 26, 29, 27, 18, 0],
    "n2i": [115, 190, 167, 166, 106, 31],
}
# Niel-Weise et al. 2007, Intensive Care Med 33:2058, fig. 2: bloodstream infections with and
# without anti-infective catheters; the example of Stijnen, Hamza & Ozdemir 2010.
CATHETERS: dict[str, Any] = {
    "ai": [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0, 3, 6, 0, 0, 1, 4],
    "n1i": [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70, 188, 187, 118, 252, 345, 64],
    "ci": [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1, 5, 11, 0, 1, 3, 1],
    "n2i": [117, 35, 195, 136, 157, 139, 177, 39, 103, 122, 64, 58, 175, 180, 105, 262, 362, 69],
}
# Niel-Weise et al. 2008, J Hosp Infect 69:114: infections and catheter days.
DAYS: dict[str, Any] = {
    "x1i": [7, 8, 3, 6, 1, 1, 17, 3, 2],
    "t1i": [1344, 1600, 12012, 1536, 370, 729, 6760, 1107, 320],
    "x2i": [11, 8, 14, 10, 1, 8, 15, 7, 3],
    "t2i": [1988, 1461, 10962, 1503, 483, 913, 6840, 1015, 440],
}
MODELS = ["UM.FS", "UM.RS", "CM.EL", "CM.AL"]


def _glmm(data: dict[str, Any] = CATHETERS, **options: Any) -> PooledCounts:
    return tp.pool_counts(**data, method="GLMM", **options)


def _swapped(data: dict[str, Any]) -> dict[str, Any]:
    names = list(data)
    return dict(zip(names, (data[n] for n in names[2:] + names[:2]), strict=True))


def _nan_names(fit: PooledCounts) -> set[str]:
    numbers = {n: x for n, x in fit.as_dict().items() if isinstance(x, float)}
    assert not any(math.isinf(x) for x in numbers.values())
    return {n for n, x in numbers.items() if math.isnan(x)}


# --- tests on tables and rates ---------------------------------------------------------------


def test_breslow_and_day_as_published() -> None:
    """Breslow & Day 1980, ch. 4: common OR 5.16, chi-squared 83.2, heterogeneity 9.3 on 5 df."""
    fit = tp.pool_counts(**ALCOHOL)
    assert round(math.exp(fit.beta), 3) == 5.158
    assert round(fit.tests["cmh"].stat, 1) == 83.2
    assert round(fit.tests["breslow_day"].stat, 1) == 9.3
    assert fit.tests["breslow_day"].df == 5


def test_one_table_by_hand() -> None:
    """4 of 10 against 2 of 10: E = 3, V = 6*14*100/(400*19), or 400*20 for Cochran."""
    tests = tp.pool_counts([4], [10], [2], [10]).tests
    v, v_cochran = 8400 / 7600, 8400 / 8000
    assert tests["cmh_uncorrected"].stat == pytest.approx(1 / v)
    assert tests["cmh"].stat == pytest.approx(0.25 / v)
    assert tests["cochran"].stat == pytest.approx(0.25 / v_cochran)
    assert tests["cochran_uncorrected"].stat == pytest.approx(1 / v_cochran)
    # Peto's z squared is the uncorrected test.
    assert tp.pool_counts([4], [10], [2], [10], method="Peto").zval ** 2 == pytest.approx(1 / v)
    # One table is its own odds ratio: nothing left to differ.
    assert tests["tarone"].stat == pytest.approx(0, abs=1e-20)
    assert tests["tarone"].df == 0


def test_continuity_correction_stops_at_zero() -> None:
    """Observed 3 against expected 2.75: the correction of 1/2 may not turn into evidence."""
    tests = tp.pool_counts([3], [11], [2], [9]).tests
    assert tests["cmh"].stat == 0
    assert tests["cmh"].pval == 1
    assert tests["cmh_uncorrected"].stat > 0


def test_equal_odds_ratios_are_homogeneous() -> None:
    """Tables with the same odds ratio, 6, and different risks: every statistic is 0."""
    fit = tp.pool_counts([6, 12], [12, 15], [2, 4], [14, 10])
    assert math.exp(fit.beta) == pytest.approx(6)
    assert fit.tests["breslow_day"].stat == pytest.approx(0, abs=1e-20)
    assert fit.tests["tarone"].pval == pytest.approx(1)


def test_rates_by_hand() -> None:
    """Two studies: sums of x1 t2/T against x2 t1/T, and the variances written out."""
    ratio = tp.pool_rates([4, 1], [10, 20], [2, 3], [10, 30])
    r, s = 4 * 10 / 20 + 1 * 30 / 50, 2 * 10 / 20 + 3 * 20 / 50
    spread = 100 * 6 / 400 + 600 * 4 / 2500
    assert ratio.beta == pytest.approx(math.log(r / s))
    assert ratio.se**2 == pytest.approx(spread / (r * s))
    excess = (4 - 6 / 2) + (1 - 4 * 2 / 5)
    assert ratio.tests["mh_uncorrected"].stat == pytest.approx(excess**2 / spread)
    assert ratio.tests["mh"].stat == 0  # 0.4 events are less than the correction
    diff = tp.pool_rates([4, 1], [10, 20], [2, 3], [10, 30], measure="IRD")
    w = 100 / 20 + 600 / 50
    assert diff.beta == pytest.approx(((40 - 20) / 20 + (30 - 60) / 50) / w)
    assert diff.se**2 == pytest.approx((600 / 400 + (900 + 1200) / 2500) / w**2)
    assert ratio.measure == "IRR"
    assert diff.tests == {}


def test_studies_without_events_say_nothing_on_a_rate_ratio() -> None:
    """They are not counted in k and have no weight; for the difference they count."""
    more: dict[str, Any] = {
        n: [*x, y] for (n, x), y in zip(DAYS.items(), (0, 500, 0, 400), strict=True)
    }
    fit, base = tp.pool_rates(**more), tp.pool_rates(**DAYS)
    assert (fit.k, fit.q_df, fit.weights[-1]) == (9, 8, 0)
    assert (fit.beta, fit.se, fit.q) == pytest.approx((base.beta, base.se, base.q))
    assert tp.pool_rates(**more, measure="IRD").k == 10
    assert tp.pool_rates(**more, method="GLMM").loglik == pytest.approx(
        tp.pool_rates(**DAYS, method="GLMM").loglik
    )


def test_no_common_ratio_leaves_no_test() -> None:
    """The tests that need an odds ratio say why they have none; the others work."""
    tests = tp.pool_counts([0, 0], [10, 10], [3, 2], [10, 10]).tests
    assert math.isnan(tests["tarone"].stat)
    assert tests["tarone"].reason == "there is no common odds ratio"
    assert tests["cmh"].stat > 0
    nothing = tp.pool_counts([0], [10], [0], [10]).tests["cmh"]
    assert nothing.reason == "no study has events and non-events on which the arms could differ"
    rates = tp.pool_rates([0], [9], [4], [8])
    assert rates.reasons["beta"] == "no events in arm 1 of any study"
    assert tp.pool_rates([0], [9], [0], [8]).reasons["q"] == "no events in either arm of any study"


# --- GLMM: by hand ---------------------------------------------------------------------------


def test_conditional_model_as_published() -> None:
    """Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046: log odds ratio -1.353, SE 0.351."""
    fit = _glmm(model="CM.EL")
    assert (round(fit.beta, 3), round(fit.se, 3)) == (-1.353, 0.351)
    assert fit.k == 17  # one study without an infection
    assert fit.converged


def test_matched_pairs_by_hand() -> None:
    """Pairs of one person per arm: McNemar's odds ratio, discordant 8 to 3, SE^2 1/8 + 1/3."""
    pairs = {"ai": [1] * 8 + [0] * 3 + [1] * 5, "n1i": [1] * 16}
    pairs |= {"ci": [0] * 8 + [1] * 3 + [1] * 5, "n2i": [1] * 16}
    fit = _glmm(pairs, model="CM.EL", tau2="EE")
    assert fit.k == 11
    assert fit.beta == pytest.approx(math.log(8 / 3))
    assert fit.se**2 == pytest.approx(1 / 8 + 1 / 3)
    # A free level for every pair doubles it (Breslow & Day 1980, sec. 7.1).
    assert _glmm(pairs, model="UM.FS", tau2="EE").beta == pytest.approx(2 * math.log(8 / 3))


def test_one_arm_by_hand() -> None:
    """Without heterogeneity: the pooled proportion or rate, and their binomial or Poisson SE."""
    x, n = [3, 5, 2], [20, 30, 10]
    odds = tp.pool_one_arm(x, ni=n, tau2="EE")
    assert odds.beta == pytest.approx(math.log(10 / 50))
    assert odds.se**2 == pytest.approx(1 / 10 + 1 / 50)
    rate = tp.pool_one_arm(x, ti=n, tau2="EE")
    assert rate.beta == pytest.approx(math.log(10 / 60))
    assert rate.se**2 == pytest.approx(1 / 10)
    assert (odds.measure, rate.measure) == ("PLO", "IRLN")
    assert odds.tests["lrt"].df == 2


def test_rates_of_equal_time_by_hand() -> None:
    """CM.EL with equal person-time is a binomial share: log of 9/6, SE^2 1/9 + 1/6; so is UM.FS."""
    for model in ("CM.EL", "UM.FS"):
        fit = tp.pool_rates([4, 5], [7, 20], [2, 4], [7, 20], method="GLMM", model=model, tau2="EE")
        assert fit.beta == pytest.approx(math.log(9 / 6))
        assert fit.se**2 == pytest.approx(1 / 9 + 1 / 6)


def test_information_criteria_by_hand() -> None:
    """UM.FS has k levels, an effect and tau2; its observations are the 2k arms."""
    fit = _glmm()
    free, rows = 17 + 2, 34
    assert fit.aic == pytest.approx(-2 * fit.loglik + 2 * free)
    assert fit.bic == pytest.approx(-2 * fit.loglik + free * math.log(rows))
    assert fit.aicc == pytest.approx(fit.aic + 2 * free * (free + 1) / (rows - free - 1))
    conditional = _glmm(model="CM.EL")
    assert conditional.bic == pytest.approx(-2 * conditional.loglik + 2 * math.log(17))
    small = {n: x[:3] for n, x in CATHETERS.items()}
    assert _glmm(small).reasons["aicc"] == "too few observations for so many parameters"


def test_intervals_by_hand() -> None:
    """Z or t with k - 1 df; the prediction interval always t with k - 1 df."""
    z, t = _glmm(level=0.9), _glmm(level=0.9, test="t")
    assert z.ci_ub - z.beta == pytest.approx(float(ndtri(0.95)) * z.se)
    assert t.ci_ub - t.beta == pytest.approx(float(stdtrit(16, 0.95)) * t.se)
    assert (t.se, t.ddf, t.zval) == (z.se, 16, z.zval)
    assert t.pval > z.pval
    half = float(stdtrit(16, 0.95)) * math.sqrt(z.tau2 + z.se**2)
    assert (z.pi_lb, z.pi_ub) == pytest.approx((z.beta - half, z.beta + half))
    assert z.pi_method == "k-1"
    assert z.i2 == pytest.approx(100 * (1 - 1 / z.h2))


# --- GLMM: exactness -------------------------------------------------------------------------

# glmer of lme4 1.1-31, bobyqa to 1e-12: model, points, estimate, SE, tau2.
LME4 = [
    ("UM.FS", 1, -1.237196417, 0.282055419, 0.331182322),
    ("UM.FS", 7, -1.236493390, 0.280337407, 0.319512775),
    ("UM.RS", 1, -1.281227990, 0.329654867, 0.725845753),
    ("CM.AL", 1, -1.300187590, 0.334192336, 0.559760730),
    ("CM.AL", 7, -1.302648526, 0.338639960, 0.600683818),
    ("CM.AL", 25, -1.302643251, 0.338633597, 0.600669879),
]


@pytest.mark.parametrize(("model", "points", "beta", "se", "tau2"), LME4)
def test_as_many_points_as_lme4(
    model: str, points: int, beta: float, se: float, tau2: float
) -> None:
    """With lme4's number of quadrature points the same maximum, as far as its optimiser goes."""
    fit = _glmm(model=model, quadrature_points=points)
    assert fit.beta == pytest.approx(beta, abs=3e-7)
    assert fit.se == pytest.approx(se, rel=1e-5)
    assert fit.tau2 == pytest.approx(tau2, rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_two_rules_of_integration_agree(model: str) -> None:
    """Trapezoid refined until exact, and many Gauss-Hermite points: the same to 1e-9."""
    points = 21 if model == "UM.RS" else 40
    ours, other = _glmm(model=model), _glmm(model=model, quadrature_points=points)
    assert ours.loglik == pytest.approx(other.loglik, abs=1e-9)
    assert ours.beta == pytest.approx(other.beta, abs=1e-8)
    assert ours.se == pytest.approx(other.se, rel=1e-6)
    assert ours.tau2 == pytest.approx(other.tau2, abs=1e-7)


@pytest.mark.parametrize("tau2", ["ML", "EE"])
@pytest.mark.parametrize("model", MODELS)
def test_swapping_the_arms_turns_the_sign(model: str, tau2: str) -> None:
    """And nothing else, in the intervals, the heterogeneity and the likelihood."""
    one, two = _glmm(model=model, tau2=tau2), _glmm(_swapped(CATHETERS), model=model, tau2=tau2)
    assert two.beta == pytest.approx(-one.beta, rel=1e-8)
    assert (two.ci_lb, two.ci_ub) == pytest.approx((-one.ci_ub, -one.ci_lb), rel=1e-8)
    same = ("se", "tau2", "loglik", "i2") + (("sigma2",) if model == "UM.RS" else ())
    for name in same:
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-7), name
    for model in ("UM.FS", "UM.RS", "CM.EL"):
        rates = tp.pool_rates(**DAYS, method="GLMM", model=model)
        other = tp.pool_rates(**_swapped(DAYS), method="GLMM", model=model)
        assert other.beta == pytest.approx(-rates.beta, rel=1e-7)


def test_conditional_and_free_levels_agree_for_rates_without_heterogeneity() -> None:
    """Poisson counts given their sum are binomial: the levels profile out exactly."""
    one = tp.pool_rates(**DAYS, method="GLMM", model="UM.FS", tau2="EE")
    two = tp.pool_rates(**DAYS, method="GLMM", model="CM.EL", tau2="EE")
    assert (one.beta, one.se) == pytest.approx((two.beta, two.se), rel=1e-10)
    assert one.tests["lrt"].stat == pytest.approx(two.tests["lrt"].stat)


def test_study_order_and_studies_without_events_change_nothing() -> None:
    """A study without events adds nothing, but to UM.RS when asked to stay."""
    order = np.random.default_rng(1).permutation(18)
    mixed = {n: np.asarray(x)[order] for n, x in CATHETERS.items()}
    for model in ("UM.FS", "CM.EL"):
        one, two = _glmm(model=model), _glmm(mixed, model=model)
        assert two.beta == pytest.approx(one.beta, rel=1e-9)
        assert two.loglik == pytest.approx(one.loglik, rel=1e-11)
    kept = _glmm(model="UM.RS", drop00=False)
    dropped = _glmm(model="UM.RS")
    assert (kept.k, dropped.k) == (18, 17)
    assert kept.sigma2 > dropped.sigma2
    assert _glmm(model="UM.FS", drop00=False).k == 17


def test_tau2_of_zero_is_the_common_effect_model() -> None:
    """More alike than chance allows: same estimate and SE, and the reason at se_tau2."""
    alike = {"ai": [5, 10, 20], "n1i": [50, 100, 200], "ci": [10, 20, 40], "n2i": [50, 100, 200]}
    for model in MODELS:
        one, two = _glmm(alike, model=model), _glmm(alike, model=model, tau2="EE")
        assert one.tau2 == two.tau2 == 0
        assert (one.beta, one.se, one.loglik) == (two.beta, two.se, two.loglik)
        assert one.reasons["se_tau2"] == "tau2 is 0, the end of its range"
        assert two.reasons["se_tau2"] == "common-effect model"
        assert one.aic == pytest.approx(two.aic + 2)
    # Nor do the levels differ here, and a variance of 0 is 0, not 1e-29.
    assert _glmm(alike, model="UM.RS").sigma2 == 0


def test_huge_counts_keep_their_digits() -> None:
    """A million events: the likelihood is flat to 1e-10 there, and Newton still arrives."""
    fit = tp.pool_one_arm([148480, 973020, 310000], ti=[94566.0, 632491.0, 150000.0])
    assert fit.converged
    log_rates = np.log(np.array([148480, 973020, 310000]) / [94566.0, 632491.0, 150000.0])
    assert fit.beta == pytest.approx(log_rates.mean(), abs=1e-3)
    assert fit.tau2 == pytest.approx(log_rates.var(), rel=1e-3)


def test_many_supports_are_summed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums over the supports are the same when they are cut to save memory."""
    whole = _glmm(model="CM.EL")
    monkeypatch.setattr(families, "_PIECE", 200)
    assert _glmm(model="CM.EL").loglik == pytest.approx(whole.loglik, abs=1e-12)


def test_cumulants_near_a_point_are_differences() -> None:
    """Rises of b over small and large steps, against plain subtraction."""
    eta, delta = np.array([[-1.3], [0.4]]), np.array([[[-2.5, -0.3, 0.0, 1e-3, 0.9, 4.0]]] * 2)
    n = np.array([[12.0], [7.0]])
    both = np.array([8.0, 9.0]), np.array([6.0, 5.0]), np.array([5.0, 7.0])
    for family in (Binomial(n), Poisson(), hypergeometric(*both)):
        near = family.near(eta, delta)
        for j in range(delta.shape[2]):
            there, here = family(eta + delta[:, :, j]), family(eta)
            np.testing.assert_allclose(near.b[:, :, j], there.b - here.b, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(near.mean[:, :, j], there.mean, rtol=1e-12)
            np.testing.assert_allclose(near.var[:, :, j], there.var, rtol=1e-11)


# --- GLMM: what cannot be done ---------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("ai", "ci", "reason"),
    [
        ([0, 0, 0], [0, 0, 0], "no events in either arm of any study"),
        ([0, 0, 0], [3, 2, 4], "no events in arm 1 of any study"),
        ([3, 2, 4], [0, 0, 0], "no events in arm 2 of any study"),
        ([9, 9, 9], [5, 2, 4], "events in every participant of arm 1 in all studies"),
    ],
)
def test_infinite_effects_are_nan_with_the_reason(
    model: str, ai: list[int], ci: list[int], reason: str
) -> None:
    """Separation is seen beforehand, and every missing number says so."""
    fit = _glmm({"ai": ai, "n1i": [9] * 3, "ci": ci, "n2i": [9] * 3}, model=model)
    assert fit.reasons["beta"] == fit.reasons["loglik"] == reason
    assert fit.tests["lrt"].reason == reason
    assert _nan_names(fit) | {"weights"} == set(fit.reasons)
    assert fit.converged


def test_separation_by_both_ends_is_seen() -> None:
    """Arm 1 without events in one study, arm 2 with nothing else in the other: OR = 0."""
    data = {"ai": [0, 4], "n1i": [9, 9], "ci": [3, 9], "n2i": [9, 9]}
    for model in ("UM.FS", "CM.EL"):
        reason = _glmm(data, model=model).reasons["beta"]
        assert reason == "every study has no events in arm 1, or events in everyone in arm 2"
    assert math.isfinite(_glmm(data, model="UM.RS").beta)
    assert "arm 2, or events in everyone in arm 1" in _glmm(_swapped(data)).reasons["beta"]


def test_infinite_tau2_is_not_called_converged() -> None:
    """Every study's effect is infinite, some up and some down: tau2 has no finite maximum."""
    data = {"ai": [0, 0, 1, 3], "n1i": [90, 80, 100, 90], "ci": [9, 8, 0, 0], "n2i": [9, 10, 9, 9]}
    fit = _glmm(data, model="CM.EL")
    assert not fit.converged
    assert fit.reasons["beta"].startswith("the likelihood rises without end")
    assert math.isnan(fit.beta)
    assert _nan_names(fit) | {"weights"} == set(fit.reasons)


def test_failure_to_converge_is_never_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """One iteration is not enough, nor are 21 nodes: NaN, converged False, and the reason."""
    with monkeypatch.context() as short:
        short.setattr(newton, "_ITERATIONS", 1)
        fit = _glmm()
    assert not fit.converged
    assert fit.reasons["beta"] == "not converged after 1 iterations"
    monkeypatch.setattr(marginal, "_MOST_NODES", {1: 21, 2: 21})
    fit = _glmm()
    assert not fit.converged
    assert fit.reasons["beta"] == "the integral over the random effects is not accurate"


def test_saddle_points_are_left() -> None:
    """Started at tau = 0, where the likelihood is level but not highest, Newton finds the top."""

    def two_peaks(phi: Any) -> marginal.Likelihoods:
        x = phi[:, 0]
        value = x**2 - x**4 / 2
        score, hessian = 2 * x - 2 * x**3, 2 - 6 * x**2
        return marginal.Likelihoods(value, score[:, None], hessian[:, None, None], exact=True)

    top = newton.maximise(two_peaks, np.zeros((1, 1)))
    assert abs(top.phi[0, 0]) == pytest.approx(1)
    assert top.value == pytest.approx(0.5)
    assert top.problem == ""


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("k", [1, 2])
def test_few_studies(model: str, k: int) -> None:
    """One study is shown and not pooled; two have no prediction interval. All NaN have reasons."""
    fit = _glmm({n: x[1 : k + 1] for n, x in CATHETERS.items()}, model=model, test="t")
    assert fit.k == k
    assert math.isfinite(fit.se)
    assert fit.reasons["pi_lb"] == "k < 3"
    assert _nan_names(fit) | {"weights"} == set(fit.reasons)
    assert fit.cautions[0].startswith(f"k = {k}: ")
    assert (fit.reasons.get("tau2"), fit.reasons.get("ddf")) == (
        ("k < 2",) * 2 if k == 1 else (None,) * 2
    )


@pytest.mark.parametrize("model", MODELS)
def test_every_nan_has_its_reason(model: str) -> None:
    """And the result is plain values, ready for JSON."""
    fit = _glmm(model=model)
    assert _nan_names(fit) | {"weights"} == set(fit.reasons)
    assert math.isnan(fit.sigma2) == (model != "UM.RS")
    assert (fit.method, fit.model, fit.measure, fit.test) == ("GLMM", model, "OR", "z")
    plain = json.loads(json.dumps(fit.as_dict()))
    assert plain["tests"]["lrt"]["stat"] == fit.tests["lrt"].stat
    assert set(fit.tests) == {"lrt", "wald"}


def test_binomial_approximation_warns_where_events_are_common() -> None:
    """CM.AL takes odds for risks; with a third of people affected that is another question."""
    assert _glmm(ALCOHOL, model="CM.AL").cautions[0].startswith("CM.AL is meant for rare events")
    rare = {n: x[10:] for n, x in CATHETERS.items()}
    assert _glmm(rare, model="CM.AL").cautions == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "UM"}, "model = 'UM': a GLMM of OR knows UM.FS, UM.RS, CM.EL, CM.AL"),
        ({"tau2": "REML"}, "tau2 = 'REML': a GLMM of OR knows EE, ML"),
        ({"test": "hksj"}, "test = 'hksj': a GLMM of OR knows z, t"),
        ({"level": 95}, "level = 95: must lie between 0 and 1"),
        ({"quadrature_points": 0}, "quadrature_points = 0: must be a whole number from 1"),
        ({"quadrature_points": 2.5}, "quadrature_points = 2.5: must be a whole number"),
        ({"measure": "RR"}, "method 'GLMM' with measure 'RR': known are MH OR"),
        ({"method": "MH", "model": "UM.FS"}, "model = 'UM.FS': an option of method GLMM, not"),
        ({"method": "Peto", "tau2": "ML"}, "tau2 = 'ML': an option of method GLMM, not of Peto"),
        ({"method": "MH", "test": "t"}, "test = 't': MH has the z test only"),
        ({"model": "CM.EL", "ai": [0.5, *CATHETERS["ai"][1:]]}, "ai[0] = 0.5: CM.EL counts people"),
        ({"ai": ["a"] * 18}, "ai, n1i, ci, n2i must hold numbers only"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    """The error names the option or column, its value and the rule."""
    with pytest.raises(TrialpoolError) as caught:
        tp.pool_counts(**{**CATHETERS, "method": "GLMM", **options})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x1i": [-1] * 9}, "x1i[0] = -1: a count cannot be negative"),
        ({"t2i": [0] * 9}, "t2i[0] = 0: an arm needs person-time"),
        ({"t1i": [float("inf")] * 9}, "t1i[0] = inf: must be a finite number"),
        ({"x1i": [1]}, "x1i, t1i, x2i, t2i must be columns of one length"),
        ({n: [] for n in DAYS}, "x1i is empty (k = 0)"),
        ({"measure": "OR"}, "method 'MH' with measure 'OR': known are MH IRR, MH IRD, GLMM IRR"),
        ({"method": "GLMM", "model": "CM.AL"}, "model = 'CM.AL': a GLMM of IRR knows UM.FS, UM.RS"),
        ({"method": "GLMM", "measure": "IRD"}, "method 'GLMM' with measure 'IRD'"),
    ],
)
def test_bad_rates_are_named(change: dict[str, Any], message: str) -> None:
    """Column, index, value and rule in one line."""
    with pytest.raises(TrialpoolError) as caught:
        tp.pool_rates(**{**DAYS, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give participants in ni, or person-time in ti: one of the two"),
        ({"ni": [9, 9], "ti": [9, 9]}, "one of the two"),
        ({"ni": [9, 2]}, "xi[1] = 3: more events than participants in ni"),
        ({"ti": [9, 0]}, "ti[1] = 0: an arm needs person-time"),
        ({"ni": [9]}, "xi, ni must be columns of one length"),
        ({"ni": [9, 9], "tau2": "DL"}, "tau2 = 'DL': a GLMM of PLO knows EE, ML"),
    ],
)
def test_bad_single_arms_are_named(given: dict[str, Any], message: str) -> None:
    """Column, index, value and rule in one line."""
    with pytest.raises(TrialpoolError) as caught:
        tp.pool_one_arm([2, 3], **given)
    assert message in str(caught.value)


def test_single_arms_without_an_estimate() -> None:
    """No events, or nothing but events: the log odds are infinite, and the reason says so."""
    assert tp.pool_one_arm([0, 0], ni=[5, 9]).reasons["beta"] == "no events in any study"
    assert tp.pool_one_arm([0, 0], ti=[5, 9]).reasons["se"] == "no events in any study"
    full = tp.pool_one_arm([5, 9], ni=[5, 9])
    assert full.reasons["beta"] == "events in every participant of all studies"
    assert full.tests["lrt"].reason == "events in every participant of all studies"
