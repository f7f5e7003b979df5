"""The tables of a network that people read, on the display scale (ratios back from logs)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from trialpool.digits import sure
from trialpool.network.heat import net_heat
from trialpool.network.model import MODELS, Network
from trialpool.network.rank import p_scores
from trialpool.network.split import split
from trialpool.pooling.inference import chi2_tail, half_width
from trialpool.results import NAN, ChiSquared

RANGE = "{} ({} to {})"


def effects_table(net: Network, *, log: bool = False) -> pd.DataFrame:
    """Every treatment against the reference, in both models.

    Columns: model, treatment, reference, k (trials that compare the two), estimate, ci_low,
    ci_high, p_value, pi_low, pi_high (random effects only), reason of blank cells.
    """
    to, ref = np.exp if log else np.asarray, net.place(net.reference)
    count = _direct_trials(net)
    rows = []
    for model in MODELS:
        estimates = net.of(model)
        for i in range(net.n):
            if i == ref:
                continue
            random = model == "random"
            rows.append(
                {
                    "model": model,
                    "treatment": net.treatments[i],
                    "reference": net.reference,
                    "k": count.get((min(i, ref), max(i, ref)), 0),
                    "estimate": float(to(estimates.effect[i, ref])),
                    "ci_low": float(to(estimates.ci_lb[i, ref])),
                    "ci_high": float(to(estimates.ci_ub[i, ref])),
                    "p_value": float(estimates.pval[i, ref]),
                    "pi_low": float(to(net.pi_lb[i, ref])) if random else NAN,
                    "pi_high": float(to(net.pi_ub[i, ref])) if random else NAN,
                    "reason": net.reasons.get("random", "") if random else "",
                }
            )
    return pd.DataFrame(rows)


def league_table(
    net: Network,
    *,
    log: bool = False,
    order: Sequence[str] | None = None,
    model: str = "random",
    decimals: int = 2,
) -> pd.DataFrame:
    """Network estimates below the diagonal, pooled direct ones above it, as text.

    Below: the column's treatment minus the row's; above: the row's minus the column's, so that
    both compare the treatment that comes first in `order` with the later one. Columns: treatment,
    then one per treatment.
    """
    names = list(net.treatments if order is None else order)
    at = [net.place(name) for name in names]
    to = np.exp if log else np.asarray
    estimates, parts = net.of(model), split(net, model)
    place = {pair: i for i, pair in enumerate(parts.pairs)}
    reach = float(half_width(net.level, NAN))
    rows = []
    for r, i in enumerate(at):
        row = {"treatment": names[r]}
        for c, j in enumerate(at):
            text = ""
            if c < r:
                text = _range(estimates.effect[j, i], estimates.se[j, i] * reach, to, decimals)
            elif c > r:
                p = place[min(i, j), max(i, j)]
                sign = 1.0 if i < j else -1.0
                text = _range(sign * parts.direct[p], parts.se_direct[p] * reach, to, decimals)
            row[names[c]] = text
        rows.append(row)
    return pd.DataFrame(rows)


def p_score_table(net: Network, *, small_values: str = "desirable") -> pd.DataFrame:
    """Columns treatment, p_score (random), p_score_common; the best first."""
    random, common = (
        p_scores(net, small_values=small_values, model=model) for model in ("random", "common")
    )
    table = pd.DataFrame({"treatment": net.treatments, "p_score": random, "p_score_common": common})
    # Where random effects cannot be had the common-effect model ranks.
    by = ["p_score", "p_score_common"]
    order = table[by].map(sure).sort_values(by, ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def split_table(net: Network, *, log: bool = False, model: str = "random") -> pd.DataFrame:
    """Direct and indirect evidence of every pair.

    Columns: treatment_1, treatment_2, k, share_direct (0 to 1), network, direct and indirect with
    their limits, difference (a ratio of ratios for logs) with limits, p_value, reason.
    """
    parts, estimates = split(net, model), net.of(model)
    reach, to = float(half_width(net.level, NAN)), np.exp if log else np.asarray
    rows = []
    for i, (a, b) in enumerate(parts.pairs):
        row: dict[str, object] = {
            "treatment_1": net.treatments[a],
            "treatment_2": net.treatments[b],
            "k": parts.k[i],
            "share_direct": float(parts.share[i]),
        }
        for name, value, se in (
            ("network", estimates.effect[a, b], estimates.se[a, b]),
            ("direct", parts.direct[i], parts.se_direct[i]),
            ("indirect", parts.indirect[i], parts.se_indirect[i]),
            ("difference", parts.difference[i], parts.se_difference[i]),
        ):
            row[name] = float(to(value))
            row[f"{name}_low"] = float(to(value - reach * se))
            row[f"{name}_high"] = float(to(value + reach * se))
        rows.append({**row, "p_value": float(parts.pval[i]), "reason": parts.reason[i]})
    return pd.DataFrame(rows)


def inconsistency_table(net: Network) -> pd.DataFrame:
    """Q of the whole network, within each design, within and between designs.

    Columns: source, trials, q, q_df, q_p_value, tau2, reason; the last row is the
    design-by-treatment test with tau2 from within designs.
    """
    parts = net.inconsistency
    rows = [_q_row("whole network", net.k, ChiSquared(stat=net.q, df=net.q_df, pval=net.q_pval))]
    rows[0]["reason"] = net.reasons.get("q_pval", "")
    rows.append(_q_row("within designs", net.k, parts.within))
    for name, trials, q, df in zip(
        parts.designs,
        parts.trials,
        parts.q_designs,
        parts.df_designs,
        strict=True,
    ):
        test = ChiSquared(stat=float(q), df=df, pval=float(chi2_tail(q, df)) if df else NAN)
        rows.append(_q_row(f"within {name}", trials, test))
    rows.append(_q_row("between designs", net.k, parts.between))
    full = _q_row("between designs, random effects within them", net.k, parts.full)
    return pd.DataFrame(
        [*rows, {**full, "tau2": parts.tau2_within}],
        columns=["source", "trials", "q", "q_df", "q_p_value", "tau2", "reason"],
    )


def net_heat_table(net: Network, model: str = "common") -> pd.DataFrame:
    """The net heat matrix, one row per cell; empty without a closed loop.

    Columns: design, other_design, trials (of the design), q (the design's own part of Q between
    designs), change (of q when the other design has effects of its own), share (of the variance of
    the network estimate at the design that comes from the other design's trials, 0 to 1).
    """
    heat = net_heat(net, model)
    rows = [
        {
            "design": design,
            "other_design": other,
            "trials": heat.trials[i],
            "q": float(heat.q[i]),
            "change": float(heat.change[i, j]),
            "share": float(heat.share[i, j]),
        }
        for i, design in enumerate(heat.designs)
        for j, other in enumerate(heat.designs)
    ]
    return pd.DataFrame(rows, columns=["design", "other_design", "trials", "q", "change", "share"])


def contrast_table(net: Network) -> pd.DataFrame:
    """What went in: study, treatment_1, treatment_2, arms, yi and vi (analysis scale)."""
    rows = [
        {
            "study": trial.name,
            "treatment_1": net.treatments[trial.arms[i]],
            "treatment_2": net.treatments[trial.arms[j]],
            "arms": len(trial.arms),
            "yi": float(trial.y[i, j]),
            "vi": float(trial.v[i, j]),
        }
        for trial in net.trials
        for i, j in combinations(range(len(trial.arms)), 2)
    ]
    return pd.DataFrame(rows)


def _direct_trials(net: Network) -> dict[tuple[int, int], int]:
    out: dict[tuple[int, int], int] = {}
    for trial in net.trials:
        for pair in combinations(trial.arms, 2):
            out[pair] = out.get(pair, 0) + 1
    return out


def _range(value: float, half: float, to: Callable[[float], Any], decimals: int) -> str:
    if not np.isfinite(value):
        return ""
    ends = (to(value), to(value - half), to(value + half))
    return RANGE.format(*(f"{float(x) + 0.0:.{decimals}f}" for x in ends))


def _q_row(source: str, trials: int, test: ChiSquared) -> dict[str, object]:
    return {
        "source": source,
        "trials": trials,
        "q": test.stat,
        "q_df": test.df,
        "q_p_value": test.pval,
        "tau2": NAN,
        "reason": test.reason,
    }
