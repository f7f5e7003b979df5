"""Several effects per trial: which enter, how they are put together, and what is left out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialpool import tables
from trialpool.diagnostics.influence import influence
from trialpool.multilevel.aggregate import aggregate
from trialpool.review.choosing.selection import Selection, select, select_all
from trialpool.review.fitting.fit import Fit, fit
from trialpool.review.protocol.settings import Correlated, Model
from trialpool.review.protocol.specs import Analysis
from trialpool.review.schema.raw import CONFIDENCE
from trialpool.words import text

# Keys of an analysis that model.json names only where they are set.
SEVERAL_KEYS = ("effects", "rho", "within", "without", "risk_of_bias")
HANDLINGS = {
    "all": "every effect, as if independent",
    "lowest": "the lowest effect of each trial",
    "highest": "the highest effect of each trial",
    "combined": "the effects of each trial combined, correlation {rho:g}",
    "che": "correlated and hierarchical effects, correlation {rho:g}",
}
DEPENDENT = "several effects of one trial depend on each other, which this does not allow for"

ONE_ONLY = "its choices are of analyses that take the protocol's one effect of each trial"

_ONE_EACH = ("leave-one-out", "subgroups", "cumulative", "funnel plot", "asymmetry tests",
             "selection models", "meta-regression")  # fmt: skip
TOGETHER_WITH = " || "  # between the identities of effects that were combined
_JOINED = ("part", "comparison", "comparator_class", "experimental_arms",
           "control_arm", "instrument", "definition", "timepoint", "outcome_type",
           "analysis_set", "design", "basis", "imputed", "derived", "notes", "flags", "cells",
           "locator")  # fmt: skip
_NUMBERS = ("time_days", "n_experimental", "n_control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The effects of an analysis as they are pooled, those left out, and every one that fits."""

    selection: Selection
    every: pd.DataFrame


def gather(
    effects: pd.DataFrame,
    trials: pd.DataFrame,
    arms: pd.DataFrame,
    risk_of_bias: pd.DataFrame,
    analysis: Analysis,
    model: Model,
    confidence_order: Sequence[str] = CONFIDENCE,
) -> Pool:
    """The effects an analysis pools: fitting, judged, put together, without what is left out.

    Parameters
    ----------
    effects, trials, arms, risk_of_bias : the condition's tables
    model : the analysis' own, for the first fit that `without` needs
    """
    choose = select if analysis.effects == "one" else select_all
    counts = model.method == "MH"
    found = choose(effects, trials, analysis, counts=counts, confidence_order=confidence_order)
    if analysis.risk_of_bias:
        overall = risk_of_bias[risk_of_bias["domain"] == "overall"]
        judged = dict(zip(overall["trial_id"], overall["judgement"], strict=True))
        own = [judged.get(trial, "not judged") for trial in found.chosen["trial_id"]]
        reasons = [
            "" if each in analysis.risk_of_bias else f"risk of bias is {each.replace('_', ' ')}"
            for each in own
        ]
        found = _dropped(found, reasons)
    every = found.chosen
    found = handled(found, arms, analysis)
    if analysis.without is not None:
        found = _dropped(found, _left_out(found.chosen, analysis.without, analysis.measure, model))
    return Pool(selection=found, every=every)


def handled(found: Selection, arms: pd.DataFrame, analysis: Analysis) -> Selection:
    """The effects of each trial as the analysis handles them."""
    chosen = found.chosen
    if analysis.effects in ("lowest", "highest") and len(chosen):
        by_trial = chosen.groupby("trial_id", sort=False)["yi"]
        at = by_trial.idxmin() if analysis.effects == "lowest" else by_trial.idxmax()
        kept = set(chosen.loc[at, "effect_id"])
        why = f"another effect of the trial is used: the {analysis.effects}"
        return _dropped(found, ["" if i in kept else why for i in chosen["effect_id"]])
    if analysis.effects == "combined" and len(chosen):
        return replace(found, chosen=combined(chosen, arms, analysis.rho, analysis.within))
    return found


def combined(
    studies: pd.DataFrame, arms: pd.DataFrame, rho: float, within: str = "trial"
) -> pd.DataFrame:
    """One row per trial, or per trial and label of the experimental arm.

    The effect is the generalised least squares mean of those that correlate by `rho`
    (`multilevel.aggregate`); words are joined, numbers kept where all effects share them.
    """
    labels = {(r["trial_id"], r["arm_id"]): text(r["arm"]) for r in tables.records(arms)}
    groups = []
    for row in tables.records(studies):
        trial, names = row["trial_id"], str(row["experimental_arms"]).split("+")
        label = "+".join(labels.get((trial, name), name) for name in names)
        groups.append((trial, label if within == "arm" else ""))
    found = aggregate(studies["yi"], studies["vi"], groups, rho=rho)
    lines = []
    for group, yi, vi in zip(found.cluster, found.yi, found.vi, strict=True):
        rows = studies[[each == group for each in groups]]
        line = tables.records(rows)[0] if len(rows) == 1 else _one(rows, rho)
        # As studies.csv will hold them, so that its readers can pool the same numbers.
        lines.append({**line, "yi": float(tables.cell(yi)), "vi": float(tables.cell(vi))})
    return pd.DataFrame(lines, columns=studies.columns)


def _one(rows: pd.DataFrame, rho: float) -> dict[str, Any]:
    """The line of several effects: what they share, and the words of all of them."""
    first = tables.records(rows)[0]
    line: dict[str, Any] = {name: first[name] for name in ("trial_id", "study", "year", "measure")}
    line["effect_id"] = TOGETHER_WITH.join(dict.fromkeys(rows["effect_id"]))
    line |= {name: _words(rows[name]) for name in _JOINED}
    line |= {name: first[name] for name in _NUMBERS if (rows[name] == first[name]).all()}
    return line | {
        "outcome": first["outcome"],
        "formula": f"{len(rows)} effects combined, correlation {rho:g}",
        "n": rows["n"].max(),
        "confidence": max(rows["confidence"], key=CONFIDENCE.index),
        "records": ";".join(dict.fromkeys(";".join(rows["records"]).split(";"))),
        "source_url": " ; ".join(dict.fromkeys(rows["source_url"])),
    }


def _words(values: pd.Series) -> str | None:
    held = dict.fromkeys(text(value) for value in values)
    return "; ".join(value for value in held if value) or None


_AFTERWARDS = {
    "outliers": "outlier: its interval does not overlap that of the first fit",
    "influential": "influential in the first fit",
}


def _left_out(studies: pd.DataFrame, without: str, measure: str, model: Model) -> list[str]:
    """Why each effect is left out again after a first fit; blank where it is not."""
    first = fit(studies, measure, model)
    if first.pooled is None:
        return [""] * len(studies)
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    if without == "outliers":
        reach = float(ndtri(0.975)) * np.sqrt(vi)
        out = (yi + reach < first.pooled.ci_lb) | (yi - reach > first.pooled.ci_ub)
    else:
        # Viechtbauer & Cheung's marks are set for the model's own standard errors; of counts
        # (Mantel-Haenszel) the measures are those of the common effect, as in influence.csv.
        tau2 = "EE" if model.method == "MH" else model.tau2
        out = influence(yi, vi, tau2=tau2, test="z").influential
    return [_AFTERWARDS[without] if each else "" for each in out]


def _dropped(found: Selection, reasons: Sequence[str]) -> Selection:
    """A selection without the chosen rows that have a reason."""
    out = np.array([bool(reason) for reason in reasons], dtype=bool)
    if not out.any():
        return found
    gone = found.chosen.loc[out, ["effect_id", "trial_id", "study"]].assign(
        reason=[reason for reason in reasons if reason]
    )
    rejected = pd.concat([part for part in (found.rejected, gone) if len(part)])
    order = rejected.drop_duplicates("effect_id").sort_values("effect_id", ignore_index=True)
    return Selection(chosen=found.chosen[~out].reset_index(drop=True), rejected=order)


def beside(
    pool: Pool, arms: pd.DataFrame, analysis: Analysis, model: Model
) -> Iterator[tuple[str, Fit, str]]:
    """The same effects under each other handling: its words, the result, how many effects.

    `model` is that of one effect per trial.

    Nothing where the analysis takes one effect per trial, or no trial has several.
    """
    if analysis.effects == "one" or not pool.every["trial_id"].duplicated().any():
        return
    for name, told in HANDLINGS.items():
        if name == analysis.effects:
            continue
        if name == "che" and model.tau2 != "REML":
            continue
        other = analysis.model_copy(update={"effects": name, "without": None})
        rows = handled(Selection(chosen=pool.every, rejected=pool.every.iloc[:0]), arms, other)
        how = Correlated.of(model, analysis.rho) if name == "che" else model
        found = fit(rows.chosen, analysis.measure, how)
        yield told.format(rho=analysis.rho), found, f"{len(rows.chosen)} effects"


def usual_choice(analysis: Analysis) -> bool:
    """Whether each trial gives the effect the protocol prefers, and nothing is left out again."""
    return analysis.effects == "one" and not (analysis.without or analysis.risk_of_bias)


def set_keys(analysis: Analysis) -> dict[str, Any]:
    """The keys of an analysis on several effects and on what is left out, where it uses them."""
    return (
        {} if usual_choice(analysis) else analysis.model_dump(mode="json", include={*SEVERAL_KEYS})
    )


def about(analysis: Analysis, result: Fit, studies: pd.DataFrame) -> dict[str, Any]:
    """What model.json says of several effects per trial; nothing for one effect of each."""
    if analysis.effects == "one":
        return {}
    found: dict[str, Any] = {
        "handling": analysis.effects,
        "within": analysis.within,
        "words": HANDLINGS[analysis.effects].format(rho=analysis.rho),
        "effects": len(studies),
        "trials": int(studies["trial_id"].nunique()),
        "rho": analysis.rho if analysis.effects in ("combined", "che") else None,
        "levels": None if result.levels is None else asdict(result.levels),
    }
    return {"several": found}


def withheld(result: Fit) -> Fit:
    """A result with all that takes one effect per trial withheld, and why."""
    policy = result.policy
    reasons = dict.fromkeys(_ONE_EACH, DEPENDENT) | policy.withheld
    rule = f"k = {policy.k} trials, some with several effects: {result.words}"
    return replace(result, policy=replace(policy, rule=rule, withheld=reasons))


def cautions(analysis: Analysis, pool: Pool) -> list[str]:
    """Where effects that depend on each other are pooled as if not, or the data chose the data."""
    studies, rejected = pool.selection.chosen, pool.selection.rejected
    k, m = len(studies), int(studies["trial_id"].nunique())
    out = []
    if analysis.effects not in ("one", "che") and k > m:
        out.append(
            f"{k} effects of {m} trials are pooled as if they were independent: where they share "
            "people the interval is too narrow."
        )
    if analysis.without is not None:
        n = int(rejected["reason"].isin(_AFTERWARDS.values()).sum())
        out.append(
            f"Left out because of what they found ({analysis.without}): {n}. The interval does not "
            "allow for that."
        )
    return out


def people(studies: pd.DataFrame, several: Mapping[str, Any] | None) -> float:
    """How many people stand behind the rows of studies.csv.

    Several effects of a trial are of the same people: the largest of them counts.
    """
    if several is None:
        return float(studies["n"].sum())
    return float(studies.groupby("trial_id")["n"].max().sum())
