"""Trials as contrasts of dose levels against a reference, with their covariance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.doseresponse.covariance import KINDS, DoseLevels, ratio_covariance
from trialpool.effects.multiarm import (
    shared_control_covariance,
    shared_control_covariance_counts,
    shared_control_covariance_md,
)
from trialpool.effects.small_sample import small_sample_factor
from trialpool.results import Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseTrial:
    """One trial: m contrasts `yi` of the levels `dose` against the level `reference`.

    `V` (m, m) is the covariance of the contrasts.
    """

    name: str
    dose: Array
    reference: float
    yi: Array
    V: Array

    def __post_init__(self) -> None:
        m = len(self.yi)
        if m == 0 or self.dose.shape != (m,) or self.V.shape != (m, m):
            raise TrialpoolError(
                f"trial {self.name}: dose (m,), yi (m,) and V (m, m) do not fit: "
                f"{self.dose.shape}, {self.yi.shape}, {self.V.shape}"
            )
        if not all(np.isfinite(x).all() for x in (self.dose, self.reference, self.yi, self.V)):
            raise TrialpoolError(
                f"trial {self.name}: a dose, an effect or a variance is not a finite number. "
                "Leave that level out and record why"
            )
        if not (self.dose != self.reference).any():
            raise TrialpoolError(
                f"trial {self.name}: all doses are equal ({self.reference:g}). It says nothing on "
                "dose: leave it out"
            )
        try:
            np.linalg.cholesky(self.V)
        except np.linalg.LinAlgError:
            raise TrialpoolError(
                f"trial {self.name}: V is not positive definite. Check the variances, or whether "
                "the same contrast is there twice"
            ) from None


@same_rows
def from_ratios(
    trial: Sequence[str],
    dose: ArrayLike,
    yi: ArrayLike,
    sei: ArrayLike,
    *,
    cases: ArrayLike,
    size: ArrayLike,
    kind: str | Sequence[str],
    covariance: str = "GL",
) -> list[DoseTrial]:
    """Trials from reported (adjusted) log ratios, a row per dose level.

    Parameters
    ----------
    trial : (n,) name of the trial of each row
    dose, yi, sei : (n,) dose, log ratio and its standard error; sei is NaN or 0 in the reference
    cases, size : (n,) cases, and people (cases included) or person-time of each level
    kind : "cc" case-control, "ir" incidence rate, "ci" cumulative incidence; for all or per row
    covariance : "GL", "Hamling" or "independent", see `ratio_covariance`

    Raises
    ------
    TrialpoolError
        all at once: a trial without, or with several, reference doses; cases or sizes that are
        not positive; sizes below the cases; doses all equal
    """
    names = [str(name) for name in trial]
    x, y, s, a, n = _columns(names, dose=dose, yi=yi, sei=sei, cases=cases, size=size)
    kinds = np.broadcast_to(np.asarray(kind, dtype=object), len(names))

    def one(name: str, rows: NDArray[np.int64]) -> DoseTrial:
        ref = _one_reference(name, rows[np.isnan(s[rows]) | (s[rows] == 0)])
        which = np.append(ref, rows[rows != ref])
        design = str(kinds[ref])
        check_choice("kind", design, KINDS)
        for column, values in (("cases", a), ("size", n)):
            for i in which[~(values[which] > 0)]:
                raise TrialpoolError(
                    f"trial {name}, dose {x[i]:g}, {column} = {values[i]:g}: must be > 0. Join the "
                    "level with its neighbour, or leave it out"
                )
        if design != "ir" and (a[which] >= n[which]).any():
            raise TrialpoolError(
                f"trial {name}: size must exceed cases; it counts all people, cases included"
            )
        rest = which[1:]
        try:
            v = ratio_covariance(
                DoseLevels(y[rest], s[rest], a[which], n[which], design), covariance
            )
        except TrialpoolError as error:
            raise TrialpoolError(f"trial {name}: {error}") from None
        return DoseTrial(name=name, dose=x[rest], reference=float(x[ref]), yi=y[rest], V=v)

    return _each(names, one)


@same_rows
def from_means(
    trial: Sequence[str],
    dose: ArrayLike,
    *,
    n: ArrayLike,
    mean: ArrayLike,
    sd: ArrayLike,
    measure: str = "MD",
    hedges: bool = False,
) -> list[DoseTrial]:
    """Trials from means per arm; the reference is the arm with the lowest dose.

    Parameters
    ----------
    trial : (rows,) name of the trial of each arm
    dose, n, mean, sd : (rows,) dose, number analysed, mean and SD of each arm
    measure : "MD", each arm with its own SD, or "SMD" (Cohen's d), with one SD over all arms
    hedges : whether an SMD has the exact small-sample correction (Hedges' g)

    Returns
    -------
    Trials with the exact covariance of their contrasts: the control's part of the variance is
    common to all

    Raises
    ------
    TrialpoolError
        all at once: a trial with one dose level only, or two arms of the lowest dose; doses equal;
        n < 2 or sd <= 0

    References
    ----------
    Crippa & Orsini 2016, BMC Med Res Methodol 16:91, eq. 3 and 4
    """
    check_choice("measure", measure, ("MD", "SMD"))
    names = [str(name) for name in trial]
    x, size, m, s = _columns(names, dose=dose, n=n, mean=mean, sd=sd)

    def one(name: str, rows: NDArray[np.int64]) -> DoseTrial:
        ref = _lowest(name, rows, x)
        if not ((size[rows] >= 2) & (s[rows] > 0)).all():
            raise TrialpoolError(f"trial {name}: every arm needs n >= 2 and sd > 0")
        rest = rows[rows != ref]
        difference = m[rest] - m[ref]
        if measure == "MD":
            v = shared_control_covariance_md(s[rest], size[rest], float(s[ref]), float(size[ref]))
        else:
            within = ((size[rows] - 1) * s[rows] ** 2).sum() / (size[rows] - 1).sum()
            df = (size[rows] - 1).sum()
            factor = small_sample_factor(df, "exact" if hedges else "none")
            difference = factor * difference / np.sqrt(within)
            v = shared_control_covariance(difference, size[rest], float(size[ref]), "GO")
        return DoseTrial(name=name, dose=x[rest], reference=float(x[ref]), yi=difference, V=v)

    return _each(names, one)


@same_rows
def from_counts(
    trial: Sequence[str],
    dose: ArrayLike,
    *,
    event: ArrayLike,
    totaln: ArrayLike,
    measure: str = "RR",
) -> list[DoseTrial]:
    """Trials from events per arm; the reference is the arm with the lowest dose.

    Parameters
    ----------
    trial : (rows,) name of the trial of each arm
    dose, event, totaln : (rows,) dose, events and people of each arm
    measure : "OR", "RR" (logs) or "RD". A trial with a zero cell has 0.5 added to all its cells

    Raises
    ------
    TrialpoolError
        all at once: a trial with one dose level only, or two arms of the lowest dose; doses equal;
        impossible counts; a trial without any event, or without anyone free of it (OR and RR)
    """
    check_choice("measure", measure, ("OR", "RR", "RD"))
    names = [str(name) for name in trial]
    x, e, n = _columns(names, dose=dose, event=event, totaln=totaln)

    def one(name: str, rows: NDArray[np.int64]) -> DoseTrial:
        ref = _lowest(name, rows, x)
        if not ((e[rows] >= 0) & (e[rows] <= n[rows]) & (n[rows] >= 1)).all():
            raise TrialpoolError(f"trial {name}: counts must be 0 <= event <= totaln, totaln >= 1")
        if measure != "RD" and (not e[rows].any() or (e[rows] == n[rows]).all()):
            raise TrialpoolError(f"trial {name}: a ratio needs an event, and someone without one")
        rest = rows[rows != ref]
        add = 0.5 if ((e[rows] == 0) | (e[rows] == n[rows])).any() else 0.0
        share = (e + add) / (n + 2 * add)
        v = shared_control_covariance_counts(
            measure, e[rest], n[rest], float(e[ref]), float(n[ref]), add
        )
        level = {"OR": np.log(share / (1 - share)), "RR": np.log(share), "RD": share}[measure]
        y = level[rest] - level[ref]
        return DoseTrial(name=name, dose=x[rest], reference=float(x[ref]), yi=y, V=v)

    return _each(names, one)


def _columns(names: list[str], **columns: ArrayLike) -> list[Array]:
    """Columns as float arrays of the length of `names`."""
    out = [np.asarray(values, dtype=np.float64) for values in columns.values()]
    for name, values in zip(columns, out, strict=True):
        if values.shape != (len(names),):
            raise TrialpoolError(f"{name} must have a value for each of {len(names)} rows")
    if not names:
        raise TrialpoolError("there is no trial. Give at least one row per dose level")
    return out


def _each(names: list[str], one: Callable[[str, NDArray[np.int64]], DoseTrial]) -> list[DoseTrial]:
    """Trials in the order of their first rows; the problems of all of them in one error."""
    out, problems, column = [], [], np.array(names)
    for name in dict.fromkeys(names):
        try:
            out.append(one(name, np.flatnonzero(column == name)))
        except TrialpoolError as error:
            problems.append(str(error))
    if problems:
        raise TrialpoolError("\n".join(problems))
    return out


def _one_reference(name: str, references: NDArray[np.int64]) -> int:
    if len(references) == 0:
        raise TrialpoolError(
            f"trial {name}: no reference dose. Add its row, with yi = 0 and a blank standard error"
        )
    if len(references) > 1:
        raise TrialpoolError(
            f"trial {name}: {len(references)} reference doses (rows without a standard error)."
            " Keep one"
        )
    return int(references[0])


def _lowest(name: str, rows: NDArray[np.int64], dose: Array) -> int:
    """The row of the reference, the lowest dose of the trial."""
    if len(rows) < 2:
        raise TrialpoolError(
            f"trial {name}: no reference dose, it has one dose level only. Add the arm it is "
            "compared with, dose 0 for placebo"
        )
    least = rows[dose[rows] == dose[rows].min()]
    if len(least) == len(rows):
        raise TrialpoolError(f"trial {name}: all doses are equal. Leave it out")
    if len(least) > 1:
        raise TrialpoolError(
            f"trial {name}: {len(least)} arms have the lowest dose. Combine them into one reference"
        )
    return int(least[0])
