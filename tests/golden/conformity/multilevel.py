"""Sections of rma.mv: models of several levels, several outcomes and several times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformity.ledger import CLOSED, NEAR_ZERO, Kind, Ledger, relative_errors
from conformity.reference import FIT, Array, Node
from trialpool.multilevel.deletion import cooks_distance
from trialpool.multilevel.likelihood import LOG_2PI, Point
from trialpool.multilevel.model import (
    MultilevelFit,
    coefficients,
    criteria,
    fit,
    log_likelihood,
    wald,
)
from trialpool.multilevel.prediction import i_squared, predict, ranef
from trialpool.multilevel.profile import profile_ci
from trialpool.multilevel.terms import Nested, Structured, Term
from trialpool.pooling.inference import p_value
from trialpool.pooling.regression import moderators

# Where metafor's optimiser stops the likelihood is flat to 1e-12, and a component right to the
# square root of that.
VARIANCE = Kind("variance component", 1e-6)
# uniroot() of confint() stops at 1.2e-4; that ours are roots is in tests/unit/test_multilevel.py.
INTERVAL = Kind("root of a profile", 1e-4)

COEFFICIENTS = ("beta", "se", "pval", "ci_lb", "ci_ub", "vb")
SCALED = ("beta", "ci_lb", "ci_ub")  # judged on the scale of their standard error
COMPONENTS = ("sigma2", "tau2", "rho")
DEFAULTS = ("default_ll", "sigma2_default", "tau2_default")


@dataclass(frozen=True)
class Model:
    """One call of rma.mv: its name in the file, and the same call of ours."""

    name: str
    V: Any
    random: tuple[Term, ...] = ()
    X: Array | None = None
    options: dict[str, Any] = field(default_factory=dict)


def compare(ledger: Ledger, root: Node) -> None:
    """Every model of the file, then what one of its models says besides."""
    special = root.get("special")
    found = _models(root)
    if found is None:
        return
    y, data, models = found
    for model in models:
        node = special.get(model.name)
        if node:
            _model(ledger, node, y, data, model)
    if special.get("three_level_REML"):
        _beyond(ledger, special, y, data, models[0])
    if special.get("contrast_AL_PD"):
        _contrast(ledger, special.get("contrast_AL_PD"), y, data, models)


def _models(root: Node) -> tuple[Array, dict[str, Any], list[Model]] | None:
    reader = {
        "dat.konstantopoulos2011": _konstantopoulos,
        "dat.assink2016": _assink,
        "dat.berkey1998": _berkey,
        "dat.ishak2007": _ishak,
    }.get(str(root.get("dataset").value))
    if reader is None and root.get("special", "three_level"):
        reader = _three_levels
    if reader is None and root.get("special", "arm_re"):
        reader = _senn
    return None if reader is None else reader(root)


def _konstantopoulos(root: Node) -> tuple[Array, dict[str, Any], list[Model]]:
    analysis, ids = root.get("analyses", "GEN"), root.get("special", "ids")
    y, v = analysis.get("yi").floats(), analysis.get("vi").floats()
    data = {name: np.array(node.value) for name, node in ids.items()}
    year = data["year"] - data["year"].mean()
    nested = (Nested("district", "school"),)
    t = {"test": "t"}
    return (
        y,
        data,
        [
            Model("three_level_REML", v, nested),
            Model("three_level_ML", v, nested, options={"method": "ML"}),
            Model("three_level_t", v, nested, options=t),
            Model("three_level_t_dfcontain", v, nested, options=t | {"dfs": "contain"}),
            Model("two_level_district", v, (Nested("district"),)),
            Model("year", v, nested, np.column_stack([np.ones(len(y)), year])),
            Model("cs_struct", v, (Structured("school", within="district", struct="CS"),)),
        ],
    )


def _assink(root: Node) -> tuple[Array, dict[str, Any], list[Model]]:
    analysis, ids = root.get("analyses", "GEN"), root.get("special", "ids")
    y, v = analysis.get("yi").floats(), analysis.get("vi").floats()
    data = {name: np.array(node.value) for name, node in ids.items()}
    kind = data["deltype"]
    types = np.column_stack([np.ones(len(y)), kind == "general", kind == "overt"]).astype(float)
    same = data["study"][:, None] == data["study"]
    V = np.where(same, 0.6, 0.0) * np.sqrt(np.outer(v, v))
    np.fill_diagonal(V, v)
    nested = (Nested("study", "esid"),)
    return (
        y,
        data,
        [
            Model("three_level_REML", v, nested),
            Model("deltype", v, nested, types),
            Model("CHE_rho0.6", V, nested),
            Model("CHE_rho0.6_deltype", V, nested, types),
        ],
    )


def _berkey(root: Node) -> tuple[Array, dict[str, Any], list[Model]]:
    special = root.get("special")
    y, V = root.get("analyses", "GEN", "yi").floats(), special.get("V").floats()
    data = {name: np.array(special.get(name).value) for name in ("trial", "outcome", "year")}
    X = np.column_stack([data["outcome"] == "AL", data["outcome"] == "PD"]).astype(float)
    with_year = np.column_stack([X, X * (data["year"] - 1983)[:, None]])
    models = []
    for method in ("REML", "ML"):
        options = {"method": method}
        for struct in ("UN", "CS", "HCS", "DIAG", "ID"):
            random = (Structured("outcome", within="trial", struct=struct),)
            models.append(Model(f"{struct}_{method}", V, random, X, options))
            models.append(Model(f"year_{struct}_{method}", V, random, with_year, options))
    return y, data, [*models, Model("FE", V, (), X)]


def _ishak(root: Node) -> tuple[Array, dict[str, Any], list[Model]]:
    special = root.get("special")
    data = {name: np.array(special.get(name).value) for name in ("study", "time")}
    X = (data["time"][:, None] == np.unique(data["time"])).astype(float)
    V = special.get("V_phi0.97").floats()
    models = [
        Model(struct, V, (Structured("time", within="study", struct=struct),), X)
        for struct in ("HAR", "AR", "CS", "ID")
    ]
    return special.get("yi").floats(), data, models


def _three_levels(root: Node) -> tuple[Array, dict[str, Any], list[Model]]:
    special = root.get("special")
    (_, analysis), *_ = root.get("analyses").items()
    y, v = analysis.get("yi").floats(), analysis.get("vi").floats()
    data = {"cluster": np.array(special.get("cluster").value), "row": np.arange(len(y))}
    return y, data, [Model("three_level", v, (Nested("cluster", "row"),))]


def _senn(root: Node) -> tuple[Array, dict[str, Any], list[Model]]:
    special, analysis = root.get("special"), root.get("analyses", "MN")
    y, v = analysis.get("yi").floats(), analysis.get("vi").floats()
    data = {name: np.array(node.value) for name, node in special.get("arms").items()}
    columns = [
        data[name] == coefficient.removeprefix(name)
        for coefficient in special.get("arm_fe", "names").value
        for name in ("study", "treatment")
        if coefficient.startswith(name)
    ]
    X = np.column_stack(columns).astype(float)
    random = (Structured("treatment", within="study", struct="CS", rho=0.5),)
    return y, data, [Model("arm_fe", v, (), X), Model("arm_re", v, random, X)]


def _fit(y: Array, data: dict[str, Any], model: Model, **options: Any) -> MultilevelFit:
    settings = {"test": "z"} | model.options | options
    return fit(y, model.V, model.X, random=model.random, data=data, **settings)


def _model(ledger: Ledger, node: Node, y: Array, data: dict[str, Any], model: Model) -> None:
    quantity = f"mv.{model.name.replace('.', ',')}"
    ours = ledger.attempt(quantity, node, VARIANCE, _fit, y, data, model)
    if ours is None:
        return
    point = _theirs(node, ours)
    if point is None:
        ledger.fail(quantity, node, VARIANCE, "no likelihood at their components")
        return
    for name in COMPONENTS:
        _component(ledger, node.get(name), ours, point, name, quantity)
    if levels := node.get("s_nlevels"):
        ledger.compare(f"{quantity}.s_nlevels", levels, list(ours.n_levels.values()), CLOSED)
    _given_theirs(ledger, node, ours, point, quantity)
    for method in ("ML", "REML"):
        leaves = node.get("fit", method).criteria()
        for name, value in _criteria(ours, point, method).items():
            ledger.compare(f"{quantity}.fit.{name}", leaves[name], value, CLOSED)
    ledger.compare(f"{quantity}.best_ll", node.get("best_ll"), ours.loglik, CLOSED)
    for name in DEFAULTS:
        ledger.differs("default control of rma.mv", node.get(name))


def _component(
    ledger: Ledger, leaf: Node, ours: MultilevelFit, point: Point, name: str, quantity: str
) -> None:
    mine = np.array(getattr(ours, name))
    if not leaf:
        return
    if mine.size == 0:
        ledger.differs("no correlation in the structure", leaf)
        return
    unit = float(mine.max()) if name != "rho" else 1.0
    off = relative_errors(mine, leaf.floats(), unit).max() > VARIANCE.rtol
    if off and point.value < ours.point.value:
        ledger.differs("rma.mv short of the maximum", leaf)
    else:
        ledger.compare(f"{quantity}.{name}", leaf, mine, VARIANCE, unit)


def _theirs(node: Node, ours: MultilevelFit) -> Point | None:
    """Our likelihood at their variances and correlations."""
    given = {name: list(node.get(name).floats()) for name in COMPONENTS if node.get(name)}
    theta: list[float] = []
    for part in ours.problem.parts:
        structure, variances = part.structure, given[part.kind]
        for _ in range(structure.n_variances):
            theta.append(float(np.sqrt(variances.pop(0))) / ours.problem.unit)
        for _ in range(structure.n_correlations):
            theta.append(structure.angle(given["rho"].pop(0)))
    return ours.problem.likelihood.at(np.array(theta))


def _given_theirs(
    ledger: Ledger, node: Node, ours: MultilevelFit, point: Point, quantity: str
) -> None:
    """Coefficients and tests, which follow from the components in closed form."""
    now = coefficients(
        ours.problem, point, ours.names, ours.method, ours.test, ours.dfs, ours.level
    )
    tested, _ = moderators(ours.X)
    # Where there is nothing but an intercept, metafor tests that.
    qm, qm_ddf, qm_pval = wald(now["beta"], now["vb"], now["ddf"], tested or [0])
    size = min(1.0, float(now["se"].max()) / NEAR_ZERO)
    values = {name: (now[name], size if name in SCALED else 1.0) for name in COEFFICIENTS}
    values |= {"stat": (now["zval"], 1.0), "ddf": (now["ddf"], 1.0)}
    values |= {"QM": (qm, 1.0), "QMp": (qm_pval, 1.0)}
    values |= {"QMdf": ([len(tested), qm_ddf], 1.0)}
    values |= {"QE": (ours.qe, 1.0), "QEdf": (ours.qe_df, 1.0), "QEp": (ours.qe_pval, 1.0)}
    for name, (mine, unit) in values.items():
        ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, unit)


def _criteria(ours: MultilevelFit, point: Point, method: str) -> dict[str, float]:
    """The five numbers of `fit`; the deviance of ML is from a model that fits every effect."""
    common, k, p = ours.problem.common, ours.k, ours.p
    loglik = log_likelihood(ours.problem, point, restricted=method == "REML")
    deviance = -2 * loglik
    if method == "ML" and common is not None:
        deviance -= k * (LOG_2PI + 2 * np.log(ours.problem.unit)) + common.log_m
    free = int(np.isnan(ours.problem.likelihood.fixed).sum())
    listed = criteria(loglik, p + free, k if method == "ML" else k - p)
    return dict(zip(FIT, (loglik, deviance, *listed.values()), strict=True))


def _beyond(ledger: Ledger, special: Node, y: Array, data: dict[str, Any], model: Model) -> None:
    """Of the three-level model: intervals, predictions, random effects, I2, clusters left out."""
    ours = ledger.attempt("mv.beyond", special, VARIANCE, _fit, y, data, model)
    if ours is None:
        return
    bounds = special.get("confint_sigma2")
    found = [profile_ci(ours, name) for name in ours.components]
    mine = np.array([[each.estimate, each.ci_lb, each.ci_ub] for each in found]).ravel()
    given = np.isfinite(bounds.floats().ravel())
    size = min(each.estimate for each in found)
    ledger.compare("mv.confint", bounds, mine, INTERVAL, size, only=given)
    if not given.all():
        ledger.differs("end of the search of confint", bounds)
    prediction = predict(ours)
    for name, node in special.get("predict").items():
        ledger.compare(f"mv.predict.{name}", node, getattr(prediction, name)[0], VARIANCE)
    effects = ranef(ours)
    for name, node in special.get("ranef").items():
        effect = effects[name]
        unit = float(np.abs(effect.ranef).max())
        ledger.compare("mv.ranef", node.get("intrcpt"), effect.ranef, VARIANCE, unit)
        ledger.compare("mv.ranef.se", node.get("se"), effect.se, VARIANCE)
    shares = i_squared(ours)
    if each := special.get("I2_multilevel"):
        ledger.compare("mv.I2", each, list(shares.parts.values()), VARIANCE)
        ledger.compare("mv.I2", special.get("I2_multilevel_total"), shares.total, VARIANCE)
    if distances := special.get("cooks_district"):
        moved = cooks_distance(ours, data["district"]).cook_d
        given = np.isfinite(distances.floats())
        ledger.compare("mv.cooks.distance", distances, moved, VARIANCE, only=given)
        if not given.all():
            ledger.differs("blank in the reference", distances)


def _contrast(
    ledger: Ledger, node: Node, y: Array, data: dict[str, Any], models: list[Model]
) -> None:
    """Berkey: the difference of the two outcomes, of the first model (UN, REML)."""
    ours = ledger.attempt("mv.contrast", node, VARIANCE, _fit, y, data, models[0])
    if ours is None:
        return
    row = np.array([[1.0, -1.0]])
    found = predict(ours, row, at={"outcome": "AL"})
    z = found.pred / found.se
    values = {"est": found.pred, "se": found.se, "z": z, "p": p_value(z, np.array([np.nan]))}
    for name, mine in values.items():
        ledger.compare(f"mv.contrast.{name}", node.get(name), mine, VARIANCE)
