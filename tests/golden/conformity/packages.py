"""Section `meta_pkg`: the same quantities by R's package meta, where it defines them as we do.

Its random-effects results with an iterative estimator come from metafor's default control.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import trialpool as tp
from conformity.ledger import CLOSED, Ledger
from conformity.reference import Node
from conformity.univariate import CLOSED_FORM, Studies, studies
from trialpool.pooling.i2_interval import i2_interval
from trialpool.pooling.tau2 import estimators_of

COMMON = {
    "TE_common": "beta",
    "seTE_common": "se",
    "lower_common": "ci_lb",
    "upper_common": "ci_ub",
    "p_common": "pval",
    "Q": "q",
    "df_Q": "q_df",
    "pval_Q": "q_pval",
}
RANDOM = {
    "TE_random": "beta",
    "seTE_random": "se",
    "lower_random": "ci_lb",
    "upper_random": "ci_ub",
    "stat_random": "zval",
    "p_random": "pval",
    "tau2": "tau2",
    "se_tau2": "se_tau2",
}
OF_COMMON = (*COMMON, "I2", "H")
PREDICTION = {"lower_predict": "pi_lb", "upper_predict": "pi_ub"}
TESTS = {"classic": "z", "HK": "knha"}


def compare(ledger: Ledger, root: Node) -> None:
    """Generic inverse variance in full; of the other functions the part on given effects."""
    for _, analysis in root.get("analyses").items():
        package, data = analysis.get("meta_pkg"), studies(analysis)
        for name, node in package.get("metagen").items():
            method, _, test = name.partition("_")
            _common_effect(ledger, node, data, f"meta.metagen.{name}")
            if method in estimators_of("effects") and test in TESTS:
                _random_effects(ledger, node, data, method, TESTS[test], f"meta.metagen.{name}")
        groups = {f"metabin.{name}": node for name, node in package.get("metabin").items()}
        groups |= {f"metacont.{name}": node for name, node in package.get("metacont").items()}
        groups |= {f"metainc.{name}": node for name, node in package.get("metainc").items()}
        groups["metacor"] = package.get("metacor")
        for name, node in groups.items():
            if name.endswith("Inverse") or not name.startswith(("metabin", "metainc")):
                given_effects(ledger, node, f"meta.{name}")


def _common_effect(
    ledger: Ledger,
    node: Node,
    data: Studies,
    quantity: str,
    only: Sequence[str] = OF_COMMON,
) -> None:
    ours = ledger.attempt(quantity, node, CLOSED, tp.pool, *data, tau2="EE", test="z")
    if ours is None:
        return
    h = max(1.0, float(np.sqrt(ours.q / ours.q_df))) if ours.q_df else np.nan
    values = {name: (getattr(ours, field), data.unit(field)) for name, field in COMMON.items()}
    values |= {"I2": (ours.i2_q / 100, 1.0), "H": (h, 1.0)}
    for name in only:
        mine, unit = values[name]
        ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, unit)
    interval = i2_interval(ours.q, ours.k)
    for end, limit in (("lb", interval.ci_lb), ("ub", interval.ci_ub)):
        share = limit / 100
        h = max(1.0, float((1 / (1 - share)) ** 0.5)) if share < 1 else np.inf
        ledger.compare(f"{quantity}.I2_{end}", node.get(f"I2_{end}"), share, CLOSED)
        ledger.compare(f"{quantity}.H_{end}", node.get(f"H_{end}"), h, CLOSED)


def _random_effects(
    ledger: Ledger, node: Node, data: Studies, method: str, test: str, quantity: str
) -> None:
    if method not in CLOSED_FORM:
        for name in (*RANDOM, *PREDICTION, "lower_tau2", "upper_tau2"):
            ledger.differs("default control of meta", node.get(name))
        return
    fits: list[Any] = []
    for each in (test, "z"):
        fit = ledger.attempt(quantity, node, CLOSED, tp.pool, *data, tau2=method, test=each)
        if fit is None:
            return
        fits.append(fit)
    for names, fit in ((RANDOM, fits[0]), (PREDICTION, fits[1])):
        for name, field in names.items():
            unit = data.unit(field)
            mine = getattr(fit, field)
            ledger.compare(f"{quantity}.{name}", node.get(name), mine, CLOSED, unit)
    if df := node.get("df_random"):
        ddf = fits[0].ddf
        ledger.compare(f"{quantity}.df_random", df, np.inf if np.isnan(ddf) else ddf, CLOSED)


def given_effects(
    ledger: Ledger, node: Node, quantity: str, only: Sequence[str] = OF_COMMON
) -> None:
    """The common effect of the study effects that the file itself gives."""
    yi, vi = node.get("TE").floats(), node.get("seTE").floats() ** 2
    if not node or yi.shape != vi.shape:
        return
    known = np.isfinite(yi) & np.isfinite(vi) & (vi > 0)
    if known.sum() > 1:
        _common_effect(ledger, node, Studies(yi[known], vi[known]), quantity, only)
    for name in (*RANDOM, *PREDICTION, "lower_tau2", "upper_tau2"):
        ledger.differs("default control of meta", node.get(name))
    ledger.compare(f"{quantity}.df_random", node.get("df_random"), np.inf, CLOSED)
