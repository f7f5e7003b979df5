"""How often intervals hold what they claim to hold: a simulation at given trials and tau2.

Every method gets the same draws, and every tau2 the same random numbers, so that differences
between rows are differences between methods. Estimators and tests are those of `pool_many`, and a
test holds the intervals to its own; the interval of tau2, most of its time, is not computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trialpool.bayes.many import posterior_many
from trialpool.diagnostics.sampling import Drawn, Sampling
from trialpool.pooling.inference import TESTS, check_level, half_width, knapp_hartung
from trialpool.pooling.model import PI_DF
from trialpool.pooling.studies import Studies, dot, pick, total
from trialpool.pooling.subsets import Mask
from trialpool.pooling.tau2 import check_estimator, estimate_tau2
from trialpool.results import NAN, Array, TrialpoolError, check_choice

REPLICATES = 10_000
BAYESIAN_REPLICATES = 1000
SEED = 2014
KINDS = ("confidence", "prediction")
_CHUNK = 2**14  # numbers worked on at a time: what the processor's cache holds of a few arrays


class Method(NamedTuple):
    """How sets of trials are pooled: an estimator of tau2 and a test, in the codes of `pool`.

    With `tau_scale`, of a half-normal prior, by the Bayesian model instead, in the first
    BAYESIAN_REPLICATES sets alone, since each takes long.
    """

    tau2: str
    test: str
    tau_scale: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How one kind of interval of one method did.

    `covered` of `intervals` held the truth; `failed` more sets gave none (no convergence, or too
    few trials with an effect). Widths are on the analysis scale. NaN where there was no interval.
    """

    method: Method
    interval: str  # confidence or prediction
    covered: int
    intervals: int
    failed: int
    mean_width: float
    median_width: float

    @property
    def coverage(self) -> float:
        """Share of the intervals that held the truth."""
        return self.covered / self.intervals if self.intervals else NAN

    @property
    def mc_se(self) -> float:
        """Monte Carlo standard error of the coverage."""
        p = self.coverage
        return math.sqrt(p * (1 - p) / self.intervals) if self.intervals else NAN


def simulate(
    sampling: Sampling,
    k: int,
    mu: float,
    tau2: float,
    methods: Sequence[Method],
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
    level: float = 0.95,
    pi: str = "k-1",
) -> list[Coverage]:
    """Coverage and width of confidence and prediction intervals when the truth is known.

    True effects are normal with mean mu and variance tau2, the trials' results come from
    `sampling`. A confidence interval is to hold mu, a prediction interval the true effect of one
    more trial, drawn anew each time.

    Parameters
    ----------
    sampling : how a trial's result comes about (`trialpool.diagnostics.sampling`)
    k : number of trials, >= 2
    mu, tau2 : the truth, on the analysis scale; tau2 >= 0
    methods : estimators and tests, in the codes of `pool`
    replicates, seed : number of simulated sets of trials, and where the random numbers start
    level, pi : as for `pool`

    Returns
    -------
    For each method its confidence interval and, for random effects and k >= 3, its
    prediction interval, in the order of the methods

    Raises
    ------
    TrialpoolError
        k < 2; tau2 or replicates out of range; an unknown estimator, test or pi; level outside
        (0, 1)

    References
    ----------
    IntHout, Ioannidis & Borm 2014, BMC Med Res Methodol 14:25; Roever, Knapp & Friede 2015, BMC
    Med Res Methodol 15:99; Langan et al. 2019, Res Synth Methods 10:83; Morris, White & Crowther
    2019, Stat Med 38:2074 (Monte Carlo standard errors)
    """
    if k < 2:
        raise TrialpoolError(f"k = {k}: one trial has no pooled interval to simulate")
    if not (0 <= tau2 < math.inf and math.isfinite(mu)):
        raise TrialpoolError(f"mu = {mu}, tau2 = {tau2}: must be finite, tau2 >= 0")
    if replicates < 1:
        raise TrialpoolError(f"replicates = {replicates}: must be at least 1")
    check_level(level)
    check_choice("pi", pi, tuple(PI_DF))
    for method in methods:
        check_estimator("tau2", method.tau2, "effects")
        check_choice("test", method.test, TESTS)
    rng, tau = np.random.default_rng(seed), math.sqrt(tau2)
    new = mu + tau * rng.standard_normal(replicates)
    theta = mu + tau * rng.standard_normal((k, replicates))
    plain = [method for method in methods if method.tau_scale is None]
    misses: dict[tuple[Method, str], list[tuple[Array, Array]]] = {}
    with np.errstate(all="ignore"):
        drawn = sampling(rng, theta)
        step = max(1, _CHUNK // k)
        for start in range(0, replicates, step):
            part = slice(start, start + step)
            kept, enough = _poolable(drawn, part)
            for one in intervals(kept, plain, level=level, pi=pi):
                truth = mu if one.kind == "confidence" else new[part][enough]
                misses.setdefault((one.method, one.kind), []).append((one.centre - truth, one.half))
        first = min(replicates, BAYESIAN_REPLICATES)
        kept, enough = _poolable(drawn, slice(0, first))
        for method in (m for m in methods if m.tau_scale is not None):
            one = _bayesian(kept, method, level)
            misses[method, one.kind] = [(one.centre - mu, one.half)]
        judged = {
            key: _judge(*key, parts, replicates if key[0].tau_scale is None else first)
            for key, parts in misses.items()
        }
    return [judged[m, kind] for m in methods for kind in KINDS if (m, kind) in judged]


class Interval(NamedTuple):
    """Centres and half widths (B,) of one kind of interval by one method; NaN if not converged."""

    method: Method
    kind: str
    centre: Array
    half: Array


def intervals(drawn: Drawn, methods: Sequence[Method], *, level: float, pi: str) -> list[Interval]:
    """The intervals of `pool_many`, without all else it computes; one fit serves all tests."""
    out: list[Interval] = []
    with np.errstate(all="ignore"):
        s = Studies(drawn.y, drawn.v, drawn.used)
        lost = PI_DF[pi]
        reach = half_width(level, NAN if lost is None else s.df - lost)
        for code in dict.fromkeys(method.tau2 for method in methods):
            tau2 = estimate_tau2(code, s).tau2
            w = s.weights(tau2)
            whole = total(w)
            centre = s.origin + dot(w, s.y) / whole * s.unit
            misfit = s.rss(w) / s.df
            for method in dict.fromkeys(m for m in methods if m.tau2 == code):
                variance = knapp_hartung(misfit, method.test) / whole
                df = NAN if method.test == "z" else s.df
                half = half_width(level, df) * np.sqrt(variance) * s.unit
                out.append(Interval(method, "confidence", centre, half))
                if code != "EE" and len(drawn.y) > 2:
                    new = pick(s.k < 3, NAN, reach * np.sqrt(tau2 + variance) * s.unit)
                    out.append(Interval(method, "prediction", centre, new))
    return out


def _bayesian(drawn: Drawn, method: Method, level: float) -> Interval:
    """The posterior interval of the mean."""
    used = None if drawn.used is None else drawn.used.T
    scale = method.tau_scale or NAN
    made = posterior_many(drawn.y.T, drawn.v.T, used, tau_scale=scale, level=level)
    half = (made.ci_ub - made.ci_lb) / 2
    return Interval(method, "confidence", made.ci_lb + half, half)


def _poolable(drawn: Drawn, part: slice) -> tuple[Drawn, Mask | slice]:
    """Of some sets those with two trials or more that give an effect, and which they are."""
    y, v = drawn.y[:, part], drawn.v[:, part]
    if drawn.used is None:
        return Drawn(y, v), slice(None)
    used = drawn.used[:, part]
    enough = used.sum(axis=0) > 1
    return Drawn(y[:, enough], v[:, enough], used[:, enough]), enough


def _judge(
    method: Method, kind: str, parts: Sequence[tuple[Array, Array]], replicates: int
) -> Coverage:
    """What the errors and half widths of all sets amount to."""
    error, half = (np.concatenate(x) for x in zip(*parts, strict=True))
    width = 2 * half[np.isfinite(error) & np.isfinite(half)]
    return Coverage(
        method=method,
        interval=kind,
        covered=int((np.abs(error) <= half).sum()),  # NaN is never within anything
        intervals=len(width),
        failed=replicates - len(width),
        mean_width=float(width.mean()) if width.size else NAN,
        median_width=float(np.median(width)) if width.size else NAN,
    )
