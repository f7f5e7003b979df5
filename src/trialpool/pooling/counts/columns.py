"""Columns of counts: read, checked, and the reasons why some hold no effect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from trialpool.results import Array, TrialpoolError


def as_columns(given: Mapping[str, ArrayLike]) -> tuple[Array, ...]:
    """Columns of finite numbers, one length; raises with the column and index otherwise."""
    try:
        columns = {
            name: np.atleast_1d(np.asarray(x, dtype=np.float64)) for name, x in given.items()
        }
    except (TypeError, ValueError) as error:
        raise TrialpoolError(f"{', '.join(given)} must hold numbers only: {error}") from None
    first = next(iter(columns.values()))
    if first.ndim != 1 or len({x.shape for x in columns.values()}) > 1:
        shapes = ", ".join(f"{name} {x.shape}" for name, x in columns.items())
        raise TrialpoolError(f"{', '.join(given)} must be columns of one length, got {shapes}")
    if first.size == 0:
        raise TrialpoolError(f"{next(iter(given))} is empty (k = 0): there is no study to pool")
    for name, x in columns.items():
        reject(~np.isfinite(x), name, x, "must be a finite number; leave the study out")
    return tuple(columns.values())


def reject(bad: np.ndarray, name: str, column: Array, rule: str) -> None:
    """Raise for the first bad value, if there is one."""
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise TrialpoolError(f"{name}[{i}] = {column[i]:g}: {rule}")


def as_tables(
    ai: ArrayLike, n1i: ArrayLike, ci: ArrayLike, n2i: ArrayLike, *, whole: bool
) -> tuple[Array, Array, Array, Array]:
    """Two-by-two tables, checked; `whole` where the model allows whole numbers only."""
    given = {"ai": ai, "n1i": n1i, "ci": ci, "n2i": n2i}
    a, n1, c, n2 = columns = as_columns(given)
    for name, x in zip(given, columns, strict=True):
        reject(x < 0, name, x, "a count cannot be negative")
        if whole:
            reject(x != np.floor(x), name, x, "CM.EL counts people: a whole number is needed")
    reject(n1 == 0, "n1i", n1, "an arm needs participants")
    reject(n2 == 0, "n2i", n2, "an arm needs participants")
    reject(a > n1, "ai", a, "more events than participants in n1i")
    reject(c > n2, "ci", c, "more events than participants in n2i")
    return a, n1, c, n2


def as_rates(
    x1i: ArrayLike, t1i: ArrayLike, x2i: ArrayLike, t2i: ArrayLike
) -> tuple[Array, Array, Array, Array]:
    """Events and person-time of two arms, checked."""
    given = {"x1i": x1i, "t1i": t1i, "x2i": x2i, "t2i": t2i}
    x1, t1, x2, t2 = as_columns(given)
    for name, x in (("x1i", x1), ("x2i", x2)):
        reject(x < 0, name, x, "a count cannot be negative")
    for name, t in (("t1i", t1), ("t2i", t2)):
        reject(t <= 0, name, t, "an arm needs person-time")
    return x1, t1, x2, t2


def no_odds_ratio(a: Array, n1: Array, c: Array, n2: Array) -> str:
    """Why no common ratio exists where it does not, in a reader's words."""
    if not (a.any() or c.any()):
        return "no events in either arm of any study"
    if not a.any() or not c.any():
        return f"no events in arm {1 if not a.any() else 2} of any study"
    if (a == n1).all() or (c == n2).all():
        return f"events in every participant of arm {1 if (a == n1).all() else 2} in all studies"
    return "no study has events and non-events on which the arms could differ"


def no_rate_ratio(x1: Array, x2: Array) -> str:
    """Why no common rate ratio exists, or "" where it does."""
    if not (x1.any() or x2.any()):
        return "no events in either arm of any study"
    if not x1.any() or not x2.any():
        return f"no events in arm {1 if not x1.any() else 2} of any study"
    return ""
