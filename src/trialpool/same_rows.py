"""Columns of one table: pandas gives each row a name, and rows of different names never meet."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from trialpool.results import TrialpoolError

P = ParamSpec("P")
R = TypeVar("R")
# What has other rows than the studies: coefficients, combinations of them, sets, correlations.
_OTHER = {"beta", "contrasts", "mask", "tables"}


def same_rows(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse Series and frames of one length whose indexes differ, before a function sees them.

    Arrays and lists have no index and are taken by position. Lengths are the function's own
    matter.

    Raises
    ------
    TrialpoolError
        naming the two arguments, and a label that only one of them has
    """
    names = tuple(inspect.signature(function).parameters)

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        first: tuple[str, Any] | None = None
        for name, index in _indexes(names, args, kwargs):
            if first is None:
                first = name, index
            elif len(index) == len(first[1]) and not index.equals(first[1]):
                raise TrialpoolError(_difference(*first, name, index))
        return function(*args, **kwargs)

    return checked


def _indexes(
    names: tuple[str, ...], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Names and indexes of the arguments that have one."""
    for name, value in (*zip(names, args, strict=False), *kwargs.items()):
        parts = value.items() if isinstance(value, Mapping) else ()
        for label, part in ((name, value), *((f"{name}[{key!r}]", each) for key, each in parts)):
            if hasattr(part, "iloc") and name not in _OTHER:
                yield label, part.index


def _difference(name: str, index: Any, other: str, other_index: Any) -> str:
    alone = [label for label in index if label not in other_index]
    how = (
        f"{name} has a row {alone[0]!r} and {other} has none"
        if alone
        else "the same labels stand in another order, or some repeat"
    )
    return (
        f"{name} and {other} are of different rows: {how}. Take both from one table, or pass "
        ".to_numpy() where the order is the same"
    )
