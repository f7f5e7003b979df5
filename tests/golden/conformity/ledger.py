"""What was compared, how well it agrees, and what was not compared at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from conformity.declared import DIFFERENCES, is_label
from conformity.reference import Array, Node, Place, leaves

T = TypeVar("T")

# A value nearer to 0 than this share of its natural size is judged on that share instead: with
# a relative tolerance of 1e-6 the smallest difference that counts is 1e-8 of the size.
NEAR_ZERO = 0.01


@dataclass(frozen=True, slots=True)
class Kind:
    """How a quantity is computed, and the relative error it may have."""

    name: str
    rtol: float


CLOSED = Kind("closed form", 1e-9)
ITERATIVE = Kind("iterative", 1e-6)
# metafor solves for coefficients through X'WX, which has the square of the condition of X: with
# calendar years beside an intercept about seven digits are left. Rational arithmetic decides for
# ours (test_golden.py).
ILL_CONDITIONED = Kind("closed form on an ill-conditioned design", 1e-6)
# R's integrate() stops at a relative error of 1.2e-4 and cannot be told otherwise through hc().
INTEGRATED = Kind("integral", 1e-4)
# A general-purpose optimiser stops at about the square root of its tolerance.
OPTIMISED = Kind("numerical optimiser", 1e-5)
# metafor's search for a tetrachoric correlation stops some 1e-5 before its end.
COARSE = Kind("coarse search", 5e-3)


@dataclass(slots=True)
class Tally:
    """All comparisons of one quantity."""

    quantity: str
    kind: Kind
    compared: int = 0
    worst: float = 0.0
    where: str = ""
    over: list[str] = field(default_factory=list)


class Ledger:
    """Comparisons of one run over any number of files."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.tallies: dict[str, Tally] = {}
        self.differences: Counter[str] = Counter()
        self.labels = 0
        self.not_yet: Counter[Place] = Counter()
        self.unread: list[str] = []
        self._claimed: set[Place] = set()

    @property
    def over(self) -> int:
        """Number of values over tolerance, crashes included."""
        return sum(len(tally.over) for tally in self.tallies.values())

    def open(self, name: str) -> None:
        """Begin with a file: claims belong to it alone."""
        self.files.append(name)
        self._claimed = set()

    def close(self, root: Node) -> None:
        """Sort every leaf that no comparer claimed into labels and quantities not yet there."""
        for leaf in leaves(root):
            if self._is_claimed(leaf.place):
                continue
            if is_label(leaf):
                self.labels += 1
            else:
                self.not_yet[pattern(leaf.place)] += 1

    def compare(
        self,
        quantity: str,
        node: Node,
        ours: ArrayLike,
        kind: Kind,
        unit: ArrayLike = 1.0,
        only: ArrayLike | None = None,
        *,
        squared: bool = False,
    ) -> None:
        """Hold ours against the numbers of a node, and claim it.

        Parameters
        ----------
        unit : natural size of the quantity, at most 1, for values near 0
        only : mask of the elements to compare; the caller declares why not the others
        squared : compare squares, for a root that would magnify the rounding of a value near 0
        """
        if not node:
            return
        self._claimed.add(node.place)
        try:
            theirs = node.floats().ravel()
        except (TypeError, ValueError) as error:
            self.cannot_read(f"{quantity}: {error}", node)
            return
        mine = np.asarray(ours, dtype=np.float64).ravel()
        if mine.shape != theirs.shape:
            self.fail(quantity, node, kind, f"{mine.size} numbers where they have {theirs.size}")
            return
        power = 2 if squared else 1
        size = np.asarray(unit, dtype=np.float64) ** power
        errors = relative_errors(mine**power, theirs**power, size)
        used = np.ones(errors.shape, dtype=bool) if only is None else np.asarray(only, dtype=bool)
        tally = self._tally(quantity, kind)
        tally.compared += int(used.sum())
        if not used.any():
            return
        i = int(np.argmax(np.where(used, errors, -1.0)))
        if errors[i] >= tally.worst:
            tally.worst, tally.where = float(errors[i]), self._case(node.place)
        for j in np.flatnonzero(used & (errors > kind.rtol)):
            place = f"[{j}]" if mine.size > 1 else ""
            tally.over.append(
                f"{self._case(node.place)}{place}: ours {mine[j]:.17g}, theirs {theirs[j]:.17g}"
            )

    def attempt(
        self,
        quantity: str,
        node: Node,
        kind: Kind,
        function: Callable[..., T],
        *arguments: Any,
        **options: Any,
    ) -> T | None:
        """The value of a call into the library; a crash is a failure of all below the node."""
        try:
            return function(*arguments, **options)
        except Exception as error:  # whatever it is, it belongs into the report
            self.fail(quantity, node, kind, f"{type(error).__name__}: {error}")
            return None

    def fail(self, quantity: str, node: Node, kind: Kind, text: str) -> None:
        """Count a node as compared and over tolerance, with the reason."""
        self._claimed.add(node.place)
        tally = self._tally(quantity, kind)
        tally.compared += 1
        tally.worst, tally.where = np.inf, self._case(node.place)
        tally.over.append(f"{self._case(node.place)}: {text}")

    def cannot_read(self, why: str, node: Node | None = None) -> None:
        """Count a part of a file that has another shape than its comparer knows; claim its node."""
        place = () if node is None else node.place
        self._claimed |= {place} if place else set()
        self.unread.append(f"{' '.join([self.files[-1], *place])}: {why}")

    @contextmanager
    def reading(self, node: Node) -> Iterator[None]:
        """Whatever stops a comparer in here belongs to this node; the others are read."""
        try:
            yield
        except Exception as error:  # of another shape than it knows
            self.cannot_read(f"{type(error).__name__}: {error}", node)

    def differs(self, name: str, node: Node, count: int = 1) -> None:
        """Claim a node whose numbers differ by a declared definition."""
        if name not in DIFFERENCES:
            raise KeyError(f"{name!r} is not a declared difference")
        if node:
            self._claimed.add(node.place)
            self.differences[name] += count

    def _tally(self, quantity: str, kind: Kind) -> Tally:
        return self.tallies.setdefault(quantity, Tally(quantity, kind))

    def _case(self, place: Place) -> str:
        return " ".join([self.files[-1], *_where(place)])

    def _is_claimed(self, place: Place) -> bool:
        return any(place[: i + 1] in self._claimed for i in range(len(place)))


def relative_errors(ours: Array, theirs: Array, unit: Any) -> Array:
    """|ours - theirs| over |theirs|, or over NEAR_ZERO units where that is larger.

    0 where both are the same infinity or both NaN, infinite where only one is.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.maximum(np.abs(theirs), NEAR_ZERO * unit)
        errors = np.abs(ours - theirs) / size
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    usable = np.isfinite(ours) & np.isfinite(theirs)
    return np.where(same, 0.0, np.where(usable, errors, np.inf))


def pattern(place: Place) -> Place:
    """A place without the names that belong to one dataset."""
    out = list(place)
    if place[0] == "analyses" and len(place) > 1:
        out[1] = "*"
        if len(place) > 3 and place[2] == "metareg":
            out[3] = "*"
        if "dfbs" in place[:-1]:
            out[place.index("dfbs") + 1] = "*"
    if place[0] == "cases" and len(place) > 1:
        out[1] = "*"
    return tuple(out)


def _where(place: Place) -> Place:
    """The part of a place that tells which case it is."""
    if place[0] == "analyses":
        return (place[1], place[3]) if len(place) > 3 and place[2] == "metareg" else (place[1],)
    if place[0] == "cases":
        return (f"case {place[1]}",)
    return place[1:2] if place[0] == "escalc" else ()
