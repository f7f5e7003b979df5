"""Section `special.glmm`: generalised linear mixed models of counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trialpool as tp
from conformity.counts import FIELDS, complete, person_time, tables
from conformity.ledger import NEAR_ZERO, Kind, Ledger
from conformity.reference import FIT, Array, Node

# Where glmer and metafor's optimiser stop, and how well they differentiate numerically.
MIXED = Kind("mixed model", 1e-2)
# With two random effects the likelihood of glmer is noisy at the tolerance of its inner iteration:
# the standard error of bcg is off by 0.4 %, as an independent Laplace approximation shows.
NOISY = Kind("noisy likelihood", 3e-2)
# As far as lme4 goes when told to go on (make_golden.R).
TIGHTENED = Kind("mixed model, tightened", 1e-3)

HETEROGENEITY = {"tau2": "tau2", "sigma2": "sigma2", "I2": "i2", "H2": "h2"}
TESTS = {"QE_LRT": "lrt", "QE_Wld": "wald"}
CRITERIA = dict(zip(FIT, ("loglik", "deviance", "aic", "bic", "aicc"), strict=True))
COVARIANCE = ("se", "stat", "pval", "ci_lb", "ci_ub", "vb")
ONE_ARM = {"PLO": ("xi", "ni"), "IRLN": ("xi", "ti")}
_FITS: dict[tuple[object, ...], Any] = {}


def compare(ledger: Ledger, root: Node) -> None:
    """Every model, with as many points of quadrature as metafor took."""
    for name, node in root.get("special", "glmm").items():
        found = call(name, node, root)
        if found is None:
            continue
        function, data, options = found
        kind = _kind(name, node)
        quantity = f"glmm.{name}"
        ours = ledger.attempt(quantity, node, kind, fit, function, data, options)
        if ours is None:
            continue
        for key, value in _numbers(ours).items():
            if why := _difference(key, name, options, node, ours):
                ledger.differs(why, node.get(key))
            else:
                # Estimates and bounds are judged on the scale of their standard error.
                unit = ours.se / NEAR_ZERO if key in ("beta", "ci_lb", "ci_ub") else 1.0
                ledger.compare(f"{quantity}.{key}", node.get(key), value, kind, unit)
        for criterion, leaf in node.get("fit").criteria().items():
            if left_out_a_constant(options):
                ledger.differs("likelihood by quadrature", leaf)
            else:
                value = getattr(ours, CRITERIA[criterion])
                ledger.compare(f"{quantity}.fit.{criterion}", leaf, value, kind)


def fit(function: Callable[..., Any], data: dict[str, Array], options: dict[str, Any]) -> Any:
    """The fit of `call`; the same numbers are fitted once, however many files and tests ask."""
    columns = ((name, column.tobytes()) for name, column in data.items())
    key = (function, *columns, *options.items())
    if key not in _FITS:
        _FITS[key] = function(**data, **options)
    return _FITS[key]


def _kind(name: str, node: Node) -> Kind:
    if name == "UM.RS":
        return NOISY
    return TIGHTENED if node.get("nAGQ") else MIXED


def call(
    name: str, node: Node, root: Node
) -> tuple[Callable[..., Any], dict[str, Array], dict[str, Any]] | None:
    """Our function, its data and its options; None where the file has none of them."""
    if not isinstance(node.value, dict):
        return None
    model, _, end = name.partition("_")
    options: dict[str, Any] = {"tau2": end or "ML"}
    function: Callable[..., Any]
    if model in ONE_ARM:
        function, data = tp.pool_one_arm, complete(root, ONE_ARM[model])
    else:
        table = tables(root)
        function = tp.pool_counts if table else tp.pool_rates
        data = table or person_time(root)
        options |= {"method": "GLMM", "model": model, "measure": "OR" if table else "IRR"}
    if not data:
        return None
    # metafor integrates CM.EL of tables itself. Else seven points are its default, and one where
    # studies have random levels as well.
    if model != "CM.EL" or options["measure"] == "IRR":
        points = node.get("nAGQ").value or (1 if model == "UM.RS" else 7)
        options["quadrature_points"] = int(points)
    return function, data, options


def _numbers(ours: Any) -> dict[str, float]:
    out = {key: getattr(ours, field) for key, field in {**FIELDS, **HETEROGENEITY}.items()}
    out |= {"vb": ours.se**2, "QE_df": ours.q_df}
    for key, test in TESTS.items():
        out |= {key: ours.tests[test].stat, key.replace("QE", "QEp"): ours.tests[test].pval}
    return out


def _difference(key: str, name: str, options: dict[str, Any], node: Node, ours: Any) -> str:
    """The declared difference that a number falls under, or ""."""
    if name.startswith(("CM.EL", "UM.RS")) and key.endswith("_Wld"):
        return "covariance by finite differences"
    # Of UM.RS the standard error is compared, within its noise, and what has the same noise.
    if (name == "CM.EL_EE" and key in COVARIANCE) or (name == "UM.RS" and key in ("vb", "pval")):
        return "covariance by finite differences"
    if name == "CM.EL" and key in HETEROGENEITY and ours.tau2 == 0:
        theirs = node.get("fit").criteria().get("logLik")
        if theirs and ours.loglik >= theirs.value:
            return "optimiser short of the maximum"
    return ""


def left_out_a_constant(options: dict[str, Any]) -> bool:
    """Whether lme4's log likelihood of this fit lacks its constant."""
    return options["tau2"] == "ML" and int(options.get("quadrature_points", 1)) > 1
