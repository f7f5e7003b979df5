"""What the intervals of an analysis are worth: their real coverage with its own trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from trialpool.diagnostics.coverage import REPLICATES, SEED, Coverage, Method, simulate
from trialpool.diagnostics.sampling import (
    Sampling,
    beyond_one,
    counts,
    known_variances,
    per_trial,
    raw_difference,
    standardised,
)
from trialpool.digits import rounded
from trialpool.effects import measure_of
from trialpool.pooling.model import pool
from trialpool.results import Array, Posterior
from trialpool.review.case import Case
from trialpool.review.fitting.fit import shown as display
from trialpool.review.fitting.fit import words
from trialpool.review.fitting.posterior import counted
from trialpool.review.protocol.settings import Alternative, FewTrials, Model, SmdOptions
from trialpool.review.schema.trust import COVERAGE

LEVEL = 0.95
DIGITS = 4  # of tau2 and widths: means of many numbers differ between processors in the last ones
COUNTS_WITHHELD = (
    "{by} is not simulated; the rows are of inverse-variance models of the same trials"
)
NORMAL_SHOWN = (
    "simulated with the normal likelihood of the log ratios; the shown interval is by the exact one"
)
COUNTS_ALONE = "{by} is not simulated, and the protocol names no other model"
# Without a posterior tau2 goes up to an I2 of 75 %, where heterogeneity is called considerable
# (Cochrane Handbook 6.4, section 10.10.2): three times the typical variance.
_CONSIDERABLE = 3.0
_SPLIT = "the trials' rows are drawn as independent, though some share a control"


NORMAL = "normal effects with known variances"
# What each trial must report to be drawn by its arms, in the order of the sampling model, with the
# least value that allows it.
_COUNTS = {"totaln_experimental": 1.0, "event_control": 0.0, "totaln_control": 1.0}
NEEDS: dict[str, dict[str, float]] = {
    "SMD": {"n_experimental": 2.0, "n_control": 2.0},
    "MD": {"n_experimental": 2.0, "sd_experimental": 1e-9, "n_control": 2.0, "sd_control": 1e-9},
    "OR": _COUNTS,
    "RR": _COUNTS,
}
_COUNTED = "binomial counts at each trial's control risk, effect and variance from each draw"
ARMS = {
    "SMD": "normal scores in two arms, SMD and variance computed from each draw",
    "MD": "normal scores in two arms, difference and variance computed from each draw",
    "OR": _COUNTED,
    "RR": _COUNTED,
}
MOST_BEYOND = 0.001  # share of risks a risk ratio may put above 1 before counts are not drawn


class Truth(NamedTuple):
    """A value of tau2 at which coverage is asked, and where it comes from."""

    tau2: float
    words: str


def coverage(
    case: Case,
    studies: pd.DataFrame,
    beliefs: Posterior | None,
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> pd.DataFrame:
    """Coverage of the intervals of the shown model and the alternatives, by simulation.

    Parameters
    ----------
    studies : the chosen effects (`studies.csv` or what it is made of)
    beliefs : the posterior of the same effects, which says how much heterogeneity is plausible
    replicates, seed : as for `simulate`

    Returns
    -------
    One row per tau2, method and interval. `width_mean` and `width_median` are of the analysis
    scale; for ratios they are taken of the logs and given as the ratio of the upper to the lower
    limit, which `width_is` says. `failed` sets of trials gave no interval and do not count in
    `coverage`. Below two trials one row, whose `note` says why it is empty. References in
    `simulate`
    """
    measure = case.measure
    k = int(studies["trial_id"].nunique())
    if k < 2:
        return _withheld(f"k = {k}: needs at least 2 trials")
    model = case.leading.of(k)
    exact = isinstance(model, FewTrials) and counted(studies, measure)
    methods = _methods(model, case.defaults.alternatives, exact=exact)
    if not methods:
        return _withheld(COUNTS_ALONE.format(by=model.counts))
    yi, vi = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    main = next(iter(methods.values())).method
    centre = pool(yi, vi, tau2=main.tau2, test="z").beta
    sampling_of = _samplings(studies, measure, vi, case.defaults.smd)
    shared = [_SPLIT] if studies["trial_id"].duplicated().any() else []
    if exact:
        shared.append(NORMAL_SHOWN)
    if model.counts and not isinstance(model, FewTrials):
        shared.append(COUNTS_WITHHELD.format(by=model.counts))
    rows: list[dict[str, Any]] = []
    for truth in plausible(yi, vi, main.tau2, beliefs):
        draw, drawn_words = sampling_of(centre, truth.tau2)
        simulated = simulate(
            draw,
            len(studies),
            centre,
            truth.tau2,
            [m.method for m in methods.values()],
            replicates=replicates,
            seed=seed,
            level=LEVEL,
            pi=model.prediction,
        )
        at = {"tau2": rounded(truth.tau2, DIGITS), "tau2_is": truth.words, "sampling": drawn_words}
        rows += [at | _row(one, methods[one.method], measure, shared) for one in simulated]
    return COVERAGE.frame(rows)


def plausible(yi: Array, vi: Array, estimator: str, beliefs: Posterior | None) -> list[Truth]:
    """The values of tau2 that coverage is asked at, rising: none, middling, high.

    None is 0. The middle is the estimate (REML where the model has none); where it is 0, which
    with few trials says little, the posterior median of tau. High is the upper end of the
    Q-profile interval; with few trials that can be absurd, so at most the upper end of the
    posterior interval of tau, or without a posterior an I2 of 75 %, where these lie above the
    middle.
    """
    code = "REML" if estimator == "EE" else estimator
    fitted = pool(yi, vi, tau2=code, test="z")
    out = [Truth(0.0, "no heterogeneity")]
    if fitted.tau2 > 0:
        out.append(Truth(fitted.tau2, f"estimate ({code})"))
    elif beliefs is not None:
        out.append(Truth(beliefs.tau**2, f"posterior median of tau ({_prior(beliefs)})"))
    least, high = (
        out[-1].tau2,
        Truth(fitted.tau2_ci_ub, "upper end of the 95 % interval (Q-profile)"),
    )
    if beliefs is not None:
        cap = Truth(beliefs.tau_ub**2, f"upper end of the 95 % posterior ({_prior(beliefs)})")
    else:
        w = 1 / vi
        typical = (len(vi) - 1) / (w.sum() - (w**2).sum() / w.sum())
        cap = Truth(_CONSIDERABLE * typical, "I2 of 75 %")
    if least < cap.tau2 < high.tau2:
        high = cap
    return [*out, high] if high.tau2 > least else out


def _prior(beliefs: Posterior) -> str:
    return beliefs.prior.partition(", ")[2]


class _Pooling(NamedTuple):
    method: Method
    words: str
    shown: bool


def _methods(
    model: Model, alternatives: Sequence[Alternative], *, exact: bool
) -> dict[Method, _Pooling]:
    """The models by their codes, the shown one first; one of counts has no place among them.

    An interval by the `exact` likelihood of counts is not what is simulated: none is the shown one.
    """
    shown = Method(**model.how)
    out: dict[Method, _Pooling] = {}
    if isinstance(model, FewTrials) or model.method == "IV":
        out[shown] = _Pooling(shown, words(model), shown=not exact)
    beside = [Alternative(tau2=model.tau2, test=model.test)] if model.method == "IV" else []
    for choice in (*beside, *alternatives):
        method = Method(choice.tau2, choice.test)
        if method not in out:
            plain = Model(tau2=choice.tau2, test=choice.test)
            out[method] = _Pooling(method, words(plain), shown=False)
    return out


def _samplings(
    studies: pd.DataFrame, measure: str, vi: Array, smd: SmdOptions
) -> Callable[[float, float], tuple[Sampling, str]]:
    """How the trials' results are drawn at a mean and a tau2, and that in words.

    Two independent arms with numbers are drawn as such; reported contrasts, crossover trials with
    pairs and trials without numbers by the normal model with their known variance.
    """
    base = known_variances(vi), NORMAL
    needs = NEEDS.get(measure, {})
    by_arms = (studies["basis"] == "arms").to_numpy(bool)
    by_arms = by_arms & ~studies["design"].str.contains("paired", na=False).to_numpy(bool)
    if "standardiser" in studies:  # an SD that is no sample of these arms
        by_arms = by_arms & studies["standardiser"].isna().to_numpy(bool)
    for name, least in needs.items():
        by_arms = by_arms & (studies[name].to_numpy(float) >= least)
    if not needs or not by_arms.any():
        return lambda mu, tau2: base
    part = [studies[name].to_numpy(float)[by_arms] for name in needs]
    words = ARMS[measure]
    if measure == "SMD":
        drawn = standardised(*part, variance=smd.variance, correction=smd.correction)
    elif measure == "MD":
        drawn = raw_difference(*part)
    else:
        n1, c, n2 = part
        # A control risk of 0 or 1 would never yield another count; the half keeps it inside.
        risk = (c + 0.5) / (n2 + 1)
        drawn = counts(measure, n1, n2, risk)
    if not by_arms.all():
        words += f" ({int(by_arms.sum())} of {len(by_arms)} trials); {NORMAL} (the others)"
        drawn = per_trial([(by_arms, drawn), (~by_arms, known_variances(vi[~by_arms]))])

    def at(mu: float, tau2: float) -> tuple[Sampling, str]:
        if measure == "RR" and beyond_one(risk, mu, tau2) > MOST_BEYOND:
            return base[0], f"{NORMAL}: at this tau2, risk ratios would put risks above 1"
        return drawn, words

    return at


def _row(result: Coverage, pooling: _Pooling, measure: str, notes: list[str]) -> dict[str, Any]:
    replicates = result.intervals + result.failed
    if result.failed:
        notes = [*notes, f"{result.failed} of {replicates} sets gave no interval"]
    widths = result.mean_width, result.median_width
    scale = measure_of(measure).scale.name
    width_is = "upper - lower limit"
    if scale == "log":
        widths = display(widths[0], measure), display(widths[1], measure)
        width_is = "upper limit / lower limit"
    elif scale != "identity":
        # What a width is as displayed hangs on where its interval lies.
        width_is += f", scale of {scale}"
    return {
        "method": pooling.words,
        "shown": "yes" if pooling.shown else "no",
        "interval": result.interval,
        "nominal": LEVEL,
        "coverage": result.coverage,
        "mc_se": rounded(result.mc_se, 2),
        "width_mean": rounded(widths[0], DIGITS),
        "width_median": rounded(widths[1], DIGITS),
        "width_is": width_is,
        "replicates": replicates,
        "failed": result.failed,
        "note": "; ".join(notes),
    }


def _withheld(reason: str) -> pd.DataFrame:
    return COVERAGE.frame([{"note": reason}])
