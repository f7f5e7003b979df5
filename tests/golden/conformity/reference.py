"""A reference file as a tree of nodes that know their place in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Place = tuple[str, ...]

# metafor gives five numbers as one array under `fit`; each is a quantity of its own.
FIT = ("logLik", "deviance", "AIC", "BIC", "AICc")


class Node:
    """One value of the file and the keys that lead to it."""

    __slots__ = ("place", "value")

    def __init__(self, value: Any, place: Place = ()) -> None:
        self.value = value
        self.place = place

    def get(self, *keys: str) -> Node:
        """The node under these keys; an empty one where the file has no such key."""
        value = self.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return Node(value, (*self.place, *keys))

    def __bool__(self) -> bool:
        return self.value is not None

    def items(self) -> list[tuple[str, Node]]:
        """Children by key; a list of objects has its positions as keys."""
        if isinstance(self.value, dict):
            return [(key, Node(value, (*self.place, key))) for key, value in self.value.items()]
        if isinstance(self.value, list):
            return [(str(i), Node(x, (*self.place, str(i)))) for i, x in enumerate(self.value)]
        return []

    def floats(self) -> Array:
        """Numbers of a scalar or list (null and "NaN" as NaN), shape (n,) or (n, m)."""
        if isinstance(self.value, list) and any(isinstance(x, list) for x in self.value):
            return np.array([Node(row).floats() for row in self.value], dtype=np.float64)
        listed = self.value if isinstance(self.value, list) else [self.value]
        return np.array([np.nan if x is None else float(x) for x in listed], dtype=np.float64)

    def criteria(self) -> dict[str, Node]:
        """The five numbers of a `fit` array by name."""
        return {
            name: Node(value, (*self.place, name))
            for name, value in zip(FIT, self.value or (), strict=False)
        }


def load(path: Path) -> Node:
    """The root of one file."""
    return Node(json.loads(path.read_text(encoding="utf-8")))


def leaves(node: Node) -> Iterator[Node]:
    """All values of the file: single ones and arrays, which count as one."""
    if isinstance(node.value, dict) or _holds_objects(node.value):
        for _, child in node.items():
            yield from leaves(child)
    elif _is_fit(node):
        yield from node.criteria().values()
    elif node:
        yield node


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(x, dict) for x in value)


def _is_fit(node: Node) -> bool:
    return (
        "fit" in node.place[-2:]
        and isinstance(node.value, list)
        and len(node.value) == len(FIT)
    )  # fmt: skip
