"""Selection models: their likelihood, its derivatives, and what is estimated from it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import bcg
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

import trialpool as tp
from trialpool.diagnostics.selection import ALTERNATIVES, SelectionModel, selection_model
from trialpool.diagnostics.selection import _doubt as doubt_of
from trialpool.diagnostics.selection import _Estimate as Estimate
from trialpool.diagnostics.selection_likelihood import Log, log_likelihood
from trialpool.diagnostics.selection_search import KINDS, SelectionProblem, maximise, set_up
from trialpool.diagnostics.selection_search import _climb as climb
from trialpool.diagnostics.selection_search import _moved as moved
from trialpool.results import TrialpoolError
from trialpool.review.protocol.settings import Model
from trialpool.review.trust.facts import of_small_studies
from trialpool.review.trust.small_studies import small_studies
from trialpool.trust_facts import ShownEstimate

Array = NDArray[np.float64]

STEPS = (0.025, 0.5)
DELTA = {
    "step": [0.4, 0.15],
    "beta": [0.6, 0.7],
    "halfnorm": [2.0],
    "negexp": [3.0],
    "logistic": [4.0],
    "power": [1.7],
}
# No selection: all weights equal.
NEUTRAL = {"step": [1.0, 1.0], "beta": [1.0, 1.0]}


def simulated(k: int, seed: int = 1) -> tuple[Array, Array]:
    """Effects of mean 0.2, tau 0.3 with p values on both sides of every cut point."""
    rng = np.random.default_rng(seed)
    vi = rng.uniform(0.02, 0.3, k)
    return 0.2 + rng.normal(size=k) * np.sqrt(0.09 + vi), vi


def problem(kind: str, alternative: str, k: int = 12) -> SelectionProblem:
    """The fit's own problem, with its studies in units of the typical standard error."""
    y, v = simulated(k)
    return set_up(y, v, kind, np.array(STEPS), alternative, random=True)[0]


def likelihood(p: SelectionProblem, theta: Array) -> Log:
    return log_likelihood(p.y, p.v, p.weight, theta)


def weight(kind: str, p: float, delta: list[float]) -> float:
    """The definitions, as printed in the papers."""
    if kind == "step":
        return [1.0, *delta][int(np.searchsorted(STEPS, p))]
    if kind in ("beta", "power"):
        p = min(max(p, 1e-5), 1 - 1e-5)
    d = delta[0]
    found = {
        "beta": p ** (d - 1) * (1 - p) ** (delta[-1] - 1),
        "halfnorm": math.exp(-d * p**2),
        "negexp": math.exp(-d * p),
        "logistic": 2 * math.exp(-d * p) / (1 + math.exp(-d * p)),
        "power": (1 - p) ** d,
    }
    return float(found[kind])


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_likelihood_is_the_weighted_density_over_its_integral(
    kind: str, alternative: str
) -> None:
    """Against adaptive quadrature of the definition, study by study."""
    p, delta = problem(kind, alternative, k=5), DELTA[kind]
    mean, tau2, expected = 0.7, 0.8, 0.0
    for y, v in zip(p.y, p.v, strict=True):
        sd, se = math.sqrt(v + tau2), math.sqrt(v)

        def product(x: float, sd: float = sd, se: float = se) -> float:
            # Effects are turned so that large ones are favoured, whatever the alternative.
            z = x / se
            pval = 2 * norm.sf(abs(z)) if alternative == "two.sided" else norm.sf(z)
            return float(norm.pdf(x, mean, sd)) * weight(kind, float(pval), delta)

        sides = 2 if alternative == "two.sided" else 1
        kinks = se * norm.isf(np.array([*STEPS, 1e-5, 1 - 1e-5]) / sides)
        edges = np.unique([mean - 10 * sd, *kinks, *(-kinks), 0.0, mean + 10 * sd])
        whole = sum(quad(product, a, b, epsabs=1e-13, epsrel=1e-12)[0] for a, b in pairwise(edges))
        expected += math.log(product(float(y)) / whole)
    found = likelihood(p, np.array([mean, tau2, *delta]))
    assert float(found.value) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_are_those_of_the_likelihood(kind: str, alternative: str) -> None:
    """Score and Hessian against central differences of the value and of the score."""
    p = problem(kind, alternative)
    theta = np.array([0.7, 0.8, *DELTA[kind]])
    here, h = likelihood(p, theta), 1e-5
    for j, step in enumerate(np.eye(len(theta)) * h):
        up, down = likelihood(p, theta + step), likelihood(p, theta - step)
        slope = (up.value - down.value) / (2 * h)
        assert float(here.gradient[j]) == pytest.approx(float(slope), rel=1e-7, abs=1e-7)
        bend = (up.gradient - down.gradient) / (2 * h)
        assert here.hessian[j] == pytest.approx(bend, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("kind", KINDS)
def test_without_selection_it_is_the_random_effects_model(kind: str, alternative: str) -> None:
    """Equal weights cancel."""
    p = problem(kind, alternative, k=40)
    fit = tp.pool(p.y, p.v, tau2="ML", test="z")
    delta = NEUTRAL.get(kind, [0.0])
    assert fit.tau2 > 0
    found = likelihood(p, np.array([fit.beta, fit.tau2, *delta]))
    assert float(found.value) == pytest.approx(fit.loglik, rel=1e-12)
    assert found.gradient[:2] == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_score_is_zero_at_the_estimate(kind: str) -> None:
    """And the standard errors are those of the information there."""
    y, v = simulated(60)
    m = selection_model(y, v, kind=kind, steps=STEPS)
    p = set_up(y, v, kind, np.array(STEPS), "greater", random=True)[0]
    unit, free = p.unit, (slice(1, None) if kind == "step" else slice(None))
    theta = np.array([m.beta / unit, m.tau2 / unit**2, *m.delta[free]])
    at = likelihood(p, theta)
    inside = np.append([True, m.tau2 > 0], m.delta[free] > p.least)
    assert inside[:2].all()
    assert at.gradient[inside] == pytest.approx(np.zeros(inside.sum()), abs=1e-10)
    covariance = np.linalg.inv(-at.hessian[np.ix_(inside, inside)])
    assert m.se == pytest.approx(unit * math.sqrt(covariance[0, 0]), rel=1e-6)
    assert m.se_tau2 == pytest.approx(unit**2 * math.sqrt(covariance[1, 1]), rel=1e-6)


def test_bcg_in_numbers_of_metafor() -> None:
    """By metafor 5.1-12, selmodel(type = "stepfun", alternative = "less", steps = .025), nlminb."""
    m = selection_model(bcg.Y, bcg.V, alternative="less")
    assert m.beta == pytest.approx(-0.6205626988475186, rel=1e-5)
    assert m.se == pytest.approx(0.26132272556720765, rel=1e-5)
    assert m.tau2 == pytest.approx(0.29123933149032843, rel=1e-5)
    assert m.delta == pytest.approx([1, 0.6355345561258303], rel=1e-5)
    assert m.loglik == pytest.approx(-12.5438266065239, rel=1e-10)
    assert m.selection.stat == pytest.approx(0.24249948350581718, rel=1e-7)
    assert (m.selection.df, m.counts, list(m.reasons)) == (1, (8, 5), ["se_delta[0]"])


@pytest.mark.parametrize("kind", ["step", "negexp"])
def test_simulated_selection_is_recovered(kind: str) -> None:
    """Of 3000 studies those not significant are lost by the model's own rule."""
    y, v = simulated(3000, seed=7)
    p = norm.sf(y / np.sqrt(v))
    true = 0.25 if kind == "step" else 2.0
    chance = np.where(p > 0.025, true, 1.0) if kind == "step" else np.exp(-true * p)
    seen = np.random.default_rng(8).uniform(size=len(y)) < chance
    m = selection_model(y[seen], v[seen], kind=kind)
    naive = tp.pool(y[seen], v[seen], tau2="ML", test="z")
    assert naive.beta > 0.25
    assert abs(m.beta - 0.2) < 3 * m.se < 0.2
    assert abs(m.tau2 - 0.09) < 3 * m.se_tau2
    assert abs(m.delta[-1] - true) < 3 * m.se_delta[-1]
    assert m.selection.pval < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_less_is_greater_of_the_mirrored_effects_in_any_unit(kind: str) -> None:
    """The unit of the effects changes nothing but the unit of the answer."""
    y, v = simulated(40)
    a = selection_model(y, v, kind=kind)
    b = selection_model(-1000 * y, 1e6 * v, kind=kind, alternative="less")
    assert b.beta == pytest.approx(-1000 * a.beta, rel=1e-8)
    assert b.se == pytest.approx(1000 * a.se, rel=1e-8)
    assert (b.tau2, b.se_tau2) == pytest.approx((1e6 * a.tau2, 1e6 * a.se_tau2), rel=1e-8)
    assert b.delta == pytest.approx(a.delta, rel=1e-8)
    assert b.ci_lb == pytest.approx(-1000 * a.ci_ub, rel=1e-8)
    assert b.loglik == pytest.approx(a.loglik - 40 * math.log(1000), rel=1e-10)
    assert b.selection.stat == pytest.approx(a.selection.stat, rel=1e-6, abs=1e-8)


def test_a_common_effect_has_no_tau2() -> None:
    """Nor a standard error of it; the test of selection is against the common-effect model."""
    y, v = simulated(30)
    m = selection_model(y, v, tau2="EE")
    assert m.tau2 == 0
    assert math.isnan(m.se_tau2)
    assert m.reasons["se_tau2"] == "common-effect model"
    base = tp.pool(y, v, tau2="EE", test="z").loglik
    assert m.selection.stat == pytest.approx(2 * (m.loglik - base), rel=1e-9)


def blank(m: SelectionModel) -> bool:
    numbers = [m.beta, m.se, m.pval, m.ci_lb, m.tau2, m.se_tau2, m.loglik, m.selection.stat]
    return bool(np.isnan([*numbers, *m.delta, *m.se_delta]).all()) and not m.converged


def test_fewer_studies_than_parameters_are_a_reason() -> None:
    """Two studies on both sides of a cut point do not determine mean, tau2 and weight."""
    m = selection_model([0.9, 0.1], [0.01, 0.02])
    assert blank(m)
    assert m.reasons["beta"] == "k = 2: fewer studies than the 3 parameters"
    assert m.selection.reason == m.reasons["beta"]
    assert "k = 2: a selection model of fewer than 10 studies is a guess" in m.cautions


def test_a_likelihood_that_rises_without_end_is_a_reason() -> None:
    """All studies between the cut points: a mean ever further off fits ever better.

    Hine et al. 1989, Arch Intern Med 149:2694: lidocaine after infarction, deaths.
    """
    deaths = {"ai": [2, 4, 6, 7, 7, 11], "ci": [1, 4, 4, 5, 3, 4]}
    totals = {"n1i": [39, 44, 107, 103, 110, 154], "n2i": [43, 44, 110, 100, 106, 146]}
    effects = tp.effect_size("RD", **deaths, **totals)
    m = selection_model(effects.yi, effects.vi, steps=STEPS)
    assert m.counts == (0, 6, 0)
    assert blank(m)
    assert m.reasons["beta"] == "no maximum was found: the likelihood rises without end"


def test_an_interval_without_a_study_is_a_caution() -> None:
    """Its weight is 0, which is where the likelihood is highest, and has no standard error."""
    y, v = simulated(40)
    keep = norm.sf(y / np.sqrt(v)) <= 0.5
    m = selection_model(y[keep], v[keep], steps=STEPS)
    assert m.counts[2] == 0
    assert m.delta[2] == 0
    assert math.isnan(m.se_delta[2])
    assert m.reasons["se_delta[2]"] == "no study has its p value in this interval"
    assert any(text.startswith("no study has p between 0.5 and 1") for text in m.cautions)


def test_a_weight_nobody_can_know_is_blank() -> None:
    """Where all effects are far beyond the cut point, nothing is expected on its other side."""
    y, v = simulated(20)
    m = selection_model(y + 50, v)
    naive = tp.pool(y + 50, v, tau2="ML", test="z")
    assert math.isnan(m.delta[1])
    assert m.reasons["delta[1]"] == "no study has its p value here, nor is any expected"
    assert (m.beta, m.tau2) == pytest.approx((naive.beta, naive.tau2), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "probit"}, "kind = 'probit': allowed are step"),
        ({"alternative": "both"}, "alternative = 'both': allowed are greater"),
        ({"tau2": "REML"}, "tau2 = 'REML': allowed are EE, ML"),
        ({"level": 95}, "level = 95: must lie between 0 and 1"),
        ({"steps": (0.5, 0.025)}, r"steps = \(0.5, 0.025\): must increase"),
        ({"steps": (0.0, 0.5)}, "must increase and lie between 0 and 1"),
        ({"steps": ()}, "must increase and lie between 0 and 1"),
        ({"steps": ("five",)}, "steps must hold numbers only"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    """By name, with what is allowed."""
    with pytest.raises(TrialpoolError, match=message):
        selection_model(*simulated(12), **options)


# --- the highest maximum, and what is no estimate ----------------------------------------------


def test_the_beta_model_s_other_maximum_is_found() -> None:
    """Against random starts: a second maximum beside the effects seen can be the higher one."""
    rng = np.random.default_rng(2)
    for _ in range(6):
        k = int(rng.integers(6, 40))
        v = np.exp(rng.uniform(np.log(0.005), np.log(0.5), k))
        y = rng.choice([0, 0.2, 0.6]) + rng.normal(size=k) * np.sqrt(rng.choice([0, 0.16, 1]) + v)
        y = np.where(rng.random(k) < 0.4, np.abs(y), y)
        p = set_up(y, v, "beta", np.array([0.025]), "greater", random=True)[0]
        with np.errstate(all="ignore"):
            top = maximise(p)
            starts = [
                np.array([rng.normal() * 1.5 * p.y.std() + p.y.mean(), np.exp(rng.uniform(-4, 4)),
                          *np.exp(rng.uniform(-5, 3, 2))])
                for _ in range(12)
            ]  # fmt: skip
            best = max(climb(p, moved(p, start)).value for start in starts)
        assert top.value >= best - 1e-6


def judged(
    mean: float,
    tau2: float,
    delta: list[float],
    se: float,
    counts: tuple[int, ...],
    p: SelectionProblem | None = None,
) -> str:
    """What is said of a maximum of the problem of 12 studies, in its units."""
    p = p or problem("step" if counts else "beta", "greater")
    theta = np.array([mean, tau2, *delta])
    made = Estimate(theta, np.full(len(theta), se), np.array(delta), np.array(delta), 0.0, {})
    return doubt_of(p, made, counts)


def test_what_is_no_estimate_is_named_just_beyond_each_limit() -> None:
    p = problem("beta", "greater")
    low, high = float((p.y - 2 * np.sqrt(p.v)).min()), float((p.y + 2 * np.sqrt(p.v)).max())
    span, fair = high - low, [0.5, 0.7]
    assert judged(0.5, 0.5, fair, 0.4, ()) == ""
    for end in (low - span / 2, high + span / 2):
        inside = end + (1e-6 if end < 0 else -1e-6)
        assert judged(inside, 0.5, fair, 0.4, ()) == ""
        assert "runs away" in judged(2 * end - inside, 0.5, fair, 0.4, ())
    assert judged(0.5, (span - 1e-6) ** 2, fair, 0.4, ()) == ""
    assert "runs away" in judged(0.5, (span + 1e-6) ** 2, fair, 0.4, ())
    assert judged(0.5, 0.5, fair, span - 1e-6, ()) == ""
    assert "flat" in judged(0.5, 0.5, fair, span + 1e-6, ())
    assert "flat" in judged(0.5, 0.5, fair, math.nan, ())
    assert judged(0.5, 0.5, [0.5, 99.0], 0.4, ()) == ""
    assert "end of its range" in judged(0.5, 0.5, [0.5, 100.0], 0.4, ())
    assert "end of its range" in judged(0.5, 0.5, [1e-5, 0.7], 0.4, ())
    assert judged(0.5, 0.5, fair, 0.4, (4, 4, 4)) == ""
    assert "at its bound" in judged(0.5, 0.5, fair, 0.4, (4, 0, 8))


@pytest.mark.parametrize(("wider", "hides"), [(2.99, True), (3.01, False), (1e3, False)])
def test_one_imprecise_study_does_not_hide_a_mean_that_runs_away(wider: float, hides: bool) -> None:
    """Up to three times the median standard error its interval counts."""
    p = problem("beta", "greater", 12)
    v = np.full(13, 1.0)
    v[-1] = wider**2
    p = p._replace(y=np.append(p.y, 40.0), v=v)
    assert ("runs away" not in judged(45.0, 0.5, [0.5, 0.7], 0.4, (), p)) == hides


def test_a_model_that_is_no_estimate_says_so_in_its_cautions() -> None:
    """All are significant: the weight of the others is at 0, and the mean is a guess."""
    v = np.full(12, 0.04)
    y = 0.45 + 0.02 * np.arange(12)
    fit = selection_model(y, v)
    assert fit.doubt.startswith("no estimate: the weight of an interval of p without a study")
    assert fit.doubt in fit.cautions
    sound = selection_model(*simulated(40))
    assert sound.doubt == ""
    assert not any("no estimate" in caution for caution in sound.cautions)


def test_it_enters_neither_the_table_of_small_studies_nor_the_verdict() -> None:
    v = 0.03 + 0.001 * np.arange(12)
    studies = pd.DataFrame({"yi": 0.45 + 0.02 * np.arange(12), "vi": v})
    table = small_studies(studies, "SMD", Model(), better="higher").set_index("method")
    blank = table["estimate"].isna()
    name = "Selection model, one step at p = 0.025"
    assert blank[name]
    assert "no estimate" in table["note"][name]
    assert not blank["PET-PEESE"]
    shown = ShownEstimate(estimate=0.5, ci_low=0.4, ci_high=0.6)
    facts = of_small_studies(table.reset_index(), shown, "SMD")
    assert facts is not None
    # Both of trim-and-fill, PET-PEESE, the limit meta-analysis and Henmi-Copas: no selection model.
    assert facts.estimates == 5
    assert not any("Selection model" in method for method in facts.turns)
