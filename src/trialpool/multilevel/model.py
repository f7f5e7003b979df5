"""Fit of effects that depend on one another: within trials, outcomes, times or laboratories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, fdtrc

from trialpool.multilevel.blocks import as_sampling
from trialpool.multilevel.likelihood import Point
from trialpool.multilevel.problem import MultilevelProblem
from trialpool.multilevel.search import Peak, ends, maximise
from trialpool.multilevel.terms import Part, Term, parts_of
from trialpool.pooling.inference import check_level, chi2_tail, half_width, p_value
from trialpool.pooling.inputs import Covariates, as_design, as_numbers
from trialpool.pooling.regression import moderators, through_origin
from trialpool.pooling.tau2 import check_estimator, is_restricted
from trialpool.results import NAN, Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

if TYPE_CHECKING:
    from pandas import DataFrame

TESTS = ("z", "t")
DFS = ("residual", "contain")
_FEW_LEVELS = 5
_SINGULAR = "V is singular: what it leaves unexplained cannot be weighed without random effects"


@dataclass(frozen=True, kw_only=True)
class MultilevelFit:
    """A fitted multilevel or multivariate model, in metafor's vocabulary.

    `beta` to `ci_ub` and `ddf` have shape (p,), `vb` (p, p). `sigma2` are the variances of the
    random intercepts in the order given, `tau2` and `rho` those of the structured terms;
    `components` maps the name of each to its value. `n_levels` maps a random factor to its number
    of levels. `qe` is the generalised Q of the model without random effects; `qm` tests all
    coefficients but the intercept, by F with (`qm_df`, `qm_ddf`) degrees of freedom or, under "z",
    by chi-squared. `reasons` maps the name of a NaN field to why it is NaN; `cautions` are
    sentences a reader should see.

    For robust variances: `yi`, `X`, `residuals` (k,), `blocks`, the row numbers of each
    independent block, and `weights`, the inverse of its marginal covariance.
    """

    k: int
    p: int
    names: tuple[str, ...]
    beta: Array
    se: Array
    zval: Array
    ddf: Array
    pval: Array
    ci_lb: Array
    ci_ub: Array
    vb: Array
    qm: float
    qm_df: int
    qm_ddf: float
    qm_pval: float
    qe: float
    qe_df: int
    qe_pval: float
    sigma2: tuple[float, ...]
    tau2: tuple[float, ...]
    rho: tuple[float, ...]
    components: dict[str, float]
    n_levels: dict[str, int]
    loglik: float
    aic: float
    bic: float
    aicc: float
    method: str
    test: str
    dfs: str
    level: float
    maxima: int
    converged: bool
    yi: Array
    X: Array
    residuals: Array
    random: tuple[Term, ...]
    data: dict[str, NDArray[Any]]
    problem: MultilevelProblem
    point: Point
    reasons: dict[str, str] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()

    @cached_property
    def blocks(self) -> list[NDArray[np.int64]]:
        """Row numbers of each independent block."""
        k = self.k
        batches = self.problem.likelihood.batches
        return [rows[rows < k] for batch in batches for rows in batch.rows]

    @cached_property
    def weights(self) -> list[Array]:
        """Inverse of the marginal covariance of each block, in the order of `blocks`."""
        stacks = self.point.weights()
        unit2 = self.problem.unit**2
        all_blocks = (w for stack in stacks for w in stack)
        return [
            w[: len(rows), : len(rows)] / unit2
            for w, rows in zip(all_blocks, self.blocks, strict=True)
        ]


@same_rows
def fit(
    yi: ArrayLike,
    V: Any,
    X: Covariates | None = None,
    *,
    random: Sequence[Term] = (),
    data: Mapping[str, Any] | DataFrame | None = None,
    method: str = "REML",
    test: str = "t",
    dfs: str = "residual",
    level: float = 0.95,
    names: Sequence[str] | None = None,
    intercept: bool | None = None,
) -> MultilevelFit:
    """Effects with known sampling covariance, and random effects of any structure.

    y ~ N(X beta, V + sum of the covariances of the random effects).

    Parameters
    ----------
    yi : (k,) effects
    V
        sampling covariance: (k,) variances, a (k, k) matrix, or a list of square blocks that
        follow one another in the order of the rows
    X
        covariates as for `regress`; None for the mean alone
    random
        `Nested("trial", "effect")` for random intercepts, `Structured("outcome", within="trial",
        struct="UN")` for effects of outcomes that are correlated within trials; any number of both
    data : columns (k,) by name, a dict or a table
    method : "REML" or "ML"
    test : "t" or "z"
    dfs
        degrees of freedom of "t": "residual" k - p; or "contain", for each coefficient the
        smallest number of levels of a random factor within whose levels its column is constant,
        less the number of such columns
    level : of the confidence intervals
    names : of the columns of X
    intercept : as for `regress`

    Returns
    -------
    MultilevelFit

    Raises
    ------
    TrialpoolError
        as for `regress`; a sampling covariance that is none; a column that is missing; a variance
        or correlation that the data hold no information on, which is named

    References
    ----------
    Berkey et al. 1998, Stat Med 17:2537; Konstantopoulos 2011, Res Synth Methods 2:61; Van den
    Noortgate et al. 2013, Behav Res Methods 45:576; Ishak et al. 2007, Clin Trials 4:525
    """
    check_estimator("method", method, "multilevel")
    check_choice("test", test, TESTS)
    check_choice("dfs", dfs, DFS)
    check_level(level)
    y = as_numbers("yi", yi)
    if y.ndim != 1 or y.size == 0:
        raise TrialpoolError(f"yi must be one column of effects, got shape {y.shape}")
    if not np.isfinite(y).all():
        i = int(np.argmin(np.isfinite(y)))
        raise TrialpoolError(f"yi, row {i} = {y[i]}: leave the row out and record why")
    k = len(y)
    if X is None and k < 2:
        raise TrialpoolError("k = 1 effect: a multilevel model needs at least two")
    x, called = as_design(np.ones((k, 1)) if X is None else X, k, names, intercept)
    parts = tuple(parts_of(random, data, k))
    problem = MultilevelProblem(y, x, as_sampling(V, k), parts, is_restricted(method))
    with np.errstate(all="ignore"):
        problem.check_identified()
        peak = maximise(problem.likelihood, problem.typical)
        if peak is None:
            raise TrialpoolError("V is singular and there is no random effect on its null space")
        used = {name for term in random for name in _columns(term)}
        table = {} if data is None else data
        kept = {name: np.asarray(table[name]) for name in sorted(used)}
        return MultilevelFit(
            **coefficients(problem, peak.point, called, method, test, dfs, level),
            **_components(problem, peak.point),
            method=method,
            test=test,
            dfs=dfs,
            level=level,
            maxima=peak.maxima,
            converged=peak.converged,
            random=tuple(random),
            data=kept,
            problem=problem,
            point=peak.point,
            **_notes(problem, peak, test, intercept),
        )


def _columns(term: Term) -> tuple[str, ...]:
    factors = getattr(term, "factors", None)
    return factors if factors is not None else (term.inner, term.within)  # type: ignore[union-attr]


def coefficients(
    problem: MultilevelProblem,
    point: Point,
    names: tuple[str, ...],
    method: str,
    test: str,
    dfs: str,
    level: float,
) -> dict[str, Any]:
    """What follows from the covariance parameters, by the names of `MultilevelFit`."""
    k, p = problem.X.shape
    unit, back = problem.unit, problem.back
    beta = back @ point.coefficients * unit
    vb = back @ point.covariance @ back.T * unit**2
    se = np.sqrt(np.diag(vb))
    zval = beta / se
    ddf = degrees(problem, test, dfs)
    half = np.array([float(half_width(level, df)) for df in ddf]) * se
    tested, _ = moderators(problem.X)
    qm, qm_ddf, qm_pval = wald(beta, vb, ddf, tested)
    loglik = log_likelihood(problem, point, restricted=is_restricted(method))
    q = int(np.isnan(problem.likelihood.fixed).sum())
    common = problem.common
    qe = NAN if common is None else common.rss
    return {
        "k": k,
        "p": p,
        "names": names,
        "beta": beta,
        "se": se,
        "zval": zval,
        "ddf": ddf,
        "pval": np.array([float(p_value(z, df)) for z, df in zip(zval, ddf, strict=True)]),
        "ci_lb": beta - half,
        "ci_ub": beta + half,
        "vb": vb,
        "qm": qm,
        "qm_df": len(tested),
        "qm_ddf": qm_ddf,
        "qm_pval": qm_pval,
        "qe": qe,
        "qe_df": k - p,
        "qe_pval": float(chi2_tail(qe, k - p)),
        "loglik": loglik,
        **criteria(loglik, p + q, k - p if is_restricted(method) else k),
        "yi": problem.yi,
        "X": problem.X,
        "residuals": problem.yi - problem.X @ beta,
    }


def log_likelihood(problem: MultilevelProblem, point: Point, *, restricted: bool) -> float:
    """In the units of the data; the restricted one with the term 1/2 log|X'X|."""
    k, p = problem.X.shape
    n = k - p if restricted else k
    return float(point.log_likelihood(restricted=restricted) - n * math.log(problem.unit))


def criteria(loglik: float, parameters: int, n: int) -> dict[str, float]:
    """AIC, BIC and AICc for n observations (k - p under REML)."""
    size = max(n, parameters + 2)
    return {
        "aic": 2 * parameters - 2 * loglik,
        "bic": parameters * math.log(n) - 2 * loglik,
        "aicc": 2 * parameters * size / (size - parameters - 1) - 2 * loglik,
    }


def degrees(problem: MultilevelProblem, test: str, dfs: str) -> Array:
    """Degrees of freedom of each coefficient, (p,); NaN for the normal distribution."""
    k, p = problem.X.shape
    if test == "z":
        return np.full(p, NAN)
    out = np.full(p, float(k - p))
    if dfs == "residual":
        return out
    for part in problem.parts:
        constant = _constant_within(problem.X, part.outer)
        left = float(len(part.groups) - constant.sum())
        out[constant] = np.minimum(out[constant], max(left, 0.0))
    return np.where(out > 0, out, NAN)


def _constant_within(X: Array, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which columns do not change within a level."""
    n = int(codes.max()) + 1
    low, high = np.full((n, X.shape[1]), np.inf), np.full((n, X.shape[1]), -np.inf)
    np.minimum.at(low, codes, X)
    np.maximum.at(high, codes, X)
    return np.asarray((low == high).all(axis=0))


def wald(beta: Array, vb: Array, ddf: Array, tested: Sequence[int]) -> tuple[float, float, float]:
    """Joint test of some coefficients: statistic, denominator degrees of freedom, p value."""
    m = len(tested)
    if m == 0:
        return NAN, NAN, NAN
    at = list(tested)
    stat = float(beta[at] @ np.linalg.solve(vb[np.ix_(at, at)], beta[at]))
    df = float(np.min(ddf[at]))
    if math.isnan(df):
        return stat, df, float(chdtrc(m, stat))
    return stat / m, df, float(fdtrc(m, df, stat / m))


def _components(problem: MultilevelProblem, point: Point) -> dict[str, Any]:
    values: dict[str, list[float]] = {"sigma2": [], "tau2": [], "rho": []}
    named: dict[str, float] = {}
    for part, here in zip(problem.parts, problem.likelihood.slices, strict=True):
        variances, correlations = part.structure.natural(point.theta[here])
        correlations = np.where(_defined(part, variances), correlations, NAN)
        variances = variances * problem.unit**2
        values[part.kind] += variances.tolist()
        values["rho"] += correlations.tolist()
        named |= dict(zip(part.variance_names, variances.tolist(), strict=True))
        named |= dict(zip(part.correlation_names, correlations.tolist(), strict=True))
    return {
        **{name: tuple(each) for name, each in values.items()},
        "components": named,
        "n_levels": {part.name: len(part.groups) for part in problem.parts},
    }


def _defined(part: Part, variances: Array) -> NDArray[np.bool_]:
    """Which correlations are between effects that vary."""
    if part.structure.code == "UN":
        a, b = np.triu_indices(part.structure.m, 1)
        return np.asarray((variances[a] > 0) & (variances[b] > 0))
    return np.full(part.structure.n_correlations, bool((variances > 0).sum() > 0))


def _notes(
    problem: MultilevelProblem, peak: Peak, test: str, intercept: bool | None
) -> dict[str, Any]:
    point, maxima = peak.point, peak.maxima
    reasons: dict[str, str] = {}
    if test == "z":
        reasons |= {"ddf": "z test: normal distribution", "qm_ddf": "chi-squared test"}
    if not moderators(problem.X)[0]:
        reasons |= dict.fromkeys(("qm", "qm_ddf", "qm_pval"), "no coefficient beside the intercept")
    if problem.common is None:
        reasons |= dict.fromkeys(("qe", "qe_pval"), _SINGULAR)
    for part, here in zip(problem.parts, problem.likelihood.slices, strict=True):
        variances, _ = part.structure.natural(point.theta[here])
        undefined = ~_defined(part, variances)
        if undefined.any():
            names = np.array(part.correlation_names)[undefined].tolist()
            reasons |= dict.fromkeys(("rho", *names), "an effect that does not vary")
    if not peak.converged:
        reasons["components"] = "not converged: the best point that was reached"
    cautions = list(through_origin(problem.X, intercept))
    for part in problem.parts:
        if len(part.groups) < _FEW_LEVELS:
            cautions.append(
                f"The random effects of {part.name} rest on {len(part.groups)} levels: their"
                " variance is a guess."
            )
    at_end = ends(problem.likelihood, point.theta)
    for part, here in zip(problem.parts, problem.likelihood.slices, strict=True):
        cautions += _at_ends(part, at_end[here], point.theta[here])
    if maxima > 1:
        cautions.append(f"The likelihood has {maxima} local maxima; the highest one was taken.")
    return {"reasons": reasons, "cautions": tuple(cautions)}


def _at_ends(part: Part, at_end: NDArray[np.bool_], theta: Array) -> list[str]:
    n = part.structure.n_variances
    names = zip(part.variance_names, at_end[:n], strict=True)
    out = [
        f"{name} is estimated as 0: no spread beyond what else is there." for name, e in names if e
    ]
    if at_end[n:].any() and part.structure.code == "UN" and part.structure.m > 2:
        out.append(
            f"The estimated correlations of {part.name} are singular: some of its levels follow"
            " from the others, which so few groups cannot show."
        )
    elif at_end[n:].any():
        side = "lower" if np.sin(theta[-1]) < 0 else "upper"
        out.append(
            f"{part.correlation_names[0]} is estimated at the {side} end of its range: the data"
            " hold too little to tell it."
        )
    return out
