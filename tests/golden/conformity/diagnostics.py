"""Section `diag`: intervals of tau2, leave-one-out, cumulative, BLUPs, weights, Henmi-Copas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import trialpool as tp
from conformity.ledger import CLOSED, INTEGRATED, ITERATIVE, Ledger
from conformity.reference import Node
from conformity.univariate import TESTS, Studies, kind_of, studies
from trialpool.pooling.blup import blup
from trialpool.pooling.henmi_copas import henmi_copas
from trialpool.pooling.tau2 import estimators_of

Mask = NDArray[np.bool_]

# metafor's name: our field; of leave-one-out, cumulative and influence tables.
REFITTED = {
    "estimate": "beta",
    "se": "se",
    "zval": "zval",
    "pval": "pval",
    "ci.lb": "ci_lb",
    "ci.ub": "ci_ub",
    "Q": "q",
    "Qp": "q_pval",
    "tau2": "tau2",
    "I2": "i2",
    "H2": "h2",
}
NEED_TWO = {"tau2", "i2", "h2"}
# Estimators that have a profile likelihood; the Q-profile holds for all.
WITH_LIKELIHOOD = {"ML", "REML"}


def compare(ledger: Ledger, root: Node) -> None:
    """All diagnostics the library has."""
    for _, analysis in root.get("analyses").items():
        diag, data = analysis.get("diag"), studies(analysis)
        for name, node in diag.get("confint").items():
            _tau2_interval(ledger, node, data, name)
        _refits(ledger, diag, data)
        _blups(ledger, diag, data)
        _weights(ledger, diag, data)
        _henmi_copas(ledger, diag.get("hc"), data)


def _tau2_interval(ledger: Ledger, node: Node, data: Studies, name: str) -> None:
    kind, _, method = name.partition("_")
    if method not in estimators_of("effects") or not (
        kind == "QP" or (kind == "PL" and method in WITH_LIKELIHOOD)
    ):
        return
    quantity = f"confint.{name}"
    ours = ledger.attempt(quantity, node, ITERATIVE, tp.pool, *data, tau2=method, tau2_ci=kind)
    if ours is not None:
        bounds(ledger, node, ours, data, quantity)


def bounds(ledger: Ledger, node: Node, ours: Any, data: Studies, quantity: str) -> None:
    """Hold estimate, lower and upper bound of tau2, tau, I2 and H2 against a confint node."""
    ends = [node.get(f"{side}_sign") for side in ("lb", "ub")]
    found = np.array([True, *(end.value in ("", None) for end in ends)])
    for end in ends:
        if end.value:
            ledger.differs("end of the search", end, 4)
    for name, field in {"tau2": "tau2", "tau": "tau2", "I2": "i2", "H2": "h2"}.items():
        values = np.array([getattr(ours, f"{field}{end}") for end in ("", "_ci_lb", "_ci_ub")])
        root = name == "tau"
        mine, unit = np.sqrt(values) if root else values, data.unit(name)
        leaf = node.get(name)
        ledger.compare(f"{quantity}.{name}", leaf, mine, ITERATIVE, unit, found, squared=root)


def _refits(ledger: Ledger, diag: Node, data: Studies) -> None:
    """Leave-one-out, cumulative and the deletion columns of influence, in bulk."""
    k = len(data.yi)
    without = ~np.eye(k, dtype=bool)
    for section, mask in (("leave1out", without), ("cumul", np.tri(k, dtype=bool))):
        for name, table in diag.get(section).items():
            _refit(ledger, table, data, mask, name, f"{section}.{name}")
    for method, table in diag.get("influence").items():
        quantity = f"influence.{method}"
        many = _many(ledger, table, data, without, method, quantity)
        if many is not None:
            for name, field in (("tau2.del", "tau2"), ("QE.del", "q")):
                kind = kind_of(method) if field == "tau2" else CLOSED
                mine, unit = getattr(many, field), data.unit(field)
                ledger.compare(f"{quantity}.{name}", table.get(name), mine, kind, unit)


def _many(
    ledger: Ledger, table: Node, data: Studies, mask: Mask, name: str, quantity: str
) -> Any | None:
    """All refits at once; None for an estimator or test that the library has not."""
    method, _, test = name.partition("_")
    if method not in estimators_of("effects") or (test or "z") not in TESTS:
        return None
    options = {"tau2": method, "test": TESTS[test or "z"]}
    return ledger.attempt(quantity, table, kind_of(method), tp.pool_many, *data, mask, **options)


def _refit(
    ledger: Ledger, table: Node, data: Studies, mask: Mask, name: str, quantity: str
) -> None:
    many = _many(ledger, table, data, mask, name, quantity)
    if many is None:
        return
    method = name.partition("_")[0]
    two = mask.sum(axis=1) > 1
    estimate = table.get("estimate")
    converged = np.isfinite(estimate.floats()) if estimate else np.ones_like(two)
    for column, field in REFITTED.items():
        node = table.get(column)
        if not node:
            continue
        kind = CLOSED if column in ("Q", "Qp") else kind_of(method)
        every = np.ones_like(two)
        comparable = {
            "one study": two if field in NEED_TWO else every,
            "standard error of 0": many.se > 0 if field in ("zval", "pval") else every,
            "blank in the reference": converged,
        }
        mine, unit = getattr(many, field), data.unit(field)
        only = np.logical_and.reduce(list(comparable.values()))
        ledger.compare(f"{quantity}.{column}", node, mine, kind, unit, only)
        for why, fits in comparable.items():
            if not fits.all():
                ledger.differs(why, node, int((~fits).sum()))


def _blups(ledger: Ledger, diag: Node, data: Studies) -> None:
    sections = {"blup": ("pred", "se", "pi_lb", "pi_ub")}
    sections["ranef"] = ("ranef", "ranef_se", "ranef_pi_lb", "ranef_pi_ub")
    for section, fields in sections.items():
        for method, node in diag.get(section).items():
            if method not in estimators_of("effects"):
                continue
            quantity, kind = f"{section}.{method}", kind_of(method)
            ours = ledger.attempt(quantity, node, kind, blup, *data, tau2=method, test="z")
            if ours is None:
                continue
            unit = data.unit("beta")
            for name, field in zip(sections["blup"], fields, strict=True):
                # An iteration that ends at tau2 = 1e-15 rather than 0 leaves a root of 3e-8.
                squared = field == "ranef_se" or ("_pi_" in field and not ours.ranef_se.any())
                leaf, mine = node.get(name), getattr(ours, field)
                ledger.compare(f"{quantity}.{name}", leaf, mine, kind, unit, squared=squared)


def _weights(ledger: Ledger, diag: Node, data: Studies) -> None:
    """In percent; for a pooled effect the hat value is the weight."""
    tables = [("weights", method, node) for method, node in diag.get("weights").items()]
    tables += [("influence", method, node) for method, node in diag.get("influence").items()]
    for section, method, node in tables:
        if method not in estimators_of("effects"):
            continue
        quantity, kind = f"{section}.{method}", kind_of(method)
        ours = ledger.attempt(quantity, node, kind, tp.pool, *data, tau2=method)
        if ours is None:
            continue
        if section == "weights":
            ledger.compare(quantity, node, 100 * ours.weights, kind)
        else:
            ledger.compare(f"{quantity}.weight", node.get("weight"), 100 * ours.weights, kind)
            ledger.compare(f"{quantity}.hat", node.get("hat"), ours.weights, kind)


def _henmi_copas(ledger: Ledger, node: Node, data: Studies) -> None:
    ledger.differs("default control", node.get("ci_lb_default"))
    if not node:
        return
    ours = ledger.attempt("hc", node, ITERATIVE, henmi_copas, *data)
    if ours is not None:
        for name in ("beta", "se", "tau2", "ci_lb", "ci_ub"):
            kind = INTEGRATED if name.startswith("ci") else CLOSED
            ledger.compare(f"hc.{name}", node.get(name), getattr(ours, name), kind, data.unit(name))
