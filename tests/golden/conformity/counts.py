"""Section `special`: Mantel-Haenszel and Peto; the mixed models have a module of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import trialpool as tp
from conformity.ledger import CLOSED, Ledger
from conformity.reference import Array, Node

TABLES = ("ai", "n1i", "ci", "n2i")
RATES = ("x1i", "t1i", "x2i", "t2i")
FIELDS = {
    "beta": "beta",
    "se": "se",
    "stat": "zval",
    "pval": "pval",
    "ci_lb": "ci_lb",
    "ci_ub": "ci_ub",
}
HETEROGENEITY = {"QE": "q", "QEdf": "q_df", "QEp": "q_pval", "I2": "i2_q", "H2": "h2"}
# metafor's statistic and p value: our name of the test, with continuity correction and without.
CHI_SQUARED = {
    ("MH", "MHp"): ("cmh", "cmh_uncorrected"),
    ("CO", "COp"): ("cochran", "cochran_uncorrected"),
    ("BD", "BDp"): ("breslow_day", "breslow_day"),
    ("TA", "TAp"): ("tarone", "tarone"),
}
RATE_TESTS = {("MH", "MHp"): ("mh", "mh_uncorrected")}


def compare(ledger: Ledger, root: Node) -> None:
    """Whatever the file has of rma.mh and rma.peto."""
    special, table, rates = root.get("special"), tables(root), person_time(root)
    for name, node in special.get("mh").items():
        measure, _, option = name.partition("_")
        if measure.startswith("IR"):
            _closed(ledger, node, tp.pool_rates, rates, measure, "MH", f"mh.{name}")
        else:
            # rma.mh corrects the differences of its Q as well; ours has that by name.
            pool = partial(tp.pool_counts, corrects="both") if measure == "RD" else tp.pool_counts
            _closed(ledger, node, pool, table, measure, "MH", f"mh.{name}", bool(option))
    _closed(ledger, special.get("peto"), tp.pool_counts, table, "OR", "Peto", "peto")


def complete(root: Node, names: tuple[str, ...]) -> dict[str, Array]:
    """These columns of the inputs, in the studies without a blank; {} where one is not there."""
    inputs = root.get("inputs")
    found = {name: inputs.get(name).floats() for name in names if inputs.get(name)}
    if len(found) < len(names):
        return {}
    known = np.isfinite(sum(found.values()))
    return {name: column[known] for name, column in found.items()}


def tables(root: Node) -> dict[str, Array]:
    """Events and totals, also from events and non-events."""
    if found := complete(root, TABLES):
        return found
    cells = complete(root, ("ai", "bi", "ci", "di"))
    if not cells:
        return {}
    a, b, c, d = cells.values()
    return dict(zip(TABLES, (a, a + b, c, c + d), strict=True))


def person_time(root: Node) -> dict[str, Array]:
    """Events and person-time of two arms."""
    return complete(root, RATES)


def _closed(
    ledger: Ledger,
    node: Node,
    function: Callable[..., Any],
    data: dict[str, Array],
    measure: str,
    method: str,
    quantity: str,
    uncorrected: bool = False,
) -> None:
    if not node or not data:
        return
    ours = ledger.attempt(quantity, node, CLOSED, function, **data, measure=measure, method=method)
    if ours is None:
        return
    everyone = measure == "RR" and bool(
        ((data["ai"] == data["n1i"]) & (data["ci"] == data["n2i"])).any()
    )
    for name, field in {**FIELDS, **HETEROGENEITY}.items():
        if everyone and name in HETEROGENEITY:
            ledger.differs("events in everyone", node.get(name))
        else:
            ledger.compare(f"{quantity}.{name}", node.get(name), getattr(ours, field), CLOSED)
    if measure == "OR":
        ledger.compare(f"{quantity}.k_pos", node.get("k_pos"), ours.k, CLOSED)
    found = ours.tests
    names = RATE_TESTS if measure.startswith("IR") else CHI_SQUARED
    for keys, pair in names.items():
        test = found.get(pair[uncorrected])
        if test is not None:
            for key, value in zip(keys, (test.stat, test.pval), strict=True):
                ledger.compare(f"{quantity}.{key}", node.get(key), value, CLOSED)
