"""One analysis from effects to results: select, pool, ask what is missing, vary the choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isnan

import pandas as pd

from trialpool import tables
from trialpool.analysis_result import (
    AnalysisResult,
    DisplayedResult,
    ForestOptions,
    LargestMissing,
    MultiverseResult,
    TrialLeftOut,
    UnjudgedResult,
    WithMissingTrials,
)
from trialpool.review.case import Case
from trialpool.review.choosing.people import people, size, unsized
from trialpool.review.fitting.fit import Fit
from trialpool.review.schema.added import with_added
from trialpool.review.schema.results import STUDIES
from trialpool.review.trust.handlings import about, cautions
from trialpool.review.trust.main_result import MainResult, main_result
from trialpool.review.trust.multiverse import explore
from trialpool.review.trust.sensitivity import sensitivity
from trialpool.review.trust.trust import trust
from trialpool.review.trust.verdict import verdict
from trialpool.review.trust.what_if import WhatIf
from trialpool.trust_facts import ShownEstimate, TrustFacts
from trialpool.words import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """The result of one analysis and its tables, ready to be written.

    `trust` are the tables of how far to trust it, by name.
    """

    result: AnalysisResult
    studies: pd.DataFrame
    selection: pd.DataFrame
    missing: pd.DataFrame
    sensitivity: pd.DataFrame
    trust: Mapping[str, pd.DataFrame]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file."""
        names = ("studies", "selection", "missing", "sensitivity")
        return {name: getattr(self, name) for name in names} | dict(self.trust)


def analyse(case: Case) -> Analysed:
    """Run one analysis of the protocol."""
    main = main_result(case)
    universe = explore(case)
    others = sensitivity(case, main)
    trusted = trust(case, main, others, universe)
    shown = _shown(main.studies, case)
    unjudged = _unjudged(case, main, universe.summary, trusted.facts, tables.fingerprint(shown))
    rest = {each.name: getattr(unjudged, each.name) for each in fields(unjudged)}
    return Analysed(
        result=AnalysisResult(**rest, verdict=verdict(unjudged)),
        studies=shown,
        selection=main.selection.rejected,
        missing=main.absent.missing,
        sensitivity=others,
        trust=trusted.tables,
    )


def _shown(studies: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The columns of studies.csv; those that the protocol adds to trials stand at the end."""
    trials = case.tables.trials.set_index("trial_id")
    more = [column.name for column in case.added.get("trials", ())]
    of_trial = {name: studies["trial_id"].map(trials[name]) for name in more}
    columns = studies.assign(**of_trial)
    declared = with_added(STUDIES, case.added)
    known = {name for name in columns if columns[name].notna().any()}
    return columns[[n for n in declared.names if n in known or n not in declared.rare]]


def _unjudged(
    case: Case, main: MainResult, multiverse: MultiverseResult, facts: TrustFacts, inputs: str
) -> UnjudgedResult:
    """All that is said of an analysis but its verdict."""
    studies, fitted, pooled = main.studies, main.fit, main.fit.pooled
    heading, several = case.heading(), about(case.spec, main.fit, studies)
    return UnjudgedResult(
        **{each.name: getattr(heading, each.name) for each in fields(heading)},
        condition=case.condition,
        analysis=case.name,
        k=int(studies["trial_id"].nunique()),
        n=None if isnan(n := people(studies, several)) else int(n),
        model=fitted.words,
        beside=fitted.beside,
        note=_note(fitted, studies),
        display=DisplayedResult(
            estimate=fitted.estimate,
            ci_low=fitted.ci_low,
            ci_high=fitted.ci_high,
            pi_low=fitted.pi_low,
            pi_high=fitted.pi_high,
            p_value=fitted.p_value,
        ),
        pooled=pooled,
        posterior=main.posterior,
        important=case.important,
        important_reason=case.important_reason,
        policy=fitted.policy,
        reasons=_reasons(fitted),
        cautions=(
            *(pooled.cautions if pooled else ()),
            *cautions(case.spec, main.selection),
        ),
        weight_by_design=_by_design(studies),
        several=several,
        what_if=_with_missing(main.absent, studies),
        largest_missing=_largest(main.absent.missing, studies) if len(studies) else None,
        left_out=() if len(studies) else _left_out(main.selection.rejected),
        multiverse=multiverse,
        trust=facts,
        forest=ForestOptions(shrinkage=case.defaults.forest.shrinkage),
        inputs_sha256=inputs,
    )


def _left_out(rejected: pd.DataFrame) -> tuple[TrialLeftOut, ...]:
    """For an analysis without any trial: the trials that measured the outcome, and why not."""
    first = rejected.drop_duplicates("trial_id")
    return tuple(
        TrialLeftOut(study=row["study"], reason=row["reason"]) for row in tables.records(first)
    )


def _reasons(fitted: Fit) -> dict[str, str]:
    """Why each number that is missing is missing."""
    withheld = fitted.policy.withheld.get("prediction interval")
    reasons = dict(fitted.pooled.reasons) if fitted.pooled else {"pooled": fitted.policy.rule}
    if fitted.why_not:
        reasons |= {"beta": fitted.why_not}
    if fitted.posterior:
        reasons |= {"p_value": "a posterior has no p value; priors.csv has its probabilities"}
    return reasons | ({"pi": withheld} if withheld else {})


def _by_design(studies: pd.DataFrame) -> dict[str, float]:
    """The share of the weight, in percent, of each design (Curtin 2002, Stat Med 21:2161)."""
    known = studies[studies["weight"].notna()]
    shares = known.groupby("design", sort=True)["weight"].sum()
    return {str(design): float(share) for design, share in shares.items()}


def _note(result: Fit, studies: pd.DataFrame) -> str:
    parts = [result.policy.rule]
    for column, lead in (("imputed", "imputed values in"), ("flags", "flagged data in")):
        hit = studies[studies[column].notna()]
        if len(hit):
            parts.append(f"{lead} {', '.join(dict.fromkeys(hit['study']))}")
    definitions = sorted(set(studies["definition"].dropna()))
    if len(definitions) + studies["definition"].isna().any() > 1:
        parts.append(f"definitions differ: {', '.join(definitions)}")
    if unknown := unsized(studies):
        parts.append(f"n not known for {unknown} trial{'s' if unknown > 1 else ''}")
    return "; ".join(parts)


def _with_missing(absent: WhatIf, studies: pd.DataFrame) -> WithMissingTrials | None:
    joint = absent.joint
    if joint is None:
        return None
    return WithMissingTrials(
        trials=absent.added,
        k=int(studies["trial_id"].nunique()) + len(absent.added),
        estimate=joint.estimate,
        ci_low=joint.ci_low,
        ci_high=joint.ci_high,
    )


def _largest(missing: pd.DataFrame, studies: pd.DataFrame) -> LargestMissing | None:
    """The largest trial known to have been carried out; its estimate where it can be added."""
    done = missing[missing["status"].isin(["published_without_numbers", "completed_unpublished"])]
    known = [row for row in tables.records(done) if not isnan(size(row))]
    if not known:
        return None
    row = max(known, key=size)
    return LargestMissing(
        trial_id=row["trial_id"],
        study=row["study"],
        n=size(row),
        reported=text(row["reported"]) or None,
        larger_than_any_included=bool(size(row) > studies["n"].max(skipna=False)),
        **asdict(ShownEstimate.of(row, "_if_null")),
    )
