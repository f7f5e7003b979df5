"""Small-study effects: regtest, ranktest, trimfill, fsn; of meta_pkg metabias and limitmeta."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy.optimize import brentq

from conformity.ledger import CLOSED, ITERATIVE, Kind, Ledger
from conformity.reference import Array, Node
from conformity.univariate import Studies, kind_of, studies
from trialpool.diagnostics.asymmetry import egger, rank_test
from trialpool.diagnostics.fail_safe import KINDS, fail_safe_n, with_null_results
from trialpool.diagnostics.limits import limit_meta
from trialpool.diagnostics.trim_and_fill import trim_and_fill
from trialpool.digits import ranks
from trialpool.pooling.design import Design
from trialpool.pooling.inference import half_width
from trialpool.pooling.regression import Regression, regress
from trialpool.results import Pooled

# Their name: our field.
REGTEST = {
    "stat": "zval",
    "ddf": "dfs",
    "dfs": "dfs",
    "pval": "pval",
    "est": "est",
    "ci_lb": "ci_lb",
    "ci_ub": "ci_ub",
}
METABIAS = {
    "stat": "zval",
    "df": "dfs",
    "p": "pval",
    "bias": "slope",
    "se_bias": "se_slope",
    "intercept": "est",
    "se_intercept": "se_est",
}
# Name in metabias: our model and its test.
METABIAS_MODELS = {"Egger": ("lm", "z"), "Thompson": ("rma", "t")}
COMMON_EFFECT = tuple(kind for kind in KINDS if kind != "General")
FILLED = ("beta", "se", "ci_lb", "ci_ub", "pval")
# Our field: that of a regression on an intercept and the predictor, and the coefficient.
COEFFICIENTS = {
    "zval": ("zval", 1),
    "pval": ("pval", 1),
    "slope": ("beta", 1),
    "se_slope": ("se", 1),
    "est": ("beta", 0),
    "se_est": ("se", 0),
    "ci_lb": ("ci_lb", 0),
    "ci_ub": ("ci_ub", 0),
}
# Where their refit stopped short of the maximum, ours is evaluated at their tau2.
AT_THEIRS = ".at_their_tau2"
ROUNDING = 1e-9  # of a log-likelihood
LIMIT = {
    "TE_adjust": "beta",
    "se_adjust": "se",
    "lower": "ci_lb",
    "upper": "ci_ub",
    "p": "pval",
    "Q_resid": "q_resid",
    "Q_small": "q_small",
    "alpha_r": "bias",
    "beta_r": "slope",
}
_SIZED = {"est": "beta", "se_est": "se"}


def compare(ledger: Ledger, root: Node) -> None:
    """All small-study quantities of every analysis."""
    for _, analysis in root.get("analyses").items():
        diag, data = analysis.get("diag"), studies(analysis)
        for name, node in diag.get("regtest").items():
            model, _, predictor = name.partition("_")
            _egger(ledger, node, data, f"regtest.{name}", REGTEST, model, predictor, "z")
        _rank_test(ledger, diag.get("ranktest"), data)
        for method, estimators in diag.get("trimfill").items():
            for estimator, node in estimators.items():
                _trim_and_fill(ledger, node, data, method, estimator)
        for kind in COMMON_EFFECT:
            _fail_safe(ledger, diag.get("fsn", kind), data, kind)
        default = analysis.get("uni", "REML", "tau2_default_control")
        _general_fail_safe(ledger, diag.get("fsn", "General_REML"), data, default)
        package = analysis.get("meta_pkg")
        for name, (model, test) in METABIAS_MODELS.items():
            node = package.get("bias", name)
            _egger(ledger, node, data, f"meta.bias.{name}", METABIAS, model, "sei", test)
        for _, leaf in package.get("bias", "Begg").items():
            ledger.differs("normal approximation", leaf)
        _limit(ledger, package.get("limitmeta"), data)


def _egger(
    ledger: Ledger,
    node: Node,
    data: Studies,
    quantity: str,
    names: dict[str, str],
    model: str,
    predictor: str,
    test: str,
) -> None:
    if not node:
        return
    kind = CLOSED if model == "lm" else ITERATIVE
    options = {"model": model, "predictor": predictor, "test": test}
    ours = ledger.attempt(quantity, node, kind, egger, *data, **options)
    if ours is None:
        return
    numbers = {field: getattr(ours, field) for field in names.values()}
    spread = node.get("tau2_or_phi")
    if model == "lm":
        phi = math.sqrt(ours.dispersion)
        ledger.compare(f"{quantity}.tau2_or_phi", spread, phi, kind)
    else:
        x = np.sqrt(data.vi) if predictor == "sei" else data.vi
        design = np.column_stack([np.ones(len(x)), x])
        theirs = float(spread.floats()[0]) ** 2 if spread else _tau2_of_interval(node, data, design)
        if not _same_tau2(ledger, node, data, design, ours.tau2, theirs, quantity):
            quantity += AT_THEIRS
            fit = _at_tau2(data, design, theirs, test)
            numbers = {
                field: getattr(fit, name)[column] for field, (name, column) in COEFFICIENTS.items()
            } | {"dfs": fit.ddf}
        if spread:
            ledger.differs("default control of a refit", spread)
    for name, field in names.items():
        unit = data.unit(_SIZED.get(field, field))
        ledger.compare(f"{quantity}.{name}", node.get(name), numbers[field], kind, unit)


def _at_tau2(data: Studies, design: Array, tau2: float, test: str) -> Regression:
    return regress(data.yi, data.vi + tau2, design, tau2="EE", test=test)


def _tau2_of_interval(node: Node, data: Studies, design: Array) -> float:
    """The tau2 that the interval of the intercept belongs to: it widens with tau2."""
    low, high = (float(node.get(name).floats()[0]) for name in ("ci_lb", "ci_ub"))
    aim = (high - low) / (2 * float(half_width(0.95, np.nan)))

    def excess(t: float) -> float:
        return float(_at_tau2(data, design, t, "z").se[0]) - aim

    if excess(0.0) >= 0:
        return 0.0
    top = float(data.vi.min())
    while excess(top) < 0:
        top *= 2
    return float(brentq(excess, 0.0, top, xtol=1e-300, rtol=1e-15))


def _same_tau2(
    ledger: Ledger,
    node: Node,
    data: Studies,
    design: Array,
    ours: float,
    theirs: float,
    quantity: str,
) -> bool:
    """Whether both stopped at the same tau2; if not, ours must be the likelier one."""
    unit = float(np.median(data.vi))
    # Tighter than what follows from tau2 has to be: that can be off by more.
    if abs(ours - theirs) <= 0.1 * ITERATIVE.rtol * max(theirs, 0.01 * unit):
        return True
    s = Design(data.yi, data.vi, design.T)
    likely = (float(s.log_likelihood(t / s.unit**2, restricted=True)) for t in (ours, theirs))
    if next(likely) < next(likely) - ROUNDING:
        ledger.fail(f"{quantity}.tau2", node, ITERATIVE, "theirs has the higher likelihood")
    return False


def _rank_test(ledger: Ledger, node: Node, data: Studies) -> None:
    if not node:
        return
    ours = ledger.attempt("ranktest", node, CLOSED, rank_test, *data)
    if ours is None:
        return
    if len(np.unique(ranks(data.vi))) < len(np.unique(data.vi)):
        for name in ("tau", "pval"):
            ledger.differs("ties but for rounding", node.get(name))
    else:
        ledger.compare("ranktest.tau", node.get("tau"), ours.tau, CLOSED)
        ledger.compare("ranktest.pval", node.get("pval"), ours.pval, CLOSED)


def _trim_and_fill(ledger: Ledger, node: Node, data: Studies, method: str, estimator: str) -> None:
    quantity, kind = f"trimfill.{method}.{estimator}", kind_of(method)
    options = {"estimator": estimator, "tau2": method, "test": "z"}
    ours = ledger.attempt(quantity, node, kind, trim_and_fill, *data, **options)
    if ours is None:
        return
    if ours.pooled is None:
        ledger.fail(quantity, node, kind, ours.reasons["pooled"])
        return
    side = node.get("side")
    if side.value == ours.side:
        ledger.compare(f"{quantity}.side", Node(0.0, side.place), 0.0, CLOSED)
    else:
        ledger.fail(f"{quantity}.side", side, CLOSED, f"ours {ours.side}, theirs {side.value}")
    ledger.compare(f"{quantity}.k0", node.get("k0"), ours.k0, CLOSED)
    ledger.compare(f"{quantity}.se_k0", node.get("se_k0"), ours.se_k0, CLOSED)
    ledger.compare(f"{quantity}.p_k0", node.get("p_k0"), ours.pval, CLOSED)
    ledger.compare(f"{quantity}.k", node.get("k"), ours.pooled.k, CLOSED)
    for name, unit in (("yi_filled", data.unit("beta")), ("vi_filled", data.unit("vb"))):
        ledger.compare(f"{quantity}.{name}", node.get(name), getattr(ours, name), kind, unit)
    filled = Studies(np.append(data.yi, ours.yi_filled), np.append(data.vi, ours.vi_filled))
    _filled(ledger, node, filled, ours.pooled, quantity, kind)


def _filled(
    ledger: Ledger, node: Node, data: Studies, pooled: Pooled, quantity: str, kind: Kind
) -> None:
    """The pooled effect with the filled studies."""
    numbers = {name: getattr(pooled, name) for name in FILLED}
    tau2, design = node.get("tau2"), np.ones((len(data.yi), 1))
    theirs = float(tau2.floats()[0])
    if kind is CLOSED or _same_tau2(ledger, node, data, design, pooled.tau2, theirs, quantity):
        ledger.compare(f"{quantity}.tau2", tau2, pooled.tau2, kind, data.unit("tau2"))
    else:
        ledger.differs("default control of a refit", tau2)
        fit = _at_tau2(data, design, theirs, "z")
        numbers = {name: getattr(fit, name)[0] for name in FILLED}
        quantity += AT_THEIRS
    for name, mine in numbers.items():
        ledger.compare(f"{quantity}.{name}", node.get(name), mine, kind, data.unit(name))


def _fail_safe(ledger: Ledger, node: Node, data: Studies, kind: str) -> None:
    if not node:
        return
    quantity, call = f"fsn.{kind}", partial(fail_safe_n, kind=kind)
    ours = ledger.attempt(quantity, node, CLOSED, call, *data)
    if ours is not None:
        for name in ("fsnum", "pval", "est", "target"):
            unit = data.unit("beta") if name in ("est", "target") else 1.0
            mine = getattr(ours, name)
            ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, unit)


def _general_fail_safe(ledger: Ledger, node: Node, data: Studies, default: Node) -> None:
    """At the tau2 of metafor's default control, which fsn() uses, and at its number."""
    if not node:
        return
    quantity, tau2 = "fsn.General", float(default.floats()[0])
    call = partial(fail_safe_n, kind="General", tau2=tau2)
    ours = ledger.attempt(quantity, node, ITERATIVE, call, *data)
    if ours is None:
        return
    theirs = float(node.get("fsnum").floats()[0])
    if theirs == ours.fsnum + 1 and ours.pval_after >= ours.alpha:
        ledger.differs("one null result more", node.get("fsnum"))
    else:
        ledger.compare(f"{quantity}.fsnum", node.get("fsnum"), ours.fsnum, CLOSED)
    after = with_null_results(data.yi, data.vi, tau2, int(theirs))
    numbers = {"est": ours.est, "pval": ours.pval, "est_fsn": after[0], "pval_fsn": after[1]}
    for name, mine in numbers.items():
        unit = data.unit("beta") if name.startswith("est") else 1.0
        ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, unit)


def _limit(ledger: Ledger, node: Node, data: Studies) -> None:
    """At the file's own tau2, which metasens takes from meta's default control."""
    if not node:
        return
    tau = node.get("tau")
    ledger.differs("default control of meta", tau)
    tau2 = float(tau.floats()[0]) ** 2
    ours = ledger.attempt("meta.limitmeta", node, CLOSED, limit_meta, *data, tau2=tau2)
    if ours is None:
        return
    for name, field in LIMIT.items():
        unit, mine = data.unit(field), getattr(ours, field)
        ledger.compare(f"meta.limitmeta.{name}", node.get(name), mine, CLOSED, unit)
    ledger.compare("meta.limitmeta.G2", node.get("G2"), ours.g2 / 100, CLOSED)
