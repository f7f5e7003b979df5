"""Section `meta_pkg`, metabin and metainc: counts, their effects and what is pooled from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import trialpool as tp
from conformity.counts import RATES, TABLES, person_time, tables
from conformity.ledger import CLOSED, Ledger
from conformity.packages import COMMON, given_effects
from conformity.reference import Array, Node
from trialpool.results import PooledCounts

# metabin's name of a measure: ours. A diagnostic odds ratio and a vaccine efficacy are ratios.
MEASURES = {"OR": "OR", "DOR": "OR", "RR": "RR", "VE": "RR", "RD": "RD", "ASD": "AS"}
ESTIMATE = tuple(name for name in COMMON if name.endswith("_common"))
HETEROGENEITY = ("Q", "df_Q", "pval_Q")


def compare(ledger: Ledger, root: Node) -> None:
    """Study effects, Mantel-Haenszel and Peto; random effects have meta's default control."""
    counts, rates = tables(root), person_time(root)
    for _, analysis in root.get("analyses").items():
        package = analysis.get("meta_pkg")
        if counts:
            for name, node in package.get("metabin").items():
                _tables(ledger, node, counts, *name.split("_", 1))
        if rates:
            for name, node in package.get("metainc").items():
                _rates(ledger, node, rates, name)


def _tables(
    ledger: Ledger, node: Node, data: dict[str, Array], theirs: str, method: str = ""
) -> None:
    """One fit of metabin, where ours has its measure and method."""
    quantity = f"meta.metabin.{theirs}_{method}"
    if theirs not in MEASURES or method not in ("Inverse", "MH", "Peto"):
        return
    measure, (a, n1, c, n2) = MEASURES[theirs], (data[name] for name in TABLES)
    zero = (a == 0) | (c == 0) | (a == n1) | (c == n2)
    name = "PETO" if method == "Peto" else measure
    # A ratio of risks has n + 1/2 below the line where ours, as RevMan, has n + 1.
    differs = zero if measure == "RR" else np.zeros_like(zero)
    _studies(ledger, node, tp.effect_size, {"measure": name, **data}, differs, quantity)
    if method == "Inverse":
        return
    variance = {"variance": "Greenland-Robins"} if measure == "RD" else {}
    pooled = ledger.attempt(
        quantity, node, CLOSED, tp.pool_counts, **data, measure=measure, method=method, **variance
    )
    _pooled(ledger, node, pooled, quantity, corrected=method == "MH" and bool(zero.any()))


def _rates(ledger: Ledger, node: Node, data: dict[str, Array], method: str) -> None:
    quantity = f"meta.metainc.{method}"
    if method not in ("Inverse", "MH"):
        return
    x1, _, x2, _ = (data[name] for name in RATES)
    zero = (x1 == 0) | (x2 == 0)
    none = np.zeros_like(zero)
    _studies(ledger, node, tp.effect_size, {"measure": "IRR", **data}, none, quantity)
    if method == "MH":
        pooled = ledger.attempt(quantity, node, CLOSED, tp.pool_rates, **data)
        _pooled(ledger, node, pooled, quantity, corrected=bool(zero.any()))


def _studies(
    ledger: Ledger,
    node: Node,
    function: Callable[..., Any],
    columns: dict[str, Any],
    differs: NDArray[np.bool_],
    quantity: str,
) -> None:
    """Effects and standard errors of the studies."""
    ours = ledger.attempt(quantity, node, CLOSED, function, **columns)
    if ours is None:
        return
    ledger.differs("meta's denominator of a risk", node.get("TE"), 2 * int(differs.sum()))
    for name, mine in (("TE", ours.yi), ("seTE", ours.sei)):
        ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, 1.0, ~differs)


def _pooled(
    ledger: Ledger, node: Node, ours: PooledCounts | None, quantity: str, *, corrected: bool
) -> None:
    """The common effect, and the Q that meta has about the mean by inverse variance."""
    if ours is None:
        return
    for name in ESTIMATE:
        if corrected:
            ledger.differs("meta's correction of Mantel-Haenszel", node.get(name))
        else:
            mine = getattr(ours, COMMON[name])
            ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED)
    given_effects(ledger, node, quantity, (*HETEROGENEITY, "I2", "H"))
