"""Registry of effect measures: one function each, its required columns declared beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialpool.results import NAN, Array, EffectSizes, TrialpoolError

Formula = Callable[..., EffectSizes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An effect measure: its formula, required columns, and columns that are sums of others."""

    name: str
    formula: Formula
    needs: tuple[str, ...]
    sums: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the keyword options the formula takes beside its columns."""
        names = inspect.signature(self.formula).parameters
        return tuple(name for name in names if name not in self.needs)


MEASURES: dict[str, Measure] = {}


def measure(
    name: str,
    *,
    needs: tuple[str, ...],
    sums: Mapping[str, tuple[str, str]] | None = None,
) -> Callable[[Formula], Formula]:
    """Register a formula under `name`.

    `sums` says which required column may be given as two parts, e.g. n1i as ai + bi.
    """

    def add(formula: Formula) -> Formula:
        MEASURES[name] = Measure(name=name, formula=formula, needs=needs, sums=dict(sums or {}))
        return formula

    return add


def compute(name: str, given: Mapping[str, Any]) -> EffectSizes:
    """Check the columns of one call against the measure's declaration, and apply its formula."""
    if name not in MEASURES:
        raise TrialpoolError(f"unknown measure {name!r}: known are {', '.join(sorted(MEASURES))}")
    spec = MEASURES[name]
    given = {key: value for key, value in given.items() if value is not None}
    parts = {part for pair in spec.sums.values() for part in pair}
    allowed = {*spec.needs, *spec.options, *parts}
    if unknown := sorted(set(given) - allowed):
        raise TrialpoolError(
            f"{name} does not take {', '.join(unknown)}: columns are {', '.join(spec.needs)}"
            f"; options are {', '.join(spec.options) or 'none'}"
        )
    columns = {
        key: as_column(key, value) for key, value in given.items() if key not in spec.options
    }
    for total, (first, second) in spec.sums.items():
        if total not in columns and first in columns and second in columns:
            _same_length(name, {key: columns[key] for key in (first, second)})
            columns[total] = columns[first] + columns[second]
    if missing := [key for key in spec.needs if key not in columns]:
        raise TrialpoolError(f"{name} needs {', '.join(spec.needs)}: missing {', '.join(missing)}")
    used = {key: columns[key] for key in spec.needs}
    _same_length(name, used)
    options = {key: given[key] for key in spec.options if key in given}
    return spec.formula(**used, **options)


def _same_length(name: str, columns: Mapping[str, Array]) -> None:
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise TrialpoolError(f"{name}: columns must have one length, got {listed}")


def as_column(name: str, values: Any) -> Array:
    """One column as floats of shape (k,); a single number is a column of one study."""
    try:
        column = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise TrialpoolError(f"{name} must hold numbers only: {error}") from None
    if column.ndim != 1:
        raise TrialpoolError(f"{name} must be one column, got an array of shape {column.shape}")
    return column


def choice(option: str, value: Any, allowed: Sequence[str]) -> str:
    """An option's value, or an error that names the allowed ones."""
    if value not in allowed:
        raise TrialpoolError(f"{option} = {value!r}: allowed are {', '.join(allowed)}")
    return str(value)


Rule = tuple[NDArray[np.bool_], str]


def reasons_for(columns: Mapping[str, Array], rules: Sequence[Rule] = ()) -> tuple[str, ...]:
    """Per study why no effect can be computed: the first that holds, "" where none does.

    A missing value in any column comes before the measure's own `rules` (mask, text).
    """
    k = len(next(iter(columns.values())))
    out = np.full(k, "", dtype=object)
    missing = [(~np.isfinite(column), f"{key} is missing") for key, column in columns.items()]
    for mask, text in reversed([*missing, *rules]):
        out[mask] = text
    return tuple(str(text) for text in out)


def finish(
    yi: Array,
    vi: Array,
    *,
    measure: str,
    formula: str,
    reason: tuple[str, ...],
    known: NDArray[np.bool_] | None = None,
) -> EffectSizes:
    """Blank the studies that have a reason, and explain any other that came out undefined.

    Where `known`, the effect itself does not depend on what is missing and stays; only its
    variance is NaN.
    """
    undefined = ~(np.isfinite(yi) & np.isfinite(vi) & (vi > 0))
    told = tuple(
        text or ("sampling variance is 0 or undefined" if bad else "")
        for text, bad in zip(reason, undefined, strict=True)
    )
    blank = np.array([bool(text) for text in told], dtype=np.bool_)
    keep = ~blank if known is None else ~blank | known
    return EffectSizes(
        yi=np.where(keep, yi, NAN),
        vi=np.where(blank, NAN, vi),
        measure=measure,
        formula=formula,
        reason=told,
    )


def none_of(rules: Sequence[Rule]) -> NDArray[np.bool_]:
    """Studies that no rule forbids, shape (k,)."""
    return ~np.asarray(np.logical_or.reduce([mask for mask, _ in rules]), dtype=np.bool_)
