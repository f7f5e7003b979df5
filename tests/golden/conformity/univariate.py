"""Sections `uni`, `tau2_hp`: one pooled effect, every estimator by every test."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import trialpool as tp
from conformity.ledger import CLOSED, ITERATIVE, Kind, Ledger, relative_errors
from conformity.reference import Array, Node
from trialpool.pooling.tau2 import estimators_of
from trialpool.results import Pooled

CLOSED_FORM = {"EE", "DL", "HE", "HS", "HSk", "SJ"}
TESTS = {"z": "z", "t": "t", "knha": "knha", "adhoc": "hksj"}
# metafor's name: our field.
FIELDS = {
    "beta": "beta",
    "se": "se",
    "stat": "zval",
    "ddf": "ddf",
    "pval": "pval",
    "ci_lb": "ci_lb",
    "ci_ub": "ci_ub",
    "tau2": "tau2",
    "se_tau2": "se_tau2",
    "I2": "i2",
    "H2": "h2",
}
HETEROGENEITY = {"QE": "q", "QEdf": "q_df", "QEp": "q_pval"}
NEED_TWO = ("tau2", "se_tau2", "I2", "H2")
CRITERIA = {"logLik": "loglik", "AIC": "aic", "BIC": "bic", "AICc": "aicc"}


@dataclass(frozen=True)
class Studies:
    """Effects and variances of one analysis, to be unpacked, and their natural sizes."""

    yi: Array
    vi: Array

    def __iter__(self) -> Iterator[Array]:
        yield self.yi
        yield self.vi

    @cached_property
    def _units(self) -> dict[str, float]:
        variance = min(1.0, float(np.median(self.vi)))
        effects = ("beta", "se", "ci_lb", "ci_ub", "pred", "pi_lb", "pi_ub", "tau")
        out = dict.fromkeys(effects, math.sqrt(variance))
        return out | dict.fromkeys(("tau2", "se_tau2", "vb"), variance)

    def unit(self, field: str) -> float:
        """Natural size of a field, at most 1; 1 where it has no unit."""
        return self._units.get(field, 1.0)


def studies(analysis: Node) -> Studies:
    """The data of an analysis."""
    return Studies(analysis.get("yi").floats(), analysis.get("vi").floats())


def kind_of(method: str) -> Kind:
    """Closed form for the estimators that are one; any other takes an iteration."""
    return CLOSED if method in CLOSED_FORM else ITERATIVE


def compare(ledger: Ledger, root: Node) -> None:
    """Every registered estimator on every analysis."""
    for _, analysis in root.get("analyses").items():
        data = studies(analysis)
        for method, fits in analysis.get("uni").items():
            for name in ("tau2_default_control", "beta_default_control"):
                ledger.differs("default control", fits.get(name))
            if method not in estimators_of("effects"):
                continue
            off = _off_its_root(fits.get("z", "tau2"), analysis.get("tau2_hp", method), data)
            for theirs, test in TESTS.items():
                fit = fits.get(theirs)
                if off:
                    ledger.differs("off its own root", fit)
                elif fit:
                    _one_fit(ledger, fit, data, method, test, f"uni.{method}.{theirs}")
        for method, truth in analysis.get("tau2_hp").items():
            exact_tau2(ledger, truth, data, method)


def _off_its_root(tau2: Node, truth: Node, data: Studies) -> bool:
    """Whether the reference itself is not where its estimator is defined to be."""
    if not tau2 or not truth:
        return False
    error = relative_errors(tau2.floats(), truth.floats(), data.unit("tau2"))
    return bool(error[0] > ITERATIVE.rtol)


def exact_tau2(ledger: Ledger, truth: Node, data: Studies, method: str) -> None:
    """Against a root in 80-bit arithmetic: as exact as a closed form."""
    if method not in estimators_of("effects") or not truth:
        return
    quantity = f"tau2_hp.{method}"
    ours = ledger.attempt(quantity, truth, CLOSED, tp.pool, *data, tau2=method)
    if ours is not None:
        ledger.compare(quantity, truth, ours.tau2, CLOSED, data.unit("tau2"))


def _one_fit(
    ledger: Ledger, fit: Node, data: Studies, method: str, test: str, quantity: str
) -> None:
    kind = kind_of(method)
    # metafor's default prediction interval goes with the test; "Riley" has k - 2 df.
    default = "z" if test == "z" else "k-1"
    ours = ledger.attempt(quantity, fit, kind, tp.pool, *data, tau2=method, test=test, pi=default)
    if ours is None:
        return
    for name, field in FIELDS.items():
        node = fit.get(name)
        if ours.k == 1 and name in NEED_TWO:
            ledger.differs("one study", node)
        elif ours.se == 0 and name in ("stat", "pval"):
            ledger.differs("standard error of 0", node)
        else:
            ledger.compare(f"{quantity}.{name}", node, getattr(ours, field), kind, data.unit(name))
    for name, field in HETEROGENEITY.items():
        ledger.compare(f"{quantity}.{name}", fit.get(name), getattr(ours, field), CLOSED)
    ledger.compare(f"{quantity}.vb", fit.get("vb"), ours.se**2, kind, data.unit("vb"))
    likelihoods(ledger, fit.get("fit"), ours, f"{quantity}.fit", kind, data.vi)

    pred = fit.get("pred") or fit
    for name, field in {"pred": "beta", "se": "se", "ci_lb": "ci_lb", "ci_ub": "ci_ub"}.items():
        if fit.get("pred"):
            unit = data.unit(field)
            ledger.compare(
                f"{quantity}.pred.{name}", pred.get(name), getattr(ours, field), kind, unit
            )
    _prediction(ledger, pred, ours, kind, data, f"{quantity}.pi.default", "")
    if pred.get("pi_lb_riley"):
        options = {"tau2": method, "test": test, "pi": "k-2"}
        riley = ledger.attempt(f"{quantity}.pi.riley", pred, kind, tp.pool, *data, **options)
        if riley is not None:
            _prediction(ledger, pred, riley, kind, data, f"{quantity}.pi.riley", "_riley")


def _prediction(
    ledger: Ledger, pred: Node, ours: Pooled, kind: Kind, data: Studies, quantity: str, end: str
) -> None:
    """Bounds of a prediction interval."""
    for side in ("pi_lb", "pi_ub"):
        node, value = pred.get(f"{side}{end}"), getattr(ours, side)
        if math.isnan(value) and ours.k < 3:
            ledger.differs("no interval below three studies", node)
        else:
            ledger.compare(quantity, node, value, kind, data.unit(side))


def likelihoods(ledger: Ledger, fit: Node, ours: Any, quantity: str, kind: Kind, vi: Array) -> None:
    """The five criteria of the likelihood that the estimator belongs to."""
    own = "REML" if ours.method == "REML" else "ML"
    for name, node in fit.items():
        for criterion, value in node.criteria().items():
            if name != own:
                ledger.differs("likelihood of the estimator", value)
            elif ours.k == 1:
                ledger.differs("one study", value)
            elif criterion == "deviance":
                ledger.compare(f"{quantity}.{criterion}", value, _deviance(ours, vi), kind)
            else:
                mine = getattr(ours, CRITERIA[criterion])
                ledger.compare(f"{quantity}.{criterion}", value, mine, kind)


def _deviance(ours: Any, vi: Array) -> float:
    """metafor's: twice the distance from the saturated model, or from 0 for REML."""
    saturated = -float(np.log(2 * np.pi * vi).sum()) / 2 if ours.method != "REML" else 0.0
    return 2 * (saturated - float(ours.loglik))
