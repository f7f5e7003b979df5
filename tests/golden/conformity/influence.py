"""Section `diag`: deletion diagnostics of the pooled effect, and its two kinds of residuals."""

from __future__ import annotations

from conformity.ledger import CLOSED, Ledger
from conformity.reference import Node
from conformity.univariate import Studies, kind_of, studies
from trialpool.diagnostics.influence import Influence, influence
from trialpool.pooling.tau2 import ESTIMATORS

# metafor's name: our field. tau2.del, QE.del, hat and weight are compared with the refits.
FIELDS = {
    "rstudent": "rstudent",
    "dffits": "dffits",
    "cook.d": "cook_d",
    "cov.r": "cov_r",
}
RESIDUALS = {
    "rstandard": {"resid": "resid", "se": "resid_se", "z": "rstandard"},
    "rstudent": {"resid": "resid_del", "se": "resid_del_se", "z": "rstudent"},
}


def compare(ledger: Ledger, root: Node) -> None:
    """Every estimator the files have them for."""
    for _, analysis in root.get("analyses").items():
        diag, data = analysis.get("diag"), studies(analysis)
        for method, table in diag.get("influence").items():
            _deletion(ledger, table, data, method)
        for method, node in diag.get("resid").items():
            _residuals(ledger, node, data, method)


def _fit(ledger: Ledger, node: Node, data: Studies, method: str, quantity: str) -> Influence | None:
    if method not in ESTIMATORS:
        return None
    return ledger.attempt(quantity, node, kind_of(method), influence, *data, tau2=method)


def _deletion(ledger: Ledger, table: Node, data: Studies, method: str) -> None:
    quantity, kind = f"influence.{method}", kind_of(method)
    ours = _fit(ledger, table, data, method, quantity)
    if ours is None:
        return
    for name, field in FIELDS.items():
        ledger.compare(f"{quantity}.{name}", table.get(name), getattr(ours, field), kind)
    for name, leaf in table.get("dfbs").items():
        if name not in ("slab", "digits"):
            # The files hold one row of this table only, that of the first study.
            mine = ours.dfbetas[: leaf.floats().size]
            ledger.compare(f"{quantity}.dfbetas", leaf, mine, kind)
    ledger.compare(f"{quantity}.is_infl", table.get("is_infl"), ours.influential, CLOSED)


def _residuals(ledger: Ledger, node: Node, data: Studies, method: str) -> None:
    ours = _fit(ledger, node, data, method, f"resid.{method}")
    if ours is None:
        return
    for kind_of_residual, columns in RESIDUALS.items():
        for name, field in columns.items():
            leaf = node.get(kind_of_residual, name)
            mine, unit = getattr(ours, field), 1.0 if name == "z" else data.unit("beta")
            quantity = f"resid.{method}.{kind_of_residual}.{name}"
            ledger.compare(quantity, leaf, mine, kind_of(method), unit)
