"""Which interval should lead with few trials: coverage, width, and what an agreeing trial does.

python -m benchmarks.few_trials  writes docs/few_trials.csv and docs/few_trials.svg (minutes)

docs/few_trials.md states the criteria and reads the numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialpool.bayes.counts import binomial_normal, unbounded
from trialpool.bayes.many import posterior_many
from trialpool.effects import effect_size
from trialpool.figures import style
from trialpool.pooling.batch import pool_many
from trialpool.pooling.counts.pool import pool_counts
from trialpool.pooling.policy import FROM_HERE_ON

Array = NDArray[np.float64]
# Estimate and limits of B sets of trials, (B, 3), from effects and variances (B, k).
Rule = Callable[[Array, Array], Array]

DOCS = Path(__file__).resolve().parents[1] / "docs"
COLUMNS = ("data", "rule", "tau", "k", "sets", "coverage", "width", "concluded", "removed")
SETS = 2500  # for each tau
COUNTED_SETS = 250  # for each tau and k
SEED = 2026
MOST = 12
EFFECT, RATIO = -0.4, 2.0  # the truth: an SMD, a risk ratio
TAUS: Mapping[str, float | None] = {"0": 0.0, "0.25": 0.25, "0.5": 0.5, "half-normal(0.5)": None}
PRIOR = 0.5


def estimated(tau2: str, test: str) -> Rule:
    """An estimator of tau2 with its interval."""

    def rule(y: Array, v: Array) -> Array:
        made = pool_many(y, v, tau2=tau2, test=test)
        return np.column_stack([made.beta, made.ci_lb, made.ci_ub])

    return rule


def bayesian(y: Array, v: Array) -> Array:
    """The posterior under the half-normal prior."""
    made = posterior_many(y, v, tau_scale=PRIOR)
    return np.column_stack([made.beta, made.ci_lb, made.ci_ub])


RULES: Mapping[str, Rule] = {
    "common effect": estimated("EE", "z"),
    "REML, normal": estimated("REML", "z"),
    "REML, Hartung-Knapp": estimated("REML", "knha"),
    "REML, Hartung-Knapp with floor": estimated("REML", "hksj"),
    "Bayes": bayesian,
}
# Which of them leads from how many trials on.
COMPOSITE: Mapping[str, Mapping[int, str]] = {
    "before: common effect, floor from 3": {
        2: "common effect",
        3: "REML, Hartung-Knapp with floor",
    },
    f"now: Bayes, floor from {FROM_HERE_ON}": {
        2: "Bayes",
        FROM_HERE_ON: "REML, Hartung-Knapp with floor",
    },
    "Bayes, floor from 10": {2: "Bayes", 10: "REML, Hartung-Knapp with floor"},
}


def sizes(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Sampling variances of SMDs of trials with 9 to 30 people in an arm."""
    n1, n2 = (rng.integers(9, 31, shape).astype(float) for _ in range(2))
    return np.asarray(1 / n1 + 1 / n2 + EFFECT**2 / (2 * (n1 + n2)))


def taus(rng: np.random.Generator, tau: float | None, sets: int) -> Array:
    """Of each set; None: from the prior."""
    return np.abs(rng.normal(0, PRIOR, sets)) if tau is None else np.full(sets, tau)


def of_effects(sets: int) -> Iterator[dict[str, Any]]:
    """Every rule on the same SMDs, at every number of trials."""
    for name, tau in TAUS.items():
        rng = np.random.default_rng(SEED)
        v = sizes(rng, (sets, MOST))
        spread = np.sqrt(v + taus(rng, tau, sets)[:, np.newaxis] ** 2)
        y = EFFECT + spread * rng.standard_normal(v.shape)
        at = {k: {rule: of(y[:, :k], v[:, :k]) for rule, of in RULES.items()} for k in range(2, 13)}
        for rule in (*RULES, *COMPOSITE):
            for k in range(2, MOST + 1):
                now = at[k][leads(rule, k)]
                about = {"data": "SMD", "rule": rule, "tau": name, "k": k, "sets": sets}
                yield about | judged(now, EFFECT) | after(rule, k, now, y, v)


def leads(rule: str, k: int) -> str:
    """The rule itself, or that of a composite one with k trials."""
    steps = COMPOSITE.get(rule, {2: rule})
    return steps[max(least for least in steps if least <= k)]


def judged(now: Array, truth: float) -> dict[str, Any]:
    """Coverage of the truth and median width."""
    low, high = now[:, 1], now[:, 2]
    return {
        "coverage": float(((low <= truth) & (truth <= high)).mean()),
        "width": float(np.median(high - low)),
    }


def excludes(now: Array) -> NDArray[np.bool_]:
    """Whether intervals exclude no effect."""
    return (now[:, 1] > 0) | (now[:, 2] < 0)


def after(rule: str, k: int, now: Array, y: Array, v: Array) -> dict[str, Any]:
    """How many conclusions there are, and how many one more trial removes that agrees.

    It has the pooled effect, and the median of the variances.
    """
    hit = excludes(now)
    if k == MOST or not hit.any():
        return {"concluded": int(hit.sum()), "removed": 0 if k < MOST else None}
    more = np.column_stack([y[hit, :k], now[hit, 0]])
    spread = np.column_stack([v[hit, :k], np.median(v[hit, :k], axis=1)])
    then = RULES[leads(rule, k + 1)](more, spread)
    return {"concluded": int(hit.sum()), "removed": int((~excludes(then)).sum())}


def of_counts(sets: int) -> Iterator[dict[str, Any]]:
    """Risk ratios of rare harms: arms of 10 to 175 people, control risks of 2 to 15 %."""
    for name, tau in {"0": 0.0, "half-normal(0.5)": None}.items():
        for k in (2, 3, 4, 5):
            rng = np.random.default_rng(SEED + k)
            made: dict[str, list[Array]] = {}
            for one in taus(rng, tau, sets):
                for rule, limits in pooled_counts(*draw(rng, k, float(one))).items():
                    made.setdefault(rule, []).append(limits)
            for rule, rows in made.items():
                now = np.array(rows)
                now = now[np.isfinite(now).all(axis=1)]
                about = {"data": "RR", "rule": rule, "tau": name, "k": k, "sets": len(now)}
                yield about | judged(now, np.log(RATIO)) | {"concluded": int(excludes(now).sum())}


def draw(rng: np.random.Generator, k: int, tau: float) -> tuple[Array, Array, Array, Array]:
    """The counts of one set that bounds its effect."""
    while True:
        n1 = rng.integers(10, 176, k).astype(float)
        n2, risk = n1.copy(), rng.uniform(0.02, 0.15, k)
        other = np.minimum(risk * RATIO * np.exp(tau * rng.standard_normal(k)), 0.99)
        a, c = rng.binomial(n1.astype(int), other), rng.binomial(n2.astype(int), risk)
        if not unbounded(a, n1, c, n2, measure="RR"):
            return a.astype(float), n1, c.astype(float), n2


def pooled_counts(a: Array, n1: Array, c: Array, n2: Array) -> dict[str, Array]:
    """Estimate and limits by every rule for counts."""
    effects = effect_size("RR", ai=a, n1i=n1, ci=c, n2i=n2)
    known = np.isfinite(effects.yi)
    y, v = effects.yi[np.newaxis, known], effects.vi[np.newaxis, known]
    out = {rule: RULES[rule](y, v)[0] if known.sum() > 1 else np.full(3, np.nan) for rule in RULES}
    held = pool_counts(a, n1, c, n2, measure="RR", method="MH")
    exact = binomial_normal(a, n1, c, n2, measure="RR", tau_scale=PRIOR, each=False)
    return out | {
        "Mantel-Haenszel": np.array([held.beta, held.ci_lb, held.ci_ub]),
        "Bayes, exact likelihood": np.array([exact.mu, exact.mu_lb, exact.mu_ub]),
    }


def removals(table: pd.DataFrame) -> pd.DataFrame:
    """Of each rule the share of conclusions that an agreeing trial removes: overall, and worst."""
    known = table[(table["data"] == "SMD") & table["removed"].notna()]
    steps = known.groupby(["rule", "k"], sort=False)[["concluded", "removed"]].sum().reset_index()
    steps["share"] = steps["removed"] / steps["concluded"].where(steps["concluded"] > 0)
    rows = []
    for rule in dict.fromkeys(steps["rule"]):
        of = steps[steps["rule"] == rule]
        worst = of.sort_values("share", ascending=False).to_dict("records")[0]
        share = of["removed"].sum() / of["concluded"].sum()
        rows.append({"rule": rule, "share": share, "at": worst["k"], "worst": worst["share"]})
    return pd.DataFrame(rows)


def figure(table: pd.DataFrame, path: Path) -> None:
    """Coverage, width and removed conclusions by the number of trials."""
    shown = {
        "common effect": style.MUTED,
        "REML, Hartung-Knapp with floor": style.PREDICTION,
        "Bayes": style.SUMMARY,
    }
    from matplotlib.figure import Figure

    with style.context():
        fig = Figure(figsize=(8.2, 3.1), layout="constrained")
        axes = fig.subplots(1, 3)
        one = table[(table["data"] == "SMD") & (table["tau"] == "half-normal(0.5)")]
        for rule, colour in shown.items():
            of = one[one["rule"] == rule]
            axes[0].plot(of["k"], of["coverage"], color=colour, marker="o", ms=3, label=rule)
            axes[1].plot(of["k"], of["width"], color=colour, marker="o", ms=3, label=rule)
        axes[0].axhline(0.95, color=style.RULE, lw=0.8, zorder=0)
        steps = table[(table["data"] == "SMD") & table["removed"].notna()]
        for rule, colour in zip(COMPOSITE, (style.MUTED, style.SUMMARY, style.EFFECT), strict=True):
            of = steps[steps["rule"] == rule].groupby("k")[["concluded", "removed"]].sum()
            share = 100 * of["removed"] / of["concluded"]
            axes[2].plot(of.index, share, color=colour, marker="o", ms=3, label=rule)
        titles = (
            "Coverage of 95 % intervals",
            "Median width (SD)",
            "Removed by an agreeing trial (%)",
        )
        for ax, title in zip(axes, titles, strict=True):
            ax.set_title(title, fontsize=8.5, loc="left")
            ax.set_xlabel("Trials")
            ax.spines[["top", "right"]].set_visible(False)
        for ax in (axes[0], axes[2]):
            ax.legend(fontsize=6.5, frameon=False)
        style.save(fig, [path])


def main() -> None:
    """Run all, write the table and the figure, print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--counted", type=int, default=COUNTED_SETS)
    parser.add_argument("--out", type=Path, default=DOCS)
    asked = parser.parse_args()
    rows = [*of_effects(asked.sets), *of_counts(asked.counted)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = {"coverage": 4, "width": 3}
    table = table.round(numbers).astype({"concluded": "Int64", "removed": "Int64"})
    table.to_csv(asked.out / "few_trials.csv", index=False, lineterminator="\n")
    figure(table, asked.out / "few_trials.svg")
    print(removals(table).to_string(index=False))


if __name__ == "__main__":
    main()
