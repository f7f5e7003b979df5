"""Section `netmeta`: network meta-analyses by R's package netmeta, and metafor's of the arms."""

from __future__ import annotations

from functools import partial

import numpy as np

from conformity.ledger import CLOSED, ITERATIVE, Ledger
from conformity.reference import Array, Node
from trialpool.network.model import Network, network
from trialpool.network.rank import p_scores
from trialpool.network.split import Split, split

INPUT = ("studlab", "treat1", "treat2", "TE", "seTE")
# netmeta's names of what `netsplit` gives: our field, and whether it turns with the pair.
SPLIT = {
    "direct": ("direct", True),
    "se_direct": ("se_direct", False),
    "indirect": ("indirect", True),
    "se_indirect": ("se_indirect", False),
    "diff": ("difference", True),
    "se_diff": ("se_difference", False),
    "p": ("pval", False),
}


def compare(ledger: Ledger, root: Node) -> None:
    """Effects, heterogeneity, decomposition, ranking and splitting of every network."""
    special = root.get("special")
    for node in (root.get("netmeta"), special.get("netmeta")):
        if not node:
            continue
        given = [node.get("input", name).value for name in INPUT]
        ours = ledger.attempt("netmeta", node, CLOSED, partial(network, tau2="DL"), *given)
        if ours is not None:
            _summary(ledger, node, ours)
            _matrices(ledger, node, ours)
            _decomposition(ledger, node, ours)
            _arms(ledger, special, given)


def _summary(ledger: Ledger, node: Node, ours: Network) -> None:
    within, between = ours.inconsistency.within, ours.inconsistency.between
    mine = {
        "k": ours.k,
        "m": ours.m,
        "n": ours.n,
        "d": len(ours.inconsistency.designs),
        "tau2": ours.tau2,
        "tau": np.sqrt(ours.tau2),
        "Q": ours.q,
        "df_Q": ours.q_df,
        "pval_Q": ours.q_pval,
        "I2": ours.i2 / 100,
        "Q_het": within.stat,
        "Q_inc": between.stat,
        "df_Q_het": within.df,
        "df_Q_inc": between.df,
    }
    for name, value in mine.items():
        ledger.compare(f"netmeta.{name}", node.get(name), value, CLOSED)


def _matrices(ledger: Ledger, node: Node, ours: Network) -> None:
    order = [ours.place(name) for name in node.get("trts").value]
    grid = np.ix_(order, order)
    for model in ("common", "random"):
        found, parts = ours.of(model), split(ours, model)
        for name, values in (("TE", found.effect), ("seTE", found.se)):
            quantity = f"{name}_{model}"
            ledger.compare(f"netmeta.{quantity}", node.get(quantity), values[grid], CLOSED)
        scores = p_scores(ours, small_values="desirable", model=model)[order]
        ledger.compare("netmeta.pscore", node.get(f"pscore_{model}"), scores, CLOSED)
        share, _ = _by_name(ours, parts, node.get("comparisons"), "share")
        ledger.compare("netmeta.prop_direct", node.get(f"prop_direct_{model}"), share, CLOSED)
        theirs = node.get(f"netsplit_{model}")
        for name, (field, turns) in SPLIT.items():
            if theirs:
                mine, sign = _by_name(ours, parts, theirs.get("comparison"), field)
                mine = mine * sign if turns else mine
                ledger.compare(f"netmeta.netsplit.{name}", theirs.get(name), mine, CLOSED)


def _by_name(ours: Network, parts: Split, names: Node, field: str) -> tuple[Array, Array]:
    """Values of the pairs in the order of the file, and -1 where it has the pair turned round."""
    at = {pair: i for i, pair in enumerate(parts.pairs)}
    pairs = [tuple(ours.place(name) for name in both.split(":")) for both in names.value]
    sign = np.array([1.0 if i < j else -1.0 for i, j in pairs])
    values = getattr(parts, field)
    return np.array([values[at[min(p), max(p)]] for p in pairs]), sign


def _decomposition(ledger: Ledger, node: Node, ours: Network) -> None:
    inc = ours.inconsistency
    theirs = node.get("decomp")
    mine = {
        "Q": [ours.q, inc.within.stat, inc.between.stat],
        "df": [ours.q_df, inc.within.df, inc.between.df],
        "inc_full_Q": inc.full.stat,
        "inc_full_df": inc.full.df,
        "inc_full_tau": np.sqrt(inc.tau2_within),
    }
    for name, values in mine.items():
        ledger.compare(f"netmeta.decomp.{name}", theirs.get(name), values, CLOSED)


def _arms(ledger: Ledger, special: Node, given: list[list[float]]) -> None:
    """rma.mv with a fixed effect per study is the same model: its Q, and tau2 by REML."""
    fixed, random = special.get("arm_fe"), special.get("arm_re")
    if not random:
        return
    ours = ledger.attempt("netmeta.REML", random, ITERATIVE, lambda: network(*given, tau2="REML"))
    if ours is not None:
        for node in (fixed, random):
            for name, value in (("QE", ours.q), ("QEdf", ours.q_df), ("QEp", ours.q_pval)):
                ledger.compare(f"netmeta.arms.{name}", node.get(name), value, CLOSED)
        ledger.compare("netmeta.arms.tau2", random.get("tau2"), ours.tau2, ITERATIVE)
