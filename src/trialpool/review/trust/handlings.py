"""Several effects per trial: the result under other handlings, and what cannot be asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from trialpool.analysis_result import SeveralEffects
from trialpool.pooling.policy import BAYESIAN
from trialpool.review.case import Case
from trialpool.review.choosing.selection import Selection
from trialpool.review.choosing.several import HANDLINGS, handled
from trialpool.review.fitting.fit import DEPENDENT, Fit, without_counts
from trialpool.review.protocol.settings import Correlated
from trialpool.review.protocol.specs import Analysis

_ONE_EACH = ("leave-one-out", "subgroups", "cumulative", "funnel plot", "asymmetry tests",
             "selection models", "meta-regression", BAYESIAN)  # fmt: skip


def beside(case: Case, selection: Selection) -> Iterator[tuple[str, Fit, str]]:
    """The same effects under each other handling: its words, the result, how many effects.

    Nothing where the analysis takes one effect per trial, or no trial has several.
    """
    every, arms, spec = selection.every, case.tables.arms, case.spec
    model = spec.model or case.defaults.model  # that of one effect per trial
    if spec.effects == "one" or not every["trial_id"].duplicated().any():
        return
    whole = Selection(chosen=every, rejected=every.iloc[:0], every=every)
    for name, words in HANDLINGS.items():
        if name == spec.effects or (name == "che" and model.tau2 != "REML"):
            continue
        other = spec.model_copy(update={"effects": name, "without": None})
        rows = handled(whole, arms, other).chosen
        # Effects that were put together have no counts of their own.
        alone = name in ("all", "lowest", "highest")
        how = model if alone else without_counts(model)
        how = Correlated.of(how, spec.rho) if name == "che" else how
        result = case.leading_by(how, name).fit(rows, case.measure)
        yield words.format(rho=spec.rho), result, f"{len(rows)} effects"


def about(analysis: Analysis, result: Fit, studies: pd.DataFrame) -> SeveralEffects | None:
    """How several effects per trial are put together; None for one effect of each."""
    if analysis.effects == "one":
        return None
    return SeveralEffects(
        handling=analysis.effects,
        within=analysis.within,
        words=HANDLINGS[analysis.effects].format(rho=analysis.rho),
        effects=len(studies),
        trials=int(studies["trial_id"].nunique()),
        rho=analysis.rho if analysis.effects in ("combined", "che") else None,
        levels=result.levels,
    )


def withheld(result: Fit) -> Fit:
    """A result with all that takes one effect per trial withheld, and why."""
    policy = result.policy
    reasons = dict.fromkeys(_ONE_EACH, DEPENDENT) | policy.withheld
    rule = f"k = {policy.k} trials, some with several effects: {result.words}"
    return replace(result, policy=replace(policy, rule=rule, withheld=reasons))


def cautions(analysis: Analysis, selection: Selection) -> list[str]:
    """Where effects that depend on each other are pooled as if not, or the data chose the data."""
    studies, rejected = selection.chosen, selection.rejected
    k, m = len(studies), int(studies["trial_id"].nunique())
    out = []
    if analysis.effects not in ("one", "che") and k > m:
        out.append(
            f"{k} effects of {m} trials are pooled as if they were independent: where they share "
            "people the interval is too narrow."
        )
    if analysis.without is not None:
        n = int((rejected["rule"] == analysis.without).sum())
        out.append(
            f"Left out because of what they found ({analysis.without}): {n}. The interval does not "
            "allow for that."
        )
    return out
