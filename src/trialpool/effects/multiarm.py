"""Several arms of one trial: made into one, split, or kept with their covariance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.results import NAN, Array, TrialpoolError
from trialpool.same_rows import same_rows

_ROUNDING = 1e-9


class CombinedArm(NamedTuple):
    """Number analysed, mean and SD of a combined arm, each a scalar array or of shape (k,)."""

    n: Array
    mean: Array
    sd: Array


class Counts(NamedTuple):
    """Events and total of a combined arm, each a scalar array or of shape (k,)."""

    event: Array
    totaln: Array


@same_rows
def combine_arms(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> CombinedArm:
    """Number, mean and SD of the participants of several arms taken as one group.

    Parameters
    ----------
    n, mean, sd : (arms,) or (k, arms), n >= 1 and sd >= 0; arms lie along the last axis

    Returns
    -------
    Arm with fields of shape () or (k,): exactly the values of the raw data put together. NaN
    where any arm has a missing or impossible value

    Raises
    ------
    TrialpoolError
        if the shapes differ

    References
    ----------
    Cochrane Handbook 6.4, table 6.5.a, for any number of arms at once
    """
    ni, mi, si = (np.asarray(x, dtype=np.float64) for x in (n, mean, sd))
    if not (ni.shape == mi.shape == si.shape) or ni.ndim == 0:
        raise TrialpoolError(
            f"combine_arms: n, mean and sd must have one shape, with the arms along the last axis,"
            f" got {ni.shape}, {mi.shape}, {si.shape}"
        )
    bad = ~((ni >= 1) & (si >= 0)).all(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = ni.sum(axis=-1)
        # Deviations from the common mean, not squares of means: no digits are lost when the
        # means are large against their differences.
        grand = (ni * mi).sum(axis=-1) / total
        between = (ni * (mi - grand[..., np.newaxis]) ** 2).sum(axis=-1)
        within = ((ni - 1) * si**2).sum(axis=-1)
        spread = np.sqrt((within + between) / (total - 1))
    # A blank mean blanks the whole arm: n without a mean would be pooled as if complete.
    bad = bad | ~np.isfinite(grand)
    return CombinedArm(*(np.where(bad, NAN, x) for x in (total, grand, spread)))


@same_rows
def combine_counts(event: ArrayLike, totaln: ArrayLike) -> Counts:
    """Events and total of several arms taken as one group.

    Parameters
    ----------
    event, totaln : (arms,) or (k, arms), 0 <= event <= totaln; arms lie along the last axis

    Returns
    -------
    Counts with fields of shape () or (k,); NaN where any arm has a missing or impossible value

    Raises
    ------
    TrialpoolError
        if the shapes differ
    """
    ei, ti = np.asarray(event, dtype=np.float64), np.asarray(totaln, dtype=np.float64)
    if ei.shape != ti.shape or ei.ndim == 0:
        raise TrialpoolError(
            f"combine_counts: event and totaln must have one shape, with the arms along the last"
            f" axis, got {ei.shape}, {ti.shape}"
        )
    bad = ~((ei >= 0) & (ei <= ti)).all(axis=-1)
    return Counts(*(np.where(bad, NAN, x.sum(axis=-1)) for x in (ei, ti)))


def split_arm(n: ArrayLike, parts: int) -> Array:
    """Number of people of a control arm shared out among the arms it is compared with.

    Parameters
    ----------
    n : number analysed, any shape
    parts : number of comparisons that use the arm; each keeps the arm's mean and SD

    Returns
    -------
    n/parts, not rounded; NaN where n < 1

    Raises
    ------
    TrialpoolError
        if parts < 1

    References
    ----------
    Cochrane Handbook 6.4, section 23.3.4
    """
    if parts < 1:
        raise TrialpoolError(f"parts = {parts}: an arm is split among at least 1 comparison")
    size = np.asarray(n, dtype=np.float64)
    return np.where(size >= 1, size, NAN) / parts


@same_rows
def split_counts(event: ArrayLike, totaln: ArrayLike, parts: int) -> Counts:
    """Events and total of a control arm shared out among the arms it is compared with.

    Parameters
    ----------
    event, totaln : 0 <= event <= totaln, any shape that broadcasts
    parts : number of comparisons that use the arm

    Returns
    -------
    Counts divided by parts, not rounded; NaN for impossible input

    Raises
    ------
    TrialpoolError
        if parts < 1

    References
    ----------
    Cochrane Handbook 6.4, section 23.3.4
    """
    ei, ti = np.asarray(event, dtype=np.float64), split_arm(totaln, parts)
    share = ei / parts
    bad = ~((share >= 0) & (share <= ti))
    return Counts(np.where(bad, NAN, share), np.where(bad, NAN, ti))


def _covariance(variances: Array, control: Array) -> Array:
    """V of (arms,) own variances and what the control adds to every element; NaN if any is."""
    v = np.diag(variances) + control
    return v if np.isfinite(v).all() and (variances > 0).all() else np.full(v.shape, NAN)


@same_rows
def shared_control_covariance(
    g: ArrayLike, n_experimental: ArrayLike, n_control: float, diagonal: str = "LS"
) -> Array:
    """Covariance of one trial's SMDs against the same control.

    Parameters
    ----------
    g, n_experimental : (arms,) SMD of each experimental arm and its number analysed
    n_control : number analysed in the control
    diagonal
        "LS": the variance of `effect_size("SMD")`, 1/nE + 1/nC + g^2/(2 (nE + nC));
        "GO": Gleser and Olkin's own, 1/nE + 1/nC + g^2/(2 N)

    Returns
    -------
    (arms, arms), off the diagonal 1/nC + g_i g_j/(2 N), N = all people of the trial, control
    included; positive definite. All NaN where a value is missing or impossible. N supposes one SD
    pooled over all arms; with a SD per pair of arms it is an approximation

    Raises
    ------
    TrialpoolError
        for an unknown diagonal

    References
    ----------
    Gleser & Olkin 2009, in Cooper, Hedges & Valentine, p. 364-367
    """
    if diagonal not in ("LS", "GO"):
        raise TrialpoolError(f"diagonal = {diagonal!r}: allowed are LS, GO")
    d, ne = (np.asarray(x, dtype=np.float64) for x in (g, n_experimental))
    sizes = np.where(ne >= 1, ne, NAN)
    nc = n_control if n_control >= 1 else NAN
    total = sizes.sum() + nc
    v = _covariance(1 / sizes, np.asarray(1 / nc + np.outer(d, d) / (2 * total)))
    if diagonal == "LS":
        v[np.diag_indices_from(v)] += d**2 / 2 * (1 / (sizes + nc) - 1 / total)
    return v


@same_rows
def shared_control_covariance_md(
    sd_experimental: ArrayLike, n_experimental: ArrayLike, sd_control: float, n_control: float
) -> Array:
    """Covariance of one trial's mean differences against the same control.

    Parameters
    ----------
    sd_experimental, n_experimental : (arms,) SD and number analysed of each experimental arm
    sd_control, n_control : SD and number analysed of the control

    Returns
    -------
    (arms, arms), sdE^2/nE + sdC^2/nC on the diagonal, sdC^2/nC off it. All NaN where a value is
    missing or impossible

    References
    ----------
    Gleser & Olkin 2009, in Cooper, Hedges & Valentine, chapter 19: the control's part of the
    variance is common to all differences
    """
    sd, ne = (np.asarray(x, dtype=np.float64) for x in (sd_experimental, n_experimental))
    valid = sd_control >= 0 and n_control >= 1
    control = sd_control**2 / n_control if valid else NAN
    variances = np.where((sd > 0) & (ne >= 1), sd**2, NAN) / np.where(ne >= 1, ne, NAN)
    return _covariance(variances, np.asarray(control))


@same_rows
def shared_control_covariance_counts(
    measure: str,
    event: ArrayLike,
    totaln: ArrayLike,
    event_control: float,
    totaln_control: float,
    add: float = 0.0,
) -> Array:
    """Covariance of one trial's log OR, log RR or RD against the same control.

    Parameters
    ----------
    measure : "OR", "RR" (both on the log scale) or "RD"
    event, totaln : (arms,) events and total of each experimental arm
    event_control, totaln_control : events and total of the control
    add : added to both cells of every arm, such as 0.5 where the effects were computed so

    Returns
    -------
    (arms, arms); an arm with e of n events, p = e/n, adds 1/e + 1/(n - e) for OR, 1/e - 1/n for
    RR, p (1 - p)/n for RD; the control's term is the covariance. All NaN where a value is missing
    or impossible, or an arm's term is 0 or infinite because a cell is 0

    Raises
    ------
    TrialpoolError
        for an unknown measure

    References
    ----------
    Gleser & Olkin 2009, in Cooper, Hedges & Valentine, p. 360-364
    """
    if measure not in ("OR", "RR", "RD"):
        raise TrialpoolError(f"measure = {measure!r}: allowed are OR, RR, RD")
    e = np.append(np.asarray(event, dtype=np.float64), event_control) + add
    n = np.append(np.asarray(totaln, dtype=np.float64), totaln_control) + 2 * add
    inside = (e > 0) & (e <= n) if measure == "RR" else (e > 0) & (e < n)
    e, n = np.where(inside, e, NAN), np.where(inside, n, NAN)
    terms = {
        "OR": 1 / e + 1 / np.where(n > e, n - e, NAN),
        "RR": 1 / e - 1 / n,
        "RD": e * (n - e) / n**3,
    }[measure]
    return _covariance(terms[:-1], terms[-1])


class OneEstimate(NamedTuple):
    """An estimate and its sampling variance."""

    yi: float
    vi: float


@same_rows
def one_estimate(yi: ArrayLike, V: ArrayLike) -> OneEstimate:
    """One trial's correlated estimates combined by generalised least squares.

    With a random effect per trial, common to its arms, the trial's covariance is V + tau2 J with
    J all ones. The weights are then the same for every tau2 and the variance is vi + tau2: to
    pool the collapsed trials is exact, not an approximation. It says nothing on differences
    between the arms.

    Parameters
    ----------
    yi : (arms,) estimates of one trial
    V : (arms, arms) their covariance, positive definite

    Returns
    -------
    OneEstimate, yi = vi 1'V^-1 y and vi = 1/(1'V^-1 1); both NaN where a value is missing or V is
    not positive definite

    Raises
    ------
    TrialpoolError
        if the shapes do not fit; if an estimate has a smaller variance than its covariance with
        another, so that its arm's own part of it would be negative

    References
    ----------
    Gleser & Olkin 2009, in Cooper, Hedges & Valentine, eq. 19.6 and 19.7
    """
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(V, dtype=np.float64)
    if y.ndim != 1 or v.shape != (len(y), len(y)) or not len(y):
        raise TrialpoolError(
            f"one_estimate: yi must be (arms,) and V (arms, arms), got {y.shape} and {v.shape}"
        )
    if not (np.isfinite(y).all() and np.isfinite(v).all()):
        return OneEstimate(NAN, NAN)
    try:
        np.linalg.cholesky(v)
    except np.linalg.LinAlgError:
        return OneEstimate(NAN, NAN)
    part = np.diag(v)[:, np.newaxis] - v
    if part.min() < -_ROUNDING * np.abs(v).max():
        i, j = np.unravel_index(int(part.argmin()), v.shape)
        raise TrialpoolError(
            f"one_estimate: V[{i}, {i}] = {v[i, i]:.3g} is less than V[{i}, {j}] = {v[i, j]:.3g}: "
            f"the variance of arm {i} itself would be {part[i, j]:.3g}"
        )
    weights = np.linalg.solve(v, np.ones(len(y)))
    return OneEstimate(float(weights @ y / weights.sum()), float(1 / weights.sum()))
