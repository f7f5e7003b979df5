"""Random effects as a user names them, and as the likelihood needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialpool.multilevel.structures import STRUCTURES, Structure
from trialpool.pooling.inputs import is_blank
from trialpool.results import Array, TrialpoolError, check_choice

if TYPE_CHECKING:
    from pandas import DataFrame

Index = NDArray[np.int64]


@dataclass(frozen=True, init=False)
class Nested:
    """Random intercepts: `Nested("district", "school")` for districts and schools within them."""

    factors: tuple[str, ...]

    def __init__(self, *factors: str) -> None:
        """Name columns of `data` from the outermost to the innermost."""
        object.__setattr__(self, "factors", factors)


@dataclass(frozen=True)
class Structured:
    """Correlated effects at the levels of `inner` that share a level of `within`.

    `struct` is one of `STRUCTURES`; of AR and HAR the levels of `inner` follow one another in
    their sorted order, of CAR they are times. `rho` fixes the correlation (of CS, HCS, AR, HAR,
    CAR) at a value.
    """

    inner: str
    within: str
    struct: str = "CS"
    rho: float | None = None


Term = Nested | Structured


@dataclass(frozen=True)
class Part:
    """One set of random effects with one covariance structure.

    `inner` and `outer` (k,) say for each row which level and which group it belongs to, `levels`
    and `groups` what these are called; `fixed` (q,) holds parameters that are not estimated and
    NaN for the others.
    """

    name: str
    kind: str
    structure: Structure
    inner: Index
    outer: Index
    levels: tuple[str, ...]
    groups: tuple[str, ...]
    fixed: Array

    @property
    def variance_names(self) -> tuple[str, ...]:
        """Of each variance: "sigma2 district", "tau2 outcome | trial: AL"."""
        if self.structure.n_variances == 1:
            return (f"{self.kind} {self.name}",)
        return tuple(f"{self.kind} {self.name}: {level}" for level in self.levels)

    @property
    def correlation_names(self) -> tuple[str, ...]:
        """Of each correlation: "rho outcome | trial", with the two levels for UN."""
        if self.structure.n_correlations == 0:
            return ()
        if self.structure.code != "UN":
            return (f"rho {self.name}",)
        pairs = zip(*np.triu_indices(self.structure.m, 1), strict=True)
        return tuple(f"rho {self.name}: {self.levels[a]}, {self.levels[b]}" for a, b in pairs)

    def led_by(self, level: int) -> Part:
        """The same with another level as the first one: of UN its correlations are parameters."""
        order = [level, *(i for i in range(len(self.levels)) if i != level)]
        inner = np.argsort(order)[self.inner]
        structure = Structure(self.structure.code, self.structure.times[order])
        levels = tuple(self.levels[i] for i in order)
        return replace(self, inner=inner, structure=structure, levels=levels)


def parts_of(
    random: Sequence[Term], data: Mapping[str, Any] | DataFrame | None, k: int
) -> list[Part]:
    """The random effects of a model, from the columns they name.

    Raises
    ------
    TrialpoolError
        a column that is missing, has another length or blanks; an unknown structure; times that
        are not numbers; a correlation out of range
    """
    out: list[Part] = []
    for term in random:
        if isinstance(term, Nested):
            if not term.factors:
                raise TrialpoolError("Nested() names no column: name at least one factor")
            columns = [_column(data, name, k) for name in term.factors]
            for depth in range(1, len(columns) + 1):
                name = "/".join(term.factors[:depth])
                out.append(_intercepts(name, columns[:depth]))
        elif isinstance(term, Structured):
            out.append(_structured(term, data, k))
        else:
            raise TrialpoolError(f"random holds {term!r}: use Nested(...) or Structured(...)")
    return out


def _intercepts(name: str, columns: list[NDArray[Any]]) -> Part:
    codes, labels = _codes(columns[0])
    for column in columns[1:]:
        inner, inner_labels = _codes(column)
        pairs, codes = np.unique(codes * len(inner_labels) + inner, return_inverse=True)
        labels = tuple(
            f"{labels[pair // len(inner_labels)]}/{inner_labels[pair % len(inner_labels)]}"
            for pair in pairs
        )
    one = Structure("ID", np.zeros(1))
    zero = np.zeros(len(codes), dtype=np.int64)
    return Part(name, "sigma2", one, zero, codes, ("",), labels, np.full(1, np.nan))


def _structured(term: Structured, data: Mapping[str, Any] | DataFrame | None, k: int) -> Part:
    check_choice("struct", term.struct, STRUCTURES)
    column = _column(data, term.inner, k)
    name = f"{term.inner} | {term.within}"
    inner, levels = _codes(column)
    outer, groups = _codes(_column(data, term.within, k))
    times = np.arange(len(levels), dtype=np.float64)
    if term.struct == "CAR":
        times = np.array([_time(term.inner, level) for level in np.unique(column)])
    structure = Structure(term.struct, times)
    fixed = np.full(structure.n, np.nan)
    if term.rho is not None:
        if structure.n_correlations != 1:
            raise TrialpoolError(f"{name}: {term.struct} has no single rho that could be fixed")
        low, high = structure.rho_bounds
        if not low <= term.rho <= high:
            raise TrialpoolError(f"{name}: rho = {term.rho!r} must lie in {low:g} to {high:g}")
        fixed[-1] = structure.angle(term.rho)
    return Part(name, "tau2", structure, inner, outer, levels, groups, fixed)


def _column(data: Mapping[str, Any] | DataFrame | None, name: str, k: int) -> NDArray[Any]:
    if data is None or name not in data:
        raise TrialpoolError(f"data has no column {name!r}, which a random effect names")
    column = np.asarray(data[name])
    if column.shape != (k,):
        raise TrialpoolError(f"data column {name!r} has shape {column.shape}, needed is ({k},)")
    for i, x in enumerate(column.tolist()):
        if is_blank(x):
            raise TrialpoolError(f"data column {name!r}, row {i} is blank: name the level")
    return column


def _codes(column: NDArray[Any]) -> tuple[Index, tuple[str, ...]]:
    if column.dtype == object:
        column = column.astype(str)
    labels, codes = np.unique(column, return_inverse=True)
    return codes.astype(np.int64), tuple(str(label) for label in labels)


def _time(name: str, level: Any) -> float:
    try:
        time = float(level)
    except (TypeError, ValueError):
        time = float("nan")
    if not np.isfinite(time):
        raise TrialpoolError(f"data column {name!r} holds {level!r}: CAR needs times (numbers)")
    return time


def as_codes(labels: ArrayLike, k: int) -> tuple[Index, tuple[str, ...]]:
    """Numbers and names of the levels of a grouping variable of k rows."""
    return _codes(_column({"cluster": labels}, "cluster", k))
