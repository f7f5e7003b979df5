"""Counts of 0: what is added to them, and which studies say nothing. Shared by all counts.

The policy has metafor's names: `add` is the number added, `to` the studies it is added to,
`drop00` leaves out studies in which both arms have no events, or nothing but events.
"""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.effects.registry import Rule
from trialpool.results import Array, TrialpoolError

# "only0": to studies with a zero; "all": to all; "if0all": to all if any study has a zero.
TO = ("only0", "all", "if0all", "none")
CHOICES = {"to": TO, "drop00": (True, False)}
COLUMNS = ("ai", "n1i", "ci", "n2i")
SUMS = {"n1i": ("ai", "bi"), "n2i": ("ci", "di")}
NO_EVENTS = "no events in either arm"
ONLY_EVENTS = "events in all participants of both arms"
STILL_ZERO = "a count is 0 and nothing is added to it"


class Cells(NamedTuple):
    """The four cells after the correction, and where there is no effect, with the reason."""

    a: Array
    b: Array
    c: Array
    d: Array
    rules: list[Rule]


def added(zero: NDArray[np.bool_], add: float, to: str) -> Array:
    """What is added to each count of each study, shape (k,).

    Parameters
    ----------
    zero : (k,) studies that have a count of 0
    add, to : the policy

    Raises
    ------
    TrialpoolError
        if add is not a number >= 0
    """
    if not isinstance(add, Real) or isinstance(add, bool) or not 0 <= float(add) < np.inf:
        raise TrialpoolError(
            f"add = {add!r}: must be a number >= 0, such as 0.5; to which studies it is added says "
            f"to = {', '.join(TO)}"
        )
    if to == "none":
        return np.zeros(zero.shape)
    everywhere = to == "all" or (to == "if0all" and bool(zero.any()))
    return np.where(zero | everywhere, add, 0.0)


def described(add: float, to: str, counts: str = "cells") -> str:
    """The policy in words, for the name of a formula."""
    if add == 0 or to == "none":
        return f"nothing added to the {counts}"
    studies = {
        "only0": f"{counts} of studies with a zero {counts[:-1]}",
        "all": f"{counts} of all studies",
        "if0all": f"{counts} of all studies if one has a zero {counts[:-1]}",
    }[to]
    return f"{add:g} added to the {studies}"


def one_sided(
    ai: Array, n1i: Array, ci: Array, n2i: Array
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Studies with no events at all, and studies with events in everyone; shapes (k,)."""
    return (ai == 0) & (ci == 0), (ai == n1i) & (ci == n2i)


def two_by_two(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float,
    to: str,
    drop00: bool,
    positive: str = "",
    keep_everyone: bool = False,
) -> Cells:
    """Events and non-events of two arms, corrected for zero cells.

    Parameters
    ----------
    ai, n1i, ci, n2i : (k,) events and totals of arm 1 and arm 2
    add, to, drop00 : the policy
    positive : letters of the cells that the formula cannot take as 0, such as "ac"
    keep_everyone : drop00 concerns studies without events only, not those with events in everyone

    Returns
    -------
    Cells: a, b events and non-events of arm 1, c, d of arm 2

    Raises
    ------
    TrialpoolError
        if add is not a number >= 0
    """
    bi, di = n1i - ai, n2i - ci
    rules: list[Rule] = [
        (ai < 0, "ai < 0"),
        (ci < 0, "ci < 0"),
        (bi < 0, "ai > n1i"),
        (di < 0, "ci > n2i"),
        (n1i <= 0, "n1i is 0"),
        (n2i <= 0, "n2i is 0"),
    ]
    zero = (ai == 0) | (bi == 0) | (ci == 0) | (di == 0)
    if drop00:
        # A ratio of two zero risks holds no information on the ratio; the added half would
        # pretend it is 1 when the arms are equal and make up an effect when they are not.
        none, everyone = one_sided(ai, n1i, ci, n2i)
        everyone &= not keep_everyone
        rules += [(none, NO_EVENTS), (everyone, ONLY_EVENTS)]
        zero &= ~(none | everyone)
    extra = added(zero, add, to)
    cells = {"a": ai + extra, "b": bi + extra, "c": ci + extra, "d": di + extra}
    rules += [(cells[letter] == 0, STILL_ZERO) for letter in positive]
    return Cells(**cells, rules=rules)
