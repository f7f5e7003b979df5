"""From arms to the contrasts of a network: all pairs of a trial, with what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from trialpool.network.inputs import alphabetical, raise_all
from trialpool.pooling.inputs import as_numbers
from trialpool.results import Array, TrialpoolError, check_choice
from trialpool.same_rows import same_rows

SCORES, COUNTS = ("SMD", "MD"), ("OR", "RR", "RD")
ADD = 0.5  # to both cells of every arm of a trial with a zero cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrasts:
    """All pairs of arms of each trial, (c,): treat1 minus treat2, ratios as logs.

    `left_out` says per trial that gives no contrast why.
    """

    study: tuple[str, ...]
    treat1: tuple[str, ...]
    treat2: tuple[str, ...]
    yi: Array
    sei: Array
    measure: str
    left_out: dict[str, str] = field(default_factory=dict)


@same_rows
def contrasts_from_arms(
    study: Sequence[Any],
    treatment: Sequence[Any],
    measure: str,
    *,
    mean: ArrayLike | None = None,
    sd: ArrayLike | None = None,
    n: ArrayLike,
    event: ArrayLike | None = None,
) -> Contrasts:
    """Contrasts between all arms of each trial; their variances carry the covariance of arms.

    Parameters
    ----------
    study, treatment : (a,) names, one row per arm
    measure : SMD or MD of `mean`, `sd`, `n`; OR, RR (logs) or RD of `event`, `n`
    mean, sd, n, event : (a,), sd > 0, n > 1, 0 <= event <= n

    Returns
    -------
    Contrasts. An arm adds its own variance to each of its contrasts, so that all pairs together
    determine their covariance. SMD: Hedges' g with one SD pooled over all arms of the trial and
    its degrees of freedom, so that the contrasts close; variance 1/n1 + 1/n2 + g^2/(2 N), N = all
    people of the trial. Counts: 0.5 is added to all cells of a trial with a zero cell; a trial
    with events in no arm is left out for OR and RR, with events in everyone for OR

    Raises
    ------
    TrialpoolError
        lists every problem: a trial of one arm, a treatment twice in a trial, numbers that are
        missing or impossible, an unknown measure, missing columns

    References
    ----------
    Gleser & Olkin 2009, in Cooper, Hedges & Valentine, chapter 19 (shared arms); Rücker &
    Schwarzer 2014, Stat Med 33:4353
    """
    check_choice("measure", measure, (*SCORES, *COUNTS))
    needed = {"mean": mean, "sd": sd, "n": n} if measure in SCORES else {"event": event, "n": n}
    if absent := [name for name, values in needed.items() if values is None]:
        raise TrialpoolError(f"{measure} needs {', '.join(needed)}: {', '.join(absent)} missing")
    columns = {name: as_numbers(name, values) for name, values in needed.items()}
    studies, arms = [str(s) for s in study], [str(t) for t in treatment]
    sizes = {len(studies), len(arms), *(x.size for x in columns.values())}
    if len(sizes) > 1:
        raise TrialpoolError("study, treatment and the numbers must have one length")
    raise_all(_problems(studies, arms, columns))
    out = _Builder(measure)
    for name in sorted(set(studies), key=alphabetical):
        rows = [i for i, each in enumerate(studies) if each == name]
        rows.sort(key=lambda i: alphabetical(arms[i]))
        numbers = {column: values[rows] for column, values in columns.items()}
        out.add(name, [arms[i] for i in rows], numbers)
    return out.contrasts()


def _problems(studies: list[str], arms: list[str], columns: dict[str, Array]) -> list[str]:
    out = []
    for name in dict.fromkeys(studies):
        names = [arm for each, arm in zip(studies, arms, strict=True) if each == name]
        if len(names) == 1:
            out.append(
                f"study {name}: one arm ({names[0]}) says nothing on differences. Add the other"
                " arms, or leave the trial out"
            )
        for arm in sorted({arm for arm in names if names.count(arm) > 1}):
            out.append(f"study {name}: {arm} is given twice. Combine the arms, or name them apart")
    rules: dict[str, tuple[Callable[[Array], NDArray[np.bool_]], str]] = {
        "mean": (np.isfinite, "must be a finite number"),
        "sd": (lambda x: np.isfinite(x) & (x > 0), "must be a finite number > 0"),
        "n": (lambda x: np.isfinite(x) & (x > 1), "must be more than 1"),
        "event": (
            lambda x: (x >= 0) & (x <= columns["n"]),
            "must lie between 0 and n",
        ),
    }
    for column, values in columns.items():
        good, rule = rules[column]
        for i in np.flatnonzero(~good(values)):
            out.append(
                f"{column}[{i}] = {values[i]:g} (study {studies[i]}, {arms[i]}): {rule}. Correct"
                " it, or leave the arm out and record why"
            )
    return out


class _Builder:
    """Collects the contrasts of one trial after the other."""

    def __init__(self, measure: str) -> None:
        self.measure = measure
        self.rows: list[tuple[str, str, str, float, float]] = []
        self.left_out: dict[str, str] = {}

    def add(self, study: str, arms: list[str], numbers: dict[str, Array]) -> None:
        level, variance, shared = (
            _scores(self.measure, numbers) if "sd" in numbers else self._counts(numbers)
        )
        if not np.isfinite(level).all():
            which = "no events in any arm" if numbers["event"].sum() == 0 else "events in everyone"
            self.left_out[study] = f"{which}: the {self.measure} is not defined"
            return
        for i, j in combinations(range(len(arms)), 2):
            y = float(level[i] - level[j])
            v = float(variance[i] + variance[j] + shared * y * y)
            self.rows.append((study, arms[i], arms[j], y, float(np.sqrt(v))))

    def _counts(self, numbers: dict[str, Array]) -> tuple[Array, Array, float]:
        """Log odds, log risk or risk of each arm, and its variance."""
        e, n = numbers["event"], numbers["n"]
        risk, everyone = e / n, bool((e == n).all())
        if (e.sum() == 0 and self.measure != "RD") or (everyone and self.measure == "OR"):
            return np.full(e.shape, np.nan), e, 0.0
        if ((e == 0) | (e == n)).any():
            e, n = e + ADD, n + 2 * ADD
        p = e / n
        if self.measure == "OR":
            return np.log(p / (1 - p)), 1 / e + 1 / (n - e), 0.0
        # What is known of the risks goes into the variance alone, as in `effect_size`.
        if self.measure == "RR":
            return np.log(risk if everyone else p), 1 / e - 1 / n, 0.0
        return risk, p * (1 - p) / n, 0.0

    def contrasts(self) -> Contrasts:
        study, one, two, yi, sei = zip(*self.rows, strict=True) if self.rows else ((),) * 5
        return Contrasts(
            study=study,
            treat1=one,
            treat2=two,
            yi=np.array(yi, dtype=np.float64),
            sei=np.array(sei, dtype=np.float64),
            measure=self.measure,
            left_out=self.left_out,
        )


def _scores(measure: str, numbers: dict[str, Array]) -> tuple[Array, Array, float]:
    """Mean of each arm (standardised for SMD), its own variance, and the factor of y^2."""
    mean, sd, n = numbers["mean"], numbers["sd"], numbers["n"]
    if measure == "MD":
        return mean, sd**2 / n, 0.0
    df = float((n - 1).sum())
    pooled = np.sqrt(((n - 1) * sd**2).sum() / df)
    # Hedges 1981, the exact correction.
    j = np.exp(gammaln(df / 2) - np.log(np.sqrt(df / 2)) - gammaln((df - 1) / 2))
    return j * (mean - mean.mean()) / pooled, 1 / n, 1 / (2 * float(n.sum()))
