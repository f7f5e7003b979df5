"""Made-up effects over time, and a multilevel fit by brute force to hold the module against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from cases import case, tables
from scipy.optimize import minimize

from trialpool.results import Array
from trialpool.review.case import Case
from trialpool.review.protocol.specs import Analysis
from trialpool.review.schema.packed import Identity
from trialpool.review.schema.processed import EFFECTS


class Dense(NamedTuple):
    """Coefficients, covariance and degrees of freedom."""

    beta: Array
    vb: Array
    ddf: Array


def dense(y: Array, blocks: list[Array], x: Array, data: Mapping[str, Any]) -> Dense:
    """REML of y ~ N(X beta, V + tau2 rho^|days apart| within trials), all rows in one matrix."""
    n, p = x.shape
    v, start = np.zeros((n, n)), 0
    for block in blocks:
        v[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    same = data["trial"][:, None] == data["trial"]
    gap = np.abs(data["day"][:, None] - data["day"])

    def parts(theta: Array) -> tuple[float, Array, Array]:
        rho = 1 / (1 + np.exp(-theta[1]))
        w = np.linalg.inv(v + theta[0] ** 2 * np.where(same, rho**gap, 0.0))
        vb = np.linalg.inv(x.T @ w @ x)
        beta = vb @ x.T @ w @ y
        r = y - x @ beta
        minus = -np.linalg.slogdet(w)[1] - np.linalg.slogdet(vb)[1] + r @ w @ r
        return float(minus), beta, np.asarray(vb)

    def minus_twice(theta: Array) -> float:
        return parts(theta)[0]

    best = minimize(minus_twice, np.array([0.3, 3.0]), method="Nelder-Mead")
    _, beta, vb = parts(best.x)
    return Dense(beta, vb, np.full(p, float(n - p)))


def analysis(**changes: Any) -> Analysis:
    """Symptoms at about a week, which the course does not heed."""
    given = {
        "title": "Symptoms", "outcome": "ptsd_symptoms", "measure": "SMD", "prefer_time": 7,
        "instruments": ("CAPS-5", "PCL-5"), "time_days": (5, 16),
    }  # fmt: skip
    return Analysis.model_validate(given | changes)


def effects(rows: list[tuple[str, float, float]], **changes: Any) -> pd.DataFrame:
    """An effects.csv: (trial, day, effect), variance 0.1."""
    out = []
    for trial, day, yi in rows:
        row = dict.fromkeys(EFFECTS.names) | {
            "trial_id": trial, "study": f"{trial} 2020",
            "year": 2020, "comparison": "ketamine v midazolam", "experimental_arms": "ket",
            "control_arm": "mdz", "comparator_class": "active_placebo", "n": 40.0,
            "outcome": "ptsd_symptoms", "instrument": "CAPS-5", "time_days": day,
            "outcome_type": "msd", "analysis_set": "whole", "design": "parallel", "basis": "arms",
            "measure": "SMD", "yi": yi, "vi": 0.1, "confidence": "primary",
            "records": "results.csv:2;results.csv:3", "source_url": "https://example.org",
        }  # fmt: skip
        row |= changes
        out.append(row | {"effect_id": row["effect_id"] or _identity(row)})
    return EFFECTS.frame(out)


def _identity(row: Mapping[str, Any]) -> str:
    """What an effect is called, by what tells it from others."""
    return str(Identity(
        trial_id=row["trial_id"], arms=f"{row['experimental_arms']} v {row['control_arm']}",
        outcome=row["outcome"], instrument=row["instrument"], definition="",
        day=f"day {row['time_days']:g}", period="whole", outcome_type=row["outcome_type"],
        participants="", reported="", measure=row["measure"],
    ))  # fmt: skip


def asked(spec: Analysis, effects: pd.DataFrame, **rest: Any) -> Case:
    """An analysis of these effects; with `arms` or `risk_of_bias`, and what `case` takes."""
    known = {name: rest.pop(name) for name in ("arms", "risk_of_bias") if name in rest}
    trials = pd.DataFrame({"trial_id": sorted(set(effects["trial_id"]))})
    return case(spec, tables=tables(effects=effects, trials=trials, **known), **rest)


def course(k: int, days: tuple[float, ...], seed: int = 1) -> list[tuple[str, float, float]]:
    """Trials whose effect fades with log days."""
    rng = np.random.default_rng(seed)
    return [
        (f"T{i:02}", day, float(-1.2 + 0.3 * np.log(day) + rng.normal(0, 0.2)))
        for i in range(k)
        for day in days
    ]
