"""Section `cases`: simulated sets on which metafor's iteration does not converge."""

from __future__ import annotations

import trialpool as tp
from conformity.ledger import CLOSED, ITERATIVE, OPTIMISED, Ledger
from conformity.reference import Node
from conformity.univariate import exact_tau2, studies

# The same REML fit by other ways that do converge.
ROUTES = ("REML_stepadj0.5", "REML_rma_mv")
FIELDS = {"tau2": "tau2", "beta": "beta", "se": "se", "ll": "loglik"}


def compare(ledger: Ledger, root: Node) -> None:
    """tau2 against its root, and the REML fit against the routes that found it."""
    for _, case in root.get("cases").items():
        data = studies(case)
        for method, truth in case.get("tau2_hp").items():
            exact_tau2(ledger, truth, data, method)
        ours = ledger.attempt("hard_reml", case, ITERATIVE, tp.pool, *data, tau2="REML", test="z")
        if ours is not None:
            for route in ROUTES:
                kind = OPTIMISED if route == "REML_rma_mv" else ITERATIVE
                for name, field in FIELDS.items():
                    quantity = f"hard_reml.{route}.{name}"
                    mine, unit = getattr(ours, field), data.unit(name)
                    ledger.compare(quantity, case.get(route, name), mine, kind, unit)
        moment = case.get("DL", "tau2")
        fit = ledger.attempt("hard_reml.DL.tau2", moment, CLOSED, tp.pool, *data, tau2="DL")
        if fit is not None:
            ledger.compare("hard_reml.DL.tau2", moment, fit.tau2, CLOSED, data.unit("tau2"))
