"""The tables of one network of the review, or why there is none."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialpool.effects import measure_of
from trialpool.network import tables as of_network
from trialpool.network.inputs import alphabetical, components
from trialpool.network.model import Network, network
from trialpool.question_answer import FittedNetwork, NetworkFacts
from trialpool.review.protocol.network_spec import NetworkQuestion
from trialpool.review.questions.network_data import Gathered
from trialpool.review.schema.questions import NODES, P_SCORES, QUESTION_TABLES
from trialpool.terms import NETWORK

LEAST_NODES = 3
LEAST_TO_RANK = 3  # trials of each treatment: a P-score of one trial of nine people can be 0.999
NAMES = tuple(QUESTION_TABLES[NETWORK])


def network_tables(
    gathered: Gathered, spec: NetworkQuestion, *, better: Literal["lower", "higher"]
) -> tuple[dict[str, pd.DataFrame], NetworkFacts]:
    """Fit the network of the gathered contrasts, and put it into tables on the display scale.

    Not estimable: fewer than 3 nodes with results; a network in parts that no trial links (they
    are named); no comparison with two trials, which leaves nothing to judge heterogeneity by.

    Returns
    -------
    tables
        by name, NAMES; those behind `nodes` have no column where nothing is estimable
    facts
        a `FittedNetwork` where the network is estimable
    """
    contrasts = gathered.contrasts
    nodes = _node_table(contrasts)
    reason = _not_estimable(contrasts, nodes, spec)
    facts = _facts(spec, contrasts, better, reason)
    out = {"contrasts": contrasts, "left_out": gathered.left_out, "nodes": nodes}
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
        unranked = _unranked(nodes)
        order = [name for name in spec.nodes if name in set(nodes["treatment"])]
        order = order if unranked else list(scores["treatment"])
        out |= {
            "effects": of_network.effects_table(fit, log=log),
            "league": of_network.league_table(fit, log=log, order=order),
            "p_scores": P_SCORES.frame() if unranked else scores,
            "split": of_network.split_table(fit, log=log),
            "inconsistency": of_network.inconsistency_table(fit),
            "net_heat": of_network.net_heat_table(fit),
        }
        facts = _fitted(facts, fit, unranked)
    return {name: out.get(name, pd.DataFrame()) for name in NAMES}, facts


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


def _not_estimable(contrasts: pd.DataFrame, nodes: pd.DataFrame, spec: NetworkQuestion) -> str:
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


def _facts(
    spec: NetworkQuestion, contrasts: pd.DataFrame, better: Literal["lower", "higher"], reason: str
) -> NetworkFacts:
    """What the pages and the figures need to know beside the tables."""
    record = measure_of(spec.measure)
    left, right = record.sides("the treatment", spec.reference, better=better)
    return NetworkFacts(
        title=spec.title,
        outcome=spec.outcome,
        measure=spec.measure,
        scale=record.scale.name,
        favours_left=left,
        favours_right=right,
        reference=spec.reference,
        nodes=tuple(spec.nodes),
        better=better,
        k=int(contrasts["trial_id"].nunique()),
        reason=reason,
    )


def _unranked(nodes: pd.DataFrame) -> str:
    """Why treatments are not ranked, blank where they are."""
    few = nodes[nodes["trials"] < LEAST_TO_RANK]
    if not len(few):
        return ""
    listed = ", ".join(f"{row.treatment} ({row.trials})" for row in few.itertuples())
    return f"a ranking needs {LEAST_TO_RANK} trials of each treatment; fewer have {listed}"


def _fitted(facts: NetworkFacts, fit: Network, unranked: str) -> FittedNetwork:
    """The facts with the numbers of the fit."""
    asked: dict[str, Any] = {each.name: getattr(facts, each.name) for each in fields(facts)}
    parts = fit.inconsistency
    return FittedNetwork(
        **asked,
        n=fit.n,
        m=fit.m,
        tau2=fit.tau2,
        tau2_ci_lb=fit.tau2_ci_lb,
        tau2_ci_ub=fit.tau2_ci_ub,
        i2=fit.i2,
        q=fit.q,
        q_df=fit.q_df,
        q_pval=fit.q_pval,
        method=fit.method,
        level=fit.level,
        converged=fit.converged,
        q_between=parts.between.stat,
        q_between_df=parts.between.df,
        q_between_pval=parts.between.pval,
        q_within=parts.within.stat,
        q_within_df=parts.within.df,
        designs=len(parts.designs),
        unranked=unranked,
        reasons=fit.reasons,
        cautions=fit.cautions,
    )
