"""Section `diag.selmodel`: step functions, beta, half-normal, negative exponential."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from conformity.ledger import INTEGRATED, ITERATIVE, NEAR_ZERO, Kind, Ledger
from conformity.reference import Node
from conformity.univariate import Studies, studies
from trialpool.diagnostics.selection import SelectionModel, selection_model

# A maximum is flat: short of it by 1e-10 in the log likelihood is 1.4e-5 standard errors away, and
# what is computed there is off by as much again.
PLACE = Kind("place of an optimum, in standard errors", 3e-5)
# Where metafor integrates to 1e-4, its optimiser cannot see more than this.
BLURRED = Kind("place of an optimum of integrals", 2e-2)
# Log likelihoods nearer than this are the same maximum.
SAME = 1e-6

MODELS: dict[str, dict[str, Any]] = {
    "stepfun_025": {"steps": (0.025,)},
    "stepfun_025_5": {"steps": (0.025, 0.5)},
    "stepfun_025_EE": {"steps": (0.025,), "tau2": "EE"},
    "beta": {"kind": "beta"},
    "halfnorm": {"kind": "halfnorm"},
    "negexp": {"kind": "negexp"},
}
SHORT, BOUND = "optimiser short of the maximum of selection", "selection at a bound"
BLANK, INTEGRAL = "no selection to estimate", "integrals to 1e-4"
CONTROL = "default control of selection"


COVARIANCE = ("se", "ci_lb", "ci_ub", "pval", "se_tau2", "se_delta")


def compare(ledger: Ledger, root: Node) -> None:
    """Every model on every analysis: the best that metafor's optimisers found."""
    for _, analysis in root.get("analyses").items():
        data = studies(analysis)
        for name, fits in analysis.get("diag", "selmodel").items():
            best = fits.get("best")
            if best:
                _declare(ledger, CONTROL, fits.get("default"))
            node = best or fits.get("default")
            options = {**MODELS[name], "alternative": node.get("alternative").value}
            quantity = f"selmodel.{name}"
            fit = partial(selection_model, *data, **options)
            ours = ledger.attempt(quantity, node, ITERATIVE, fit)
            if ours is not None:
                _one_model(ledger, node, data, ours, quantity)


def _declare(ledger: Ledger, why: str, node: Node) -> None:
    """All numbers of a fit at once."""
    for key, leaf in node.items():
        if key not in ("alternative", "call"):
            ledger.differs(why, leaf, leaf.floats().size)


def _one_model(
    ledger: Ledger, node: Node, data: Studies, ours: SelectionModel, quantity: str
) -> None:
    higher = ours.loglik - float(node.get("ll").value)
    step = ours.kind == "step"
    if not ours.converged or np.isnan(ours.delta).any():
        _declare(ledger, BLANK, node)
    elif higher > (SAME if step else INTEGRATED.rtol * abs(ours.loglik)):
        _declare(ledger, SHORT, node)
    else:
        for key, value in _numbers(ours).items():
            if key in COVARIANCE and not step:
                ledger.differs(INTEGRAL, node.get(key), np.size(value))
            elif key in COVARIANCE and _bounds_differ(node, ours):
                ledger.differs(BOUND, node.get(key), np.size(value))
            else:
                kind, unit = _measure(key, data, ours)
                ledger.compare(f"{quantity}.{key}", node.get(key), value, kind, unit)


def _numbers(ours: SelectionModel) -> dict[str, Any]:
    test = ours.selection
    same = ("beta", "se", "ci_lb", "ci_ub", "pval", "tau2", "se_tau2", "delta", "se_delta")
    out = {key: getattr(ours, key) for key in same}
    return out | {"ll": ours.loglik, "LRT": test.stat, "LRTdf": test.df, "LRTp": test.pval}


def _bounds_differ(node: Node, ours: SelectionModel) -> bool:
    """Whether one of the two sees a parameter at its bound that the other estimates."""
    theirs = node.get("se_delta").floats()
    tau2 = bool(node.get("se_tau2")) and np.isnan(ours.se_tau2)
    se = bool(np.isnan(node.get("se").floats()).any())
    return tau2 or se or bool((np.isnan(theirs) != np.isnan(ours.se_delta)).any())


def _measure(key: str, data: Studies, ours: SelectionModel) -> tuple[Kind, Any]:
    """Estimates are judged on the scale of their standard errors."""
    step = ours.kind == "step"
    if key == "ll":
        return (ITERATIVE if step else INTEGRATED), 1.0
    scales: dict[str, Any] = {
        "beta": ours.se,
        "ci_lb": ours.se,
        "ci_ub": ours.se,
        "tau2": ours.se_tau2 if ours.se_tau2 > 0 else data.unit("tau2"),
        "delta": np.where(np.isnan(ours.se_delta), 1.0, ours.se_delta),
    }
    unit = scales.get(key, 1.0 if not step else NEAR_ZERO) / NEAR_ZERO
    return (PLACE if step else BLURRED), unit
