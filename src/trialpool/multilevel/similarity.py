"""How much two effects of one study correlate, from what they measure, in whom and when."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.pooling.inputs import as_numbers, is_blank
from trialpool.results import Array, TrialpoolError

Column = NDArray[np.object_]
_NEEDED = "rho is needed with obs or type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The columns that describe k effects, checked; None where a column is not given."""

    obs: Column | None
    type: Column | None
    time1: Array | None
    time2: Array | None
    grp1: Column | None
    grp2: Column | None
    w1: Array | None
    w2: Array | None
    within: Any
    between: Any
    phi: float

    @classmethod
    def of(cls, k: int, *, rho: Any, phi: float | None, **columns: Any) -> Self:
        """From what the caller gave; raises for what does not go together."""
        names: dict[str, Any] = {
            name: _labels(name, columns[name], k) for name in ("obs", "type", "grp1", "grp2")
        }
        numbers: dict[str, Any] = {
            n: _numbers(n, columns[n], k) for n in ("time1", "time2", "w1", "w2")
        }
        time1, time2 = numbers["time1"], numbers["time2"]
        numbers["time2"] = time1 if time2 is None else time2
        groups = names["grp1"], names["grp2"]
        apart = names["obs"] is not None or names["type"] is not None
        if not apart and time1 is None and groups[0] is None:
            if rho is None:
                raise TrialpoolError("rho is needed: how much two effects of a study correlate")
            # Without a column to tell effects apart, each is another one.
            names["obs"] = np.arange(k).astype(object)
        elif rho is not None and not apart:
            raise TrialpoolError("rho needs obs or type, which say what an effect measures")
        elif rho is None and apart:
            raise TrialpoolError(_NEEDED)
        if groups[0] is None and groups[1] is not None:
            raise TrialpoolError("grp2 needs grp1: the groups that an effect compares")
        if time1 is None and time2 is not None:
            raise TrialpoolError("time2 needs time1")
        if (phi is None) != (time1 is None):
            raise TrialpoolError("phi and time1 are needed together")
        for name in ("w1", "w2"):
            weights = numbers[name]
            if weights is not None and not (weights > 0).all():
                raise TrialpoolError(f"{name} must be > 0: the size of a group")
        within, between = _pair(rho, both=names["obs"] is not None and names["type"] is not None)
        return cls(
            **names,
            **numbers,
            within=within,
            between=between,
            phi=1.0 if phi is None else _correlation("phi", phi, 0.0),
        )


def correlations(d: Described, rows: NDArray[np.int64]) -> Array:
    """Correlation matrix of the effects in `rows`, (n, n)."""
    n = len(rows)
    out = np.eye(n)
    if n > 1:
        out = _of_measures(d, rows)
        if d.grp1 is not None or d.time1 is not None:
            out = out * _of_conditions(d, rows)
        np.fill_diagonal(out, 1.0)
    return out


def _of_measures(d: Described, rows: NDArray[np.int64]) -> Array:
    """From scale and construct: 1 where both are the same."""
    out = np.ones((len(rows), len(rows)))
    if d.obs is not None:
        out = _looked_up("obs", d.obs[rows], d.within)
    if d.type is not None:
        types = d.type[rows]
        out = np.where(_same(types, types), out, _looked_up("type", types, d.between))
    return out


def _of_conditions(d: Described, rows: NDArray[np.int64]) -> Array:
    """From groups and times.

    An effect is the outcome of one group at one time, or the difference of two such, each with
    variance 1/w. Outcomes of one group t units apart correlate by phi^t, of two groups not at all.
    """
    n = len(rows)
    ones = np.ones(n)
    group = np.zeros(n, dtype=object) if d.grp1 is None else d.grp1[rows]
    ends = [(1.0, group, _part(d.time1, rows, 0 * ones), _part(d.w1, rows, ones))]
    if d.grp2 is not None:
        second = (d.grp2[rows], _part(d.time2, rows, 0 * ones), _part(d.w2, rows, ones))
        ends.append((-1.0, *second))
    out = np.zeros((n, n))
    for sign_a, groups_a, times_a, weights_a in ends:
        for sign_b, groups_b, times_b, weights_b in ends:
            apart = np.abs(times_a[:, None] - times_b)
            size = np.sqrt(weights_a[:, None] * weights_b)
            out += sign_a * sign_b * _same(groups_a, groups_b) * d.phi**apart / size
    variance = np.diag(out)
    if (variance <= 1e-12 * np.abs(out).max()).any():
        at = int(rows[int(variance.argmin())])
        raise TrialpoolError(
            f"effect {at} compares a group with itself at one time: grp1, grp2 or the times are"
            " wrong"
        )
    return np.asarray(out / np.sqrt(variance[:, None] * variance))


def _looked_up(name: str, labels: Column, rho: Any) -> Array:
    """1 for the same label, else the correlation of the two."""
    if not isinstance(rho, Mapping):
        return np.where(_same(labels, labels), 1.0, rho)
    out = np.eye(len(labels))
    for i, a in enumerate(labels):
        for j, b in enumerate(labels):
            if a == b:
                out[i, j] = 1.0
            elif (a, b) in rho or (b, a) in rho:
                out[i, j] = _correlation("rho", rho.get((a, b), rho.get((b, a))), -1.0)
            else:
                raise TrialpoolError(f"rho has no correlation for {name} {a!r} with {b!r}")
    return out


def _same(a: Column, b: Column) -> NDArray[np.bool_]:
    return np.asarray(a[:, None] == b, dtype=np.bool_)


def _part(column: Array | None, rows: NDArray[np.int64], absent: Array) -> Array:
    return absent if column is None else column[rows]


def _pair(rho: Any, *, both: bool) -> tuple[Any, Any]:
    """Correlations within and between constructs."""
    if isinstance(rho, tuple | list):
        if not both:
            raise TrialpoolError("two values of rho need both obs and type")
        if len(rho) != 2:
            raise TrialpoolError(f"rho has {len(rho)} values: needs (within type, between types)")
        within, between = rho
    elif both:
        raise TrialpoolError("obs with type needs two values of rho: within and between types")
    else:
        within = between = rho
    return _checked(within), _checked(between)


def _checked(rho: Any) -> Any:
    """A number between -1 and 1; tables are checked where they are read."""
    return rho if rho is None or isinstance(rho, Mapping) else _correlation("rho", rho, -1.0)


def _correlation(name: str, value: Any, least: float) -> float:
    number = float(as_numbers(name, value))
    if not least <= number <= 1:
        raise TrialpoolError(f"{name} = {number}: must lie between {least:g} and 1")
    return number


def _labels(name: str, values: Sequence[Hashable] | None, k: int) -> Column | None:
    if values is None:
        return None
    out = np.empty(len(values), dtype=object)
    for i, label in enumerate(values):
        out[i] = label
    if len(out) != k:
        raise TrialpoolError(f"{name} has {len(out)} rows for {k} effects")
    blank = [i for i, x in enumerate(out) if is_blank(x)]
    if blank:
        raise TrialpoolError(f"{name}[{blank[0]}] is blank")
    return out


def _numbers(name: str, values: ArrayLike | None, k: int) -> Array | None:
    if values is None:
        return None
    out = as_numbers(name, values)
    if out.shape != (k,):
        raise TrialpoolError(f"{name} has shape {out.shape} for {k} effects")
    if not np.isfinite(out).all():
        raise TrialpoolError(f"{name}[{int((~np.isfinite(out)).argmax())}] is not a finite number")
    return out
