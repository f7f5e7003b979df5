"""Section `metareg`: any design matrix, every estimator by two tests."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import trialpool as tp
from conformity.diagnostics import bounds
from conformity.ledger import CLOSED, ILL_CONDITIONED, ITERATIVE, Kind, Ledger
from conformity.reference import Array, Node
from conformity.univariate import Studies, kind_of, likelihoods, studies
from trialpool.pooling.blup import blup
from trialpool.pooling.tau2 import estimators_of

# metafor's name: our field.
FIELDS = {
    "beta": "beta",
    "se": "se",
    "stat": "zval",
    "pval": "pval",
    "ci_lb": "ci_lb",
    "ci_ub": "ci_ub",
    "vb": "vb",
    "tau2": "tau2",
    "se_tau2": "se_tau2",
    "I2": "i2",
    "H2": "h2",
    "QM": "qm",
    "QMp": "qm_pval",
}
HETEROGENEITY = {"QE": "qe", "QEdf": "qe_df", "QEp": "qe_pval"}
BAND = ("pred", "se", "ci_lb", "ci_ub", "pi_lb", "pi_ub")
# Past this the normal equations lose more than the tolerance of a closed form allows.
_MANY_DIGITS_LOST = 1e-10


class Model(NamedTuple):
    """Data and design of one regression: the rows without a blank moderator."""

    data: Studies
    design: Array
    used: NDArray[np.bool_]

    @property
    def closed(self) -> Kind:
        """The tolerance of a closed form on this design."""
        lost = np.finfo(np.float64).eps * np.linalg.cond(self.design) ** 2
        return CLOSED if lost < _MANY_DIGITS_LOST else ILL_CONDITIONED

    @property
    def name(self) -> str:
        """Quantities on ill-conditioned designs stand apart."""
        return "metareg" if self.closed is CLOSED else "metareg_ill_conditioned"

    def kind(self, method: str) -> Kind:
        """The tolerance for one estimator."""
        return self.closed if kind_of(method) is CLOSED else ITERATIVE


def compare(ledger: Ledger, root: Node) -> None:
    """Fits, variance inflation, fitted values, BLUPs and the interval of tau2."""
    for _, analysis in root.get("analyses").items():
        data = studies(analysis)
        for _, node in analysis.get("metareg").items():
            design = node.get("X").floats()
            used = np.asarray(np.isfinite(design).all(axis=1))
            model = Model(Studies(data.yi[used], data.vi[used]), design[used], used)
            for method, fits in node.get("fits").items():
                if method in estimators_of("effects"):
                    for test, fit in fits.items():
                        _one_fit(ledger, fit, model, method, test)
            _of_the_main_fit(ledger, node, model)


def _one_fit(ledger: Ledger, fit: Node, model: Model, method: str, test: str) -> None:
    quantity, kind = f"{model.name}.{method}.{test}", model.kind(method)
    data, design = model.data, model.design
    ours = ledger.attempt(quantity, fit, kind, tp.regress, *data, design, tau2=method, test=test)
    if ours is None:
        return
    # Coefficients have the unit of the effect over that of their column.
    spread = np.maximum(np.abs(design).max(axis=0), 1.0)
    units: dict[str, Any] = {name: data.unit("beta") / spread for name in ("beta", "se")}
    units |= dict.fromkeys(("ci_lb", "ci_ub"), units["beta"])
    units["vb"] = np.outer(units["se"], units["se"]).ravel()
    for name, field in FIELDS.items():
        unit = units.get(name, data.unit(name))
        ledger.compare(f"{quantity}.{name}", fit.get(name), getattr(ours, field), kind, unit)
    for name, field in HETEROGENEITY.items():
        ledger.compare(f"{quantity}.{name}", fit.get(name), getattr(ours, field), model.closed)
    _explained(ledger, fit.get("R2"), ours, f"{quantity}.R2", kind)
    ledger.compare(f"{quantity}.QMdf", fit.get("QMdf"), [ours.qm_df, ours.qm_ddf], CLOSED)
    if ddf := fit.get("ddf"):
        mine = np.unique(np.asarray(ours.ddf, dtype=np.float64))
        ledger.compare(f"{quantity}.ddf", ddf, mine, CLOSED)
    likelihoods(ledger, fit.get("fit"), ours, f"{quantity}.fit", kind, data.vi)


def _explained(ledger: Ledger, node: Node, ours: Any, quantity: str, kind: Kind) -> None:
    """R2, which ours withholds where there is nothing to compare with."""
    why = ours.reasons.get("r2", "")
    if why.startswith("no intercept"):
        ledger.differs("no intercept", node)
    elif why.startswith("no heterogeneity"):
        ledger.differs("nothing to explain", node)
    else:
        ledger.compare(quantity, node, ours.r2, kind)


def _of_the_main_fit(ledger: Ledger, node: Node, model: Model) -> None:
    """What the files hold of the REML fit with the z test alone."""
    name, data, design = model.name, model.data, model.design
    ours = ledger.attempt(
        name, node, ITERATIVE, tp.regress, *data, design, tau2="REML", test="z", pi="z"
    )
    if ours is None:
        return
    if vif := node.get("vif"):
        mine = np.asarray(ours.vif)
        ledger.compare(f"{name}.vif", vif, mine[~np.isnan(mine)], ITERATIVE)
    if interval := node.get("confint_QP_REML"):
        bounds(ledger, interval, ours, data, f"{name}.confint_QP_REML")
    if fitted := node.get("fitted"):
        band = ledger.attempt(f"{name}.fitted", fitted, ITERATIVE, ours.predict)
        if band is not None:
            _columns(ledger, fitted, band, BAND, model, f"{name}.fitted")
    influence = node.get("influence_REML")
    share = 100 * np.asarray(ours.weights) / np.sum(ours.weights)
    for key, mine in (("hat", ours.hat), ("weight", share)):
        ledger.compare(f"{name}.influence.{key}", influence.get(key), mine, ITERATIVE)
    shrunk = node.get("blup_REML")
    if shrunk:
        own = ledger.attempt(
            f"{name}.blup", shrunk, ITERATIVE, blup, *data, design, tau2="REML", test="z"
        )
        if own is not None:
            _columns(ledger, shrunk, own, ("pred", "se"), model, f"{name}.blup")


def _columns(
    ledger: Ledger, node: Node, ours: Any, names: tuple[str, ...], model: Model, quantity: str
) -> None:
    for name in names:
        mine, unit = getattr(ours, name), model.data.unit("beta")
        ledger.compare(f"{quantity}.{name}", node.get(name), mine, ITERATIVE, unit)
