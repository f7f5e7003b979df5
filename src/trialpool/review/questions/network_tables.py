"""The tables of one network of the review, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialpool.effects import measure_of
from trialpool.network import tables as of_network
from trialpool.network.inputs import alphabetical, components
from trialpool.network.model import Network, network
from trialpool.review.protocol.network_spec import NetworkSpec
from trialpool.review.questions.network_data import Gathered
from trialpool.review.schema.questions import NODES, QUESTION_TABLES
from trialpool.terms import NETWORK

LEAST_NODES = 3
NAMES = tuple(QUESTION_TABLES[NETWORK])


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkResult:
    """Tables by name (NAMES), `model` for model.json and the figures, and the fit itself.

    Where `reason` says why the network is not estimable, `fit` is None and the tables behind
    `nodes` are empty; what went in is there all the same.
    """

    tables: dict[str, pd.DataFrame]
    model: dict[str, Any]
    fit: Network | None
    reason: str = ""


def network_tables(
    gathered: Gathered, spec: NetworkSpec, *, better: Literal["lower", "higher"]
) -> NetworkResult:
    """Fit the network of the gathered contrasts, and put it into tables on the display scale.

    Not estimable: fewer than 3 nodes with results; a network in parts that no trial links (they
    are named); no comparison with two trials, which leaves nothing to judge heterogeneity by.
    """
    contrasts = gathered.contrasts
    nodes = _node_table(contrasts)
    reason = _not_estimable(contrasts, nodes, spec)
    out = {"contrasts": contrasts, "left_out": gathered.left_out, "nodes": nodes}
    fit = None
    if not reason:
        fit = network(
            contrasts["study"].tolist(),
            contrasts["treatment_1"].tolist(),
            contrasts["treatment_2"].tolist(),
            contrasts["yi"].to_numpy(float),
            np.sqrt(contrasts["vi"].to_numpy(float)),
            tau2=spec.tau2,
            reference=spec.reference,
        )
        log = measure_of(spec.measure).is_ratio
        small = "desirable" if better == "lower" else "undesirable"
        scores = of_network.p_score_table(fit, small_values=small)
        out |= {
            "effects": of_network.effects_table(fit, log=log),
            "league": of_network.league_table(fit, log=log, order=list(scores["treatment"])),
            "p_scores": scores,
            "split": of_network.split_table(fit, log=log),
            "inconsistency": of_network.inconsistency_table(fit),
            "net_heat": of_network.net_heat_table(fit),
        }
    tables = {name: out.get(name, pd.DataFrame()) for name in NAMES}
    return NetworkResult(
        tables=tables, model=_model(spec, fit, contrasts, better, reason), fit=fit, reason=reason
    )


def _node_table(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Columns treatment, trials, people: who is in each node."""
    people: dict[str, dict[str, float]] = {}
    for side in ("1", "2"):
        columns = (f"treatment_{side}", "trial_id", f"n_{side}")
        for node, trial, n in contrasts[list(columns)].itertuples(index=False, name=None):
            people.setdefault(node, {})[trial] = float(n)
    rows = [
        {"treatment": node, "trials": len(of), "people": float(np.sum(list(of.values())))}
        for node, of in sorted(people.items(), key=lambda item: alphabetical(item[0]))
    ]
    return NODES.frame(rows)


def _not_estimable(contrasts: pd.DataFrame, nodes: pd.DataFrame, spec: NetworkSpec) -> str:
    names = list(nodes["treatment"])
    if len(names) < LEAST_NODES:
        listed = f" ({', '.join(names)})" if names else ""
        return f"{len(names)} of the {len(spec.nodes)} nodes have results{listed}: 3 are needed"
    at = {name: i for i, name in enumerate(names)}
    pairs = [
        (at[one], at[two])
        for one, two in zip(contrasts["treatment_1"], contrasts["treatment_2"], strict=True)
    ]
    parts = components(len(names), pairs)
    if len(parts) > 1:
        listed = " and ".join(f"{{{', '.join(names[i] for i in part)}}}" for part in parts)
        return f"the network is in {len(parts)} parts that no trial links: {listed}"
    if spec.reference not in at:
        return f"no trial has results of the reference, {spec.reference}"
    if max(pairs.count(pair) + pairs.count(pair[::-1]) for pair in pairs) < 2:
        return "no comparison has two trials: nothing to judge heterogeneity by"
    return ""


def _model(
    spec: NetworkSpec, fit: Network | None, contrasts: pd.DataFrame, better: str, reason: str
) -> dict[str, Any]:
    """What the pages and the figures need to know beside the tables."""
    sides = ("favours the treatment", f"favours {spec.reference}")
    left, right = sides if better == "lower" else sides[::-1]
    out: dict[str, Any] = {
        "title": spec.title,
        "outcome": spec.outcome,
        "measure": spec.measure,
        "scale": measure_of(spec.measure).scale.name,
        "favours_left": left,
        "favours_right": right,
        "reference": spec.reference,
        "nodes": list(spec.nodes),
        "better": better,
        "k": int(contrasts["trial_id"].nunique()),
        "reason": reason,
    }
    return out | (_numbers(fit) if fit is not None else {})


def _numbers(fit: Network) -> dict[str, Any]:
    names = ("n", "m", "tau2", "tau2_ci_lb", "tau2_ci_ub", "i2", "q", "q_df", "q_pval", "method",
             "level", "converged")  # fmt: skip
    found = fit.inconsistency
    return {
        **{name: getattr(fit, name) for name in names},
        "q_between": found.between.stat,
        "q_between_df": found.between.df,
        "q_between_pval": found.between.pval,
        "q_within": found.within.stat,
        "q_within_df": found.within.df,
        "designs": len(found.designs),
        "reasons": fit.reasons,
        "cautions": list(fit.cautions),
    }
