"""Bayesian random effects of counts by their exact likelihood: no zero cell is corrected."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.bayes.likelihoods import LIKELIHOODS, TwoArms, slopes
from trialpool.bayes.octaves import JointPosterior
from trialpool.bayes.posterior import Question
from trialpool.bayes.priors import HalfNormal
from trialpool.pooling.counts.columns import as_tables, reject
from trialpool.results import NoPosteriorError, Posterior, check_choice
from trialpool.same_rows import same_rows


@same_rows
def binomial_normal(
    ai: ArrayLike,
    n1i: ArrayLike,
    ci: ArrayLike,
    n2i: ArrayLike,
    *,
    measure: str,
    tau_scale: float = 0.5,
    level: float = 0.95,
    mid: float | None = None,
    better: str = "lower",
    each: bool = True,
) -> Posterior:
    """Posterior of a log odds ratio or log risk ratio from counts, with random effects.

    Parameters
    ----------
    ai, n1i : (k,) events and people of the experimental arms, whole numbers
    ci, n2i : (k,) the same of the control arms
    measure
        "OR": each study's likelihood is conditional on its events in all (noncentral
        hypergeometric), so that its control risk drops out. "RR": binomial in both arms, their
        common level integrated out with an even prior of the log risk, which for rare events is
        the likelihood conditional on the events in all
    tau_scale : of the half-normal prior of tau, > 0 to 10, log scale
    level, mid, better, each : as for `normal_normal`

    Returns
    -------
    Posterior, log scale: flat prior of the mean, true effects normal about it. Deterministic, exact
    to about 1e-6 of probability. A study without events tells nothing

    Raises
    ------
    TrialpoolError
        counts that cannot be; level, tau_scale or mid out of range
    NoPosteriorError
        studies that leave the mean without a bound on one side, as where no study has an event in
        an arm; studies so far apart for the prior of tau that rounding would show

    References
    ----------
    Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046 (conditional likelihood); Guenhan, Roever &
    Friede 2020, Res Synth Methods 11:74 (few studies of rare events, half-normal tau)
    """
    check_choice("measure", measure, tuple(LIKELIHOODS))
    question = Question(level=level, better=better, mid=mid)
    prior = HalfNormal(tau_scale)
    counts = as_tables(ai, n1i, ci, n2i, whole=False)
    for name, column in zip(("ai", "n1i", "ci", "n2i"), counts, strict=True):
        reject(column != np.floor(column), name, column, "a count of people is a whole number")
    if why := unbounded(*counts, measure=measure):
        raise NoPosteriorError(why)
    joint = JointPosterior(measure, [TwoArms(*row) for row in zip(*counts, strict=True)], tau_scale)
    effects = [joint.effect(i) for i in range(len(counts[0]))] if each else ()
    return question.answer(joint.mean(), joint.new(), joint.tau(), effects, "mu flat", prior)


@same_rows
def unbounded(ai: ArrayLike, n1i: ArrayLike, ci: ArrayLike, n2i: ArrayLike, *, measure: str) -> str:
    """Why the counts leave the mean effect without a bound; "" where they bound it."""
    columns = (np.asarray(x, dtype=float) for x in (ai, n1i, ci, n2i))
    falls, rises = zip(
        *(slopes(measure, TwoArms(*row)) for row in zip(*columns, strict=True)), strict=True
    )
    if not any(rises):
        return "no study bounds the effect from above: no events in any control arm"
    if not any(falls):
        return "no study bounds the effect from below: no events in any experimental arm"
    return ""
