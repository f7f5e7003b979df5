"""Checks of the contrasts a network is made of: which trials, which arms, one network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from trialpool.pooling.inputs import as_numbers, is_blank
from trialpool.results import Array, TrialpoolError

# Shares of a contrast's standard error: printed numbers are rounded, contradictions are larger.
CLOSED = 0.01
_NOT_POSITIVE = "must be a finite number > 0. Leave the trial out and record why"
_Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial of m arms.

    `arms` are places in the treatments of the network, rising; `y` (m, m) holds the difference of
    the row's arm from the column's, `v` (m, m) its sampling variance.
    """

    name: str
    arms: tuple[int, ...]
    y: Array
    v: Array


class _Contrast(NamedTuple):
    row: int
    pair: _Pair
    y: float
    se: float


def as_trials(
    study: Sequence[Any],
    treat1: Sequence[Any],
    treat2: Sequence[Any],
    yi: ArrayLike,
    sei: ArrayLike,
) -> tuple[tuple[str, ...], tuple[Trial, ...]]:
    """The treatments in alphabetical order, and the trials that compare them, checked.

    Raises
    ------
    TrialpoolError
        lists every problem at once: columns of different lengths, no contrast, blank names, a
        treatment compared with itself, a number that is not finite, sei <= 0, a comparison given
        twice, missing contrasts of a trial of several arms, contrasts of one trial that
        contradict each other or whose standard errors leave an arm a negative variance, a network
        in several parts
    """
    y, se = as_numbers("yi", yi), as_numbers("sei", sei)
    columns: dict[str, Any] = {
        "study": study,
        "treat1": treat1,
        "treat2": treat2,
        "yi": y,
        "sei": se,
    }
    sizes = {name: len(values) if np.ndim(values) else 0 for name, values in columns.items()}
    if len(set(sizes.values())) > 1 or y.ndim != 1 or se.ndim != 1:
        lengths = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise TrialpoolError(f"the columns must have one length, got {lengths}")
    if not len(y):
        raise TrialpoolError("yi is empty: there is no contrast to make a network of")
    names, one, two = ([_name(value) for value in column] for column in (study, treat1, treat2))
    raise_all(_row_problems(names, one, two, y, se))
    treatments = tuple(sorted({*one, *two}, key=alphabetical))
    by_study: dict[str, list[_Contrast]] = {}
    for row, name in enumerate(names):
        contrast = _Contrast(row, (one[row], two[row]), float(y[row]), float(se[row]))
        by_study.setdefault(name, []).append(contrast)
    place = {name: i for i, name in enumerate(treatments)}
    problems: list[str] = []
    trials = [
        trial
        for name in sorted(by_study, key=alphabetical)
        if (trial := _trial(name, by_study[name], place, problems)) is not None
    ]
    raise_all(problems)
    parts = components(len(treatments), (trial.arms for trial in trials))
    if len(parts) > 1:
        listed = " and ".join(f"{{{', '.join(treatments[i] for i in part)}}}" for part in parts)
        raise TrialpoolError(
            f"the network is in {len(parts)} parts that no trial links: {listed}. Analyse each"
            " part by itself, or add a trial that compares treatments of both"
        )
    return treatments, tuple(trials)


def alphabetical(name: str) -> tuple[str, str]:
    """Sorting key of names that lets capitals and small letters stand together."""
    return name.casefold(), name


def components(n: int, groups: Iterable[Sequence[int]]) -> list[list[int]]:
    """The parts of a graph of n nodes in which the nodes of each group are linked."""
    part = list(range(n))

    def root(i: int) -> int:
        while part[i] != i:
            part[i] = part[part[i]]
            i = part[i]
        return i

    for group in groups:
        first = root(group[0])
        for other in group[1:]:
            part[root(other)] = first
    parts: dict[int, list[int]] = {}
    for i in range(n):
        parts.setdefault(root(i), []).append(i)
    return list(parts.values())


def raise_all(problems: Sequence[str]) -> None:
    """Raise one error that lists all problems, if there are any."""
    if problems:
        raise TrialpoolError("\n".join(problems))


def _name(value: Any) -> str:
    return "" if is_blank(value) else str(value).strip()


def _row_problems(
    study: list[str], treat1: list[str], treat2: list[str], y: Array, se: Array
) -> list[str]:
    out = []
    for i, (trial, one, two) in enumerate(zip(study, treat1, treat2, strict=True)):
        if not trial:
            out.append(f"study[{i}] is blank: every contrast belongs to a trial. Name it")
        for column, value in (("treat1", one), ("treat2", two)):
            if not value:
                out.append(
                    f"{column}[{i}] is blank (study {trial}): a trial of one arm says nothing on"
                    " differences. Name the other arm, or leave the trial out"
                )
        if one and one == two:
            out.append(
                f"treat1[{i}] = treat2[{i}] = {one} (study {trial}): a treatment is not compared"
                " with itself. Correct a name, or combine the arms"
            )
        if not np.isfinite(y[i]):
            out.append(
                f"yi[{i}] = {y[i]} (study {trial}): must be a finite number. Leave the trial out"
                " and record why"
            )
        if not (np.isfinite(se[i]) and se[i] > 0):
            out.append(f"sei[{i}] = {se[i]} (study {trial}): {_NOT_POSITIVE}")
    return out


def _trial(
    name: str, rows: list[_Contrast], place: Mapping[str, int], problems: list[str]
) -> Trial | None:
    """A trial from its contrasts; None where they do not make one, with the problems noted."""
    arms = sorted({place[t] for row in rows for t in row.pair})
    called = {place[t]: t for row in rows for t in row.pair}
    at = {arm: i for i, arm in enumerate(arms)}
    y, v = np.zeros((len(arms), len(arms))), np.zeros((len(arms), len(arms)))
    seen: set[tuple[int, int]] = set()
    before = len(problems)
    for row in rows:
        i, j = (at[place[t]] for t in row.pair)
        if (min(i, j), max(i, j)) in seen:
            problems.append(
                f"study {name}: {row.pair[0]} v {row.pair[1]} is given twice (row {row.row})."
                " Keep one, or give the two trials names of their own"
            )
        seen.add((min(i, j), max(i, j)))
        y[i, j], y[j, i] = row.y, -row.y
        v[i, j] = v[j, i] = row.se**2
    missing = [pair for pair in combinations(range(len(arms)), 2) if pair not in seen]
    if missing:
        listed = ", ".join(f"{called[arms[i]]} v {called[arms[j]]}" for i, j in missing)
        full = len(arms) * (len(arms) - 1) // 2
        problems.append(
            f"study {name}: {len(arms)} arms need {full} contrasts, {len(seen)} are given."
            f" Add {listed}, or name the comparisons as trials of their own if they are"
        )
    if len(problems) > before:
        return None
    if why := _contradiction([called[a] for a in arms], y, v):
        problems.append(f"study {name}: {why}")
        return None
    return Trial(name=name, arms=tuple(arms), y=y, v=v)


def _contradiction(arms: list[str], y: Array, v: Array) -> str:
    """Why the contrasts of a trial cannot come from the same arms; blank if they can."""
    for i, j, h in combinations(range(len(arms)), 3):
        gap = y[i, j] + y[j, h] - y[i, h]
        if abs(gap) > CLOSED * float(np.sqrt(max(v[i, j], v[j, h], v[i, h]))):
            one, two, three = arms[i], arms[j], arms[h]
            return (
                f"the effects contradict each other: {one} v {two} and {two} v {three} add up to"
                f" {y[i, j] + y[j, h]:.6g}, but {one} v {three} is {y[i, h]:.6g}. Correct them, or"
                " compute all from the arms"
            )
    if len(arms) > 2:
        spread = np.linalg.eigvalsh(arm_covariance(v))[1:]
        if spread[0] <= 1e-10 * spread[-1]:
            return (
                f"the standard errors of {', '.join(arms)} contradict each other: no variances of"
                " the arms give them. Correct them, or compute all from the arms"
            )
    for i, j, h in permutations(range(len(arms)), 3):
        variance = float(v[i, j] + v[i, h] - v[j, h]) / 2
        if j < h and variance < -2 * CLOSED * float(max(v[i, j], v[i, h], v[j, h])):
            one, two, three = arms[i], arms[j], arms[h]
            return (
                f"the standard errors of {one} v {two} and {one} v {three} are too small beside"
                f" that of {two} v {three}: the variance of arm {one} would be {variance:.3g}."
                " Correct them, or compute all from the arms"
            )
    return ""


def arm_covariance(v: Array) -> Array:
    """Covariance (m, m) of the arms about their mean, from the variances of their differences.

    Rücker & Schwarzer 2014, Stat Med 33:4353, eq. 5; works on stacks (..., m, m).
    """
    m = v.shape[-1]
    centre = np.eye(m) - 1 / m
    out: Array = -centre @ v @ centre / 2
    return out
