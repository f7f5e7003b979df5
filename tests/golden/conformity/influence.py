"""Deletion diagnostics and residuals: section `diag` for the mean, `metareg` for regressions."""

from __future__ import annotations

import numpy as np

from conformity.diagnostics import Mask
from conformity.ledger import CLOSED, Kind, Ledger
from conformity.reference import Node
from conformity.regression import Model
from conformity.univariate import Studies, kind_of, studies
from trialpool.diagnostics.influence import Influence, influence
from trialpool.pooling.tau2 import estimators_of

# metafor's name: our field. Hat and weight are compared with the whole fit, tau2.del and QE.del of
# the mean with its refits.
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
    """Every estimator and every design the files have them for."""
    for _, analysis in root.get("analyses").items():
        diag, data = analysis.get("diag"), studies(analysis)
        for method, table in diag.get("influence").items():
            _of_the_mean(ledger, table, data, method)
        for method, node in diag.get("resid").items():
            _residuals(ledger, node, data, method)
        for _, node in analysis.get("metareg").items():
            _of_a_regression(ledger, node, data)


def _of_the_mean(ledger: Ledger, table: Node, data: Studies, method: str) -> None:
    quantity, kind = f"influence.{method}", kind_of(method)
    if method in estimators_of("effects"):
        ours = ledger.attempt(quantity, table, kind, influence, *data, tau2=method)
        if ours is not None:
            _table(ledger, table, ours, quantity, kind)


def _of_a_regression(ledger: Ledger, node: Node, data: Studies) -> None:
    table, design = node.get("influence_REML"), node.get("X").floats()
    if not table:
        return
    used = np.asarray(np.isfinite(design).all(axis=1))
    model = Model(Studies(data.yi[used], data.vi[used]), design[used], used)
    quantity, kind = f"{model.name}.influence", model.kind("REML")
    ours = ledger.attempt(quantity, table, kind, influence, *model.data, model.design, tau2="REML")
    if ours is None:
        return
    _table(ledger, table, ours, quantity, kind)
    only = _comparable(table, ours)
    unit = model.data.unit("tau2")
    ledger.compare(f"{quantity}.tau2.del", table.get("tau2.del"), ours.tau2_del, kind, unit, only)
    ledger.compare(f"{quantity}.QE.del", table.get("QE.del"), ours.qe_del, model.closed, only=only)


def _table(ledger: Ledger, table: Node, ours: Influence, quantity: str, kind: Kind) -> None:
    only = _comparable(table, ours)
    for name, field in FIELDS.items():
        leaf = table.get(name)
        ledger.compare(f"{quantity}.{name}", leaf, getattr(ours, field), kind, only=only)
    if not only.all():
        ledger.differs("blank in the reference", table, int((~only).sum()))
    # The files hold the first p rows of this table only, column by column.
    columns = [leaf for name, leaf in table.get("dfbs").items() if name not in ("slab", "digits")]
    for leaf, mine in zip(columns, ours.dfbetas.reshape(len(only), -1).T, strict=True):
        ledger.compare(f"{quantity}.dfbetas", leaf, mine[: leaf.floats().size], kind)
    marks = table.get("is_infl")
    judged = np.isfinite(marks.floats())
    ledger.compare(f"{quantity}.is_infl", marks, ours.influential, CLOSED, only=judged)
    if not judged.all():
        ledger.differs("blank in the reference", marks, int((~judged).sum()))


def _comparable(table: Node, ours: Influence) -> Mask:
    """Rows that the reference has, and those that neither has."""
    given = np.isfinite(table.get("rstudent").floats())
    return np.asarray(given | np.isnan(ours.rstudent))


def _residuals(ledger: Ledger, node: Node, data: Studies, method: str) -> None:
    if method not in estimators_of("effects"):
        return
    kind = kind_of(method)
    ours = ledger.attempt(f"resid.{method}", node, kind, influence, *data, tau2=method)
    if ours is None:
        return
    for sort, columns in RESIDUALS.items():
        for name, field in columns.items():
            mine, unit = getattr(ours, field), 1.0 if name == "z" else data.unit("beta")
            quantity = f"resid.{method}.{sort}.{name}"
            ledger.compare(quantity, node.get(sort, name), mine, kind, unit)
