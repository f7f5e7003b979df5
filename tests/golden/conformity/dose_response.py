"""Dose-response meta-analysis by R's package dosresmeta, in two stages."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformity.ledger import CLOSED, ITERATIVE, Kind, Ledger
from conformity.reference import Array, Node
from trialpool.doseresponse.likelihood import Mixed, TrialBlock
from trialpool.doseresponse.model import DoseResponse, dose_response
from trialpool.doseresponse.trials import DoseTrial, from_ratios
from trialpool.pooling.moments import moment_matrix, nearest_covariance

# dosresmeta's search for the counts has tol = 1e-5 (Greenland-Longnecker) or is a general-purpose
# optimiser (Hamling); ours goes on to the root. What follows is held at their covariances.
SEARCH = Kind("counts by a coarse search", 1e-4)
# mixmeta sets negative eigenvalues of the moment matrix to the root of R's machine epsilon.
FLOOR = float(np.sqrt(np.finfo(float).eps))
# The general-purpose optimiser of mixmeta stops at 1e-6 of a covariance of two terms; the score of
# ours is 0 (test_dose_response.py).
SEVERAL = Kind("numerical optimiser of a covariance", 1e-5)
NONE = 0.0  # no natural size: every number is judged by itself
OPTIONS = {
    "linear_reml": ("linear", "REML", "GL"),
    "linear_fixed": ("linear", "EE", "GL"),
    "linear_hamling": ("linear", "REML", "Hamling"),
    "quadratic_reml": ("quadratic", "REML", "GL"),
    "quadratic_mm": ("quadratic", "MM", "GL"),
}


def compare(ledger: Ledger, root: Node) -> None:
    """Covariances from the data, everything else at the covariances of the file."""
    for name, node in root.items():
        if not node.get("data"):
            continue
        for fit, (shape, method, covariance) in OPTIONS.items():
            if given := node.get(fit):
                _covariances(ledger, node, given, covariance)
                _fit(ledger, given, trials(node), f"dose.{name}.{fit}", shape, method)


def trials(node: Node, covariance: str = "GL", kind: str = "") -> list[DoseTrial]:
    """The studies of a file; `kind` overrides their design."""
    data = node.get("data")
    size = data.get("n") or data.get("peryears")
    return from_ratios(
        data.get("id").value, data.get("dose").floats(), data.get("logrr").floats(),
        data.get("se").floats(), cases=data.get("cases").floats(), size=size.floats(),
        kind=kind or data.get("type").value, covariance=covariance,
    )  # fmt: skip


def _covariances(ledger: Ledger, node: Node, given: Node, covariance: str) -> None:
    design = dict(zip(node.get("data", "id").value, node.get("data", "type").value, strict=True))
    kinds = [design[name] for name in dict.fromkeys(node.get("data", "id").value)]
    own, rates = trials(node, covariance), trials(node, covariance, "ir")
    leaf, mine, theirs, used = given.get("Slist"), [], [], []
    for i, kind in enumerate(kinds):
        theirs += Node(leaf.value[i]).floats().ravel().tolist()
        mine += (rates if kind == "ci" else own)[i].V.ravel().tolist()
        used += [kind != "ci" or covariance == "GL"] * own[i].V.size
    ledger.compare(f"dose.{covariance}.Slist", Node(theirs, leaf.place), mine, SEARCH, NONE, used)
    if "ci" in kinds:
        ledger.differs("cumulative incidence as rates", leaf, kinds.count("ci"))


def _fit(
    ledger: Ledger, given: Node, own: list[DoseTrial], quantity: str, shape: str, method: str
) -> None:
    """Both stages at their covariances."""
    theirs = [np.array(matrix, dtype=np.float64) for matrix in given.get("Slist").value]
    data = [_with(trial, v) for trial, v in zip(own, theirs, strict=True)]
    kind = ITERATIVE if method == "REML" else CLOSED
    ours = ledger.attempt(
        quantity, given, kind, dose_response, data, shape_name=shape, method=method, stages=2
    )
    if ours is None:
        return
    ledger.compare(f"{quantity}.bi", given.get("bi"), ours.slopes, CLOSED, NONE)
    ledger.compare(f"{quantity}.Si", given.get("Si"), ours.slope_covariances, CLOSED, NONE)
    q = [ours.q] if ours.shape.p == 1 else [ours.q, *ours.q_each]
    ledger.compare(f"{quantity}.Q", given.get("Q"), q, CLOSED, NONE)
    for key, value, unit in _numbers(ours, method):
        several = key == "Psi" and method == "REML" and ours.shape.p > 1
        own_kind = SEVERAL if several else kind
        ledger.compare(f"{quantity}.{key}", given.get(key), value, own_kind, unit)


def _numbers(ours: DoseResponse, method: str) -> list[tuple[str, Any, Any]]:
    """Results by their names, with the natural size of Psi: the mean trial's own variance."""
    unit = np.einsum("ijj->ij", ours.slope_covariances).mean(axis=0)
    sizes = np.sqrt(np.outer(unit, unit)).ravel()
    if method != "MM":
        return [
            ("coef", ours.beta, NONE),
            ("vcov", ours.vcov, NONE),
            ("Psi", ours.psi, sizes),
            ("logLik", ours.loglik, NONE),
        ]
    blocks = [
        TrialBlock(b, np.eye(ours.shape.p), s)
        for b, s in zip(ours.slopes, ours.slope_covariances, strict=True)
    ]
    psi = nearest_covariance(moment_matrix(ours.slopes, ours.slope_covariances), FLOOR)
    fit = Mixed(blocks).fit(psi, restricted=False)
    return [("coef", fit.beta, NONE), ("vcov", fit.vcov, NONE), ("Psi", psi, sizes)]


def _with(trial: DoseTrial, v: Array) -> DoseTrial:
    return DoseTrial(name=trial.name, dose=trial.dose, reference=trial.reference, yi=trial.yi, V=v)
