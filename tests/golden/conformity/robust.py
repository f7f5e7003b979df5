"""Robust variance, assumed covariances and aggregation: parts of section `special`.

Multilevel fits enter by the variance components of the reference, so that what follows from them
is held to a closed form whatever the optimiser did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformity.ledger import CLOSED, Ledger
from conformity.reference import Array, Node
from conformity.univariate import Studies, studies
from trialpool.multilevel.aggregate import aggregate
from trialpool.multilevel.covariance import covariance
from trialpool.multilevel.robust import Robust, robust, weighted_robust
from trialpool.multilevel.robust_weights import correlated_effects, hierarchical_effects

RHO = 0.6
FIELDS = {
    "beta": "beta", "se": "se", "stat": "zval", "ddf": "ddf", "dfs": "ddf", "pval": "pval",
    "ci_lb": "ci_lb", "ci_ub": "ci_ub", "vb": "vb", "QM": "qm", "QMp": "qm_pval",
    "n_clusters": "m",
}  # fmt: skip
COEF_TEST = {"beta": "beta", "se": "se", "t": "zval", "df": "ddf", "p": "pval"}
ROBUMETA = {
    "b": "beta", "se": "se", "t": "zval", "df": "ddf", "p": "pval", "ci_lb": "ci_lb",
    "ci_ub": "ci_ub",
}  # fmt: skip
# metafor's suffix: our kind. Without clubSandwich it corrects by m / (m - p).
KINDS = {"": "CR1p", "_noadj": "CR0", "_CR2": "CR2"}
# Key of what was computed by metafor's robust(), of what by clubSandwich: the fit they start from.
THREE_LEVEL = {
    ("robust", "club"): ("three_level_REML", "three_level"),
    ("robust_district", "club"): ("three_level_REML",),
    ("deltype_robust", "deltype_club"): ("deltype",),
    ("CHE_rho0.6_robust", "CHE_rho0.6_club"): ("CHE_rho0.6",),
    ("CHE_rho0.6_deltype_robust", ""): ("CHE_rho0.6_deltype",),
}
ONE_LEVEL = {"dat.assink2016": "rma_uni_robust", "dat.bangertdrowns2004": "robust"}

Fit = Callable[[str], Robust]


def compare(ledger: Ledger, root: Node) -> None:
    """All files whose effects come with their clusters."""
    special = root.get("special")
    times = special.get("V_phi0.97")
    if times:
        study, time = special.get("study").value, special.get("time").floats()
        ours = covariance(special.get("vi").floats(), study, time1=time, phi=0.97).dense()
        ledger.compare("covariance by time", times, ours, CLOSED)
    cluster = _cluster(special)
    if cluster is None:
        return
    _, analysis = root.get("analyses").items()[0]
    data = studies(analysis)
    for (metafor, club), names in THREE_LEVEL.items():
        for name in names:
            if special.get(name, "sigma2"):
                fit = _three_level(special, name, data, cluster)
                _robust(ledger, special, metafor, fit, data)
                _club(ledger, special.get(club), fit, data)
    key = ONE_LEVEL.get(ledger.files[-1])
    if key:
        beta = special.get(f"{key}_CR2", "beta")
        _robust(ledger, special, key, _one_level(analysis, beta, data, cluster), data)
    for name, node in special.items():
        if name.startswith("robu") and node.get("modelweights"):
            _moments(ledger, special, node, data, cluster)
    _assumed(ledger, special, data, cluster)


def _cluster(special: Node) -> list[Any] | None:
    """The study of each effect, by whatever name the file has for it."""
    ids = special.get("ids")
    for node in (special.get("cluster"), ids.get("district"), ids.get("study"), ids.get("id")):
        if node:
            return list(node.value)
    return None


def _design(special: Node, name: str, k: int) -> Array:
    """Columns of the model: of the type of delinquency, or the year, where its name says so."""
    columns = [np.ones(k)]
    if "deltype" in name:
        types = np.array(special.get("ids", "deltype").value)
        columns += [types == "general", types == "overt"]
    if "year" in name:
        columns.append(special.get("ids", "year").floats())
    return np.column_stack(columns).astype(np.float64)


def _three_level(special: Node, name: str, data: Studies, cluster: list[Any]) -> Fit:
    """Least squares with M = V + sigma2_1 J + sigma2_2 I in each cluster."""
    between, inside = special.get(name, "sigma2").floats()
    x = _design(special, name, len(cluster))
    rho = RHO if name.startswith("CHE") else 0.0
    v = covariance(data.vi, cluster, rho=rho)
    weights = [np.linalg.inv(block + between + inside * np.eye(len(block))) for block in v.blocks]
    pairs = list(zip(v.rows, weights, strict=True))
    bread = sum(x[rows].T @ w @ x[rows] for rows, w in pairs)
    beta = np.linalg.solve(bread, sum(x[rows].T @ w @ data.yi[rows] for rows, w in pairs))
    return lambda kind: robust(
        x, data.yi - x @ beta, v.rows, weights, cluster, beta=beta, kind=kind
    )


def _one_level(analysis: Node, beta: Node, data: Studies, cluster: list[Any]) -> Fit:
    """A mean with weights 1 / (v + tau2), tau2 from the control that metafor was run with."""
    reml = analysis.get("uni", "REML")
    plain = reml.get("beta_default_control").value == beta.value
    tau2 = float((reml.get("tau2_default_control") if plain else reml.get("z", "tau2")).value)
    w = 1 / (data.vi + tau2)
    mean = float(w @ data.yi / w.sum())
    x = np.ones((len(w), 1))
    return lambda kind: weighted_robust(x, data.yi - mean, w, cluster, beta=[mean], kind=kind)


def _robust(ledger: Ledger, special: Node, key: str, fit: Fit, data: Studies) -> None:
    """Results of metafor's robust()."""
    for end, kind in KINDS.items():
        node, quantity = special.get(f"{key}{end}"), f"robust.{kind}"
        ours = ledger.attempt(quantity, node, CLOSED, fit, kind) if node else None
        if ours is None:
            continue
        _fields(ledger, node, ours, FIELDS, quantity, data)
        df = (ours.qm_df, ours.qm_ddf)
        ledger.compare(f"{quantity}.QMdf", node.get("QMdf"), df, CLOSED)


def _club(ledger: Ledger, club: Node, fit: Fit, data: Studies) -> None:
    """Results of clubSandwich."""
    for kind in ("CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"):
        node, quantity = club.get(kind), f"vcovCR.{kind}"
        ours = ledger.attempt(quantity, node, CLOSED, fit, kind) if node else None
        if ours is None:
            continue
        if kind == "CR3" and (ours.seen < 1 - 1e-9).any():
            ledger.differs("one cluster alone", node)
        else:
            ledger.compare(quantity, node, ours.vb, CLOSED, data.unit("vb"))
    if not club:
        return
    ours = fit("CR2")
    _fields(ledger, club.get("coef_test_CR2"), ours, COEF_TEST, "coef_test.CR2", data)
    test = ours.wald(np.eye(ours.p)[1:] if ours.p > 1 else np.eye(1))
    names = {"Fstat": test.stat, "df_num": test.df, "df_denom": test.ddf, "p": test.pval}
    for name, value in names.items():
        ledger.compare(f"wald.HTZ.{name}", club.get("wald_HTZ", name), value, CLOSED)


def _fields(
    ledger: Ledger, node: Node, ours: Robust, names: dict[str, str], quantity: str, data: Studies
) -> None:
    known = np.isfinite(ours.se)
    for name, field in names.items():
        mine, leaf, unit = getattr(ours, field), node.get(name), data.unit(field)
        only = known if np.shape(mine) == known.shape and field != "beta" else None
        ledger.compare(f"{quantity}.{name}", leaf, mine, CLOSED, unit, only)
        if only is not None and not only.all():
            ledger.differs("one cluster alone", leaf, int((~only).sum()))


def _moments(ledger: Ledger, special: Node, node: Node, data: Studies, cluster: list[Any]) -> None:
    """Results of robumeta."""
    x = _design(special, node.place[-1], len(cluster))
    small, hierarchical = node.get("small").value, node.get("modelweights").value == "HIER"
    quantity = "robumeta.HIER" if hierarchical else "robumeta.CORR"
    function: Callable[..., Any] = hierarchical_effects if hierarchical else correlated_effects
    options = {} if hierarchical else {"rho": node.get("rho").value}
    ours = ledger.attempt(
        quantity, node, CLOSED, function, *data, cluster, x, small=small, **options
    )
    if ours is None:
        return
    _fields(ledger, node, ours.robust, ROBUMETA, quantity, data)
    for name, field in {"tau2": "tau2", "omega2": "omega2", "I2": "i2"}.items():
        mine, unit = getattr(ours, field), data.unit("tau2")
        ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, unit)


def _assumed(ledger: Ledger, special: Node, data: Studies, cluster: list[Any]) -> None:
    """What follows from a correlation of 0.6 within studies."""
    first = special.get("vcalc_rho0.6_first_study")
    if first:
        ours = covariance(data.vi, cluster, rho=RHO)
        ledger.compare("covariance by study", first, ours.blocks[0], CLOSED)
    node = special.get("aggregate_rho0.6")
    if node:
        combined = aggregate(data.yi, data.vi, cluster, rho=RHO)
        study = np.array(combined.cluster, dtype=np.float64)
        ledger.compare("aggregate.study", node.get("study"), study, CLOSED)
        ledger.compare("aggregate.yi", node.get("yi"), combined.yi, CLOSED, data.unit("beta"))
        ledger.compare("aggregate.vi", node.get("vi"), combined.vi, CLOSED, data.unit("tau2"))
