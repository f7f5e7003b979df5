"""The summary of findings: each analysis as people of 100, as points, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import ceil, inf, isnan
from pathlib import Path
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.effects import measure_of
from trialpool.effects.absolute import (
    AbsoluteEffect,
    From,
    NumberNeeded,
    absolute_effect,
    number_needed,
    points,
    responders,
)
from trialpool.review.accounts.rob_me import Written
from trialpool.review.extraction.read import raise_errors, read_table
from trialpool.review.findings.baseline import Baseline, baseline
from trialpool.review.findings.statements import statement
from trialpool.review.schema.findings import SUMMARY_OF_FINDINGS
from trialpool.review.schema.raw import INSTRUMENTS
from trialpool.terms import OVERALL

Cells = dict[str, Any]
# Measures of counts that say a risk, and the formula that each goes by.
_OF_COUNTS = {"RR": "RR", "OR": "OR", "PETO": "OR", "RD": "RD"}


def summary_of_findings(
    written: Iterable[Written],
    trials: pd.DataFrame,
    rated: pd.DataFrame,
    baselines: Mapping[str, Mapping[str, Any] | None],
    reference_sds: Mapping[str, float],
) -> pd.DataFrame:
    """The summary of findings of a condition, summary_of_findings.csv.

    Parameters
    ----------
    written : its analyses, as read again
    trials : its trials
    rated : its certainty.csv
    baselines : the declared baseline risk of each analysis, `Review.baseline_risks`
    reference_sds : of instruments, in their points

    Returns
    -------
    SUMMARY_OF_FINDINGS, one row per analysis; `note` says what could not be told

    References
    ----------
    Schünemann et al. 2023, Cochrane Handbook 6.4, chapters 14 and 15
    """
    overall = rated[rated["domain"] == OVERALL]
    levels = {row["analysis"]: row for row in tables.records(overall)}
    diagnoses = dict(zip(trials["trial_id"], trials["diagnosis"], strict=True))
    written = list(written)
    studies = {each.result.analysis: each.studies for each in written}
    lines = []
    for each in written:
        result, rating = each.result, levels[each.result.analysis]
        absolute = _absolute(result, baseline(result.analysis, studies, baselines[result.analysis]))
        of_scale = _points(each, reference_sds)
        level = w.text(rating["level"])
        notes = [part.pop("note", "") for part in (absolute, of_scale)]
        lines.append({
            **_about(result), **absolute, **of_scale,
            "studied": _studied(each.studies, diagnoses),
            "certainty": level, "certainty_basis": rating["basis"],
            "statement": statement(result, level),
            "note": "; ".join(filter(None, notes)) if result.k else "no trial",
        })  # fmt: skip
    return SUMMARY_OF_FINDINGS.frame(lines)


def reference_sds(path: Path | str) -> dict[str, float]:
    """The reference SDs of instruments.csv, of those instruments that have one.

    Raises
    ------
    DataError
        listing all that is wrong with the table
    """
    sheet, problems = read_table(Path(path), INSTRUMENTS)
    raise_errors(problems)
    known = {str(row["instrument"]): w.number(row["reference_sd"]) for row in sheet.rows}
    return {instrument: sd for instrument, sd in known.items() if sd > 0}


def _about(result: AnalysisResult) -> Cells:
    names = ("analysis", "title", "outcome", "measure", "k", "n")
    shown = result.display
    return {name: getattr(result, name) for name in names} | {
        "estimate": shown.estimate, "ci_low": shown.ci_low, "ci_high": shown.ci_high
    }  # fmt: skip


def _studied(studies: pd.DataFrame, diagnoses: Mapping[str, object]) -> str:
    """The diagnoses of the trials, the one with the most trials first: `ptsd (3)`."""
    each = studies["trial_id"].drop_duplicates().map(diagnoses).fillna("not stated")
    counts = sorted(each.value_counts().items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(f"{w.plain(name)} ({k})" for name, k in counts)


def _absolute(result: AnalysisResult, start: Baseline) -> Cells:
    """People with and without; the reason where they cannot be told."""
    record, triple = measure_of(result.measure), result.display.triple
    of_counts = _OF_COUNTS.get(result.measure)
    standardised = record.unit == "SD" and record.data.groups == 2
    if not (of_counts or standardised):
        return {"note": "no number of people follows from this measure alone"}
    cells: Cells = {
        "event": "response, computed from the score" if standardised else result.outcome_title,
        "baseline_risk": start.risk, "baseline_low": start.low, "baseline_high": start.high,
        "baseline_source": start.source,
    }  # fmt: skip
    if any(isnan(value) for value in (start.risk, *triple)):
        return cells | {"note": start.source if isnan(start.risk) else "no interval"}
    if of_counts:
        effect = absolute_effect(of_counts, *triple, baseline=start.risk)
    else:
        lower = result.better == "lower"
        effect = responders(*triple, baseline=start.risk, lower_is_better=lower)
    desirable = standardised or result.better == "higher"
    return cells | _people(effect) | _needed(number_needed(effect, desirable=desirable))


def _people(effect: AbsoluteEffect) -> Cells:
    counts = effect.frequencies()
    return {
        "per": counts.per, "control": counts.baseline,
        "experimental": counts.risk.estimate, "experimental_low": counts.risk.lb,
        "experimental_high": counts.risk.ub, "difference": counts.difference.estimate,
        "difference_low": counts.difference.lb, "difference_high": counts.difference.ub,
        "note": effect.reason,
    }  # fmt: skip


def _needed(needed: NumberNeeded) -> Cells:
    def end(part: From | None, name: str) -> float | None:
        value = None if part is None else getattr(part, name)
        return None if value == inf else value

    return {
        "number_needed": number_needed_words(needed),
        "nnt_kind": needed.kind,
        "nnt": None if needed.estimate == inf else needed.estimate,
        "nntb_low": end(needed.benefit, "low"), "nntb_high": end(needed.benefit, "high"),
        "nnth_low": end(needed.harm, "low"), "nnth_high": end(needed.harm, "high"),
    }  # fmt: skip


def number_needed_words(needed: NumberNeeded) -> str:
    """A number needed with its interval: `NNTB 12 (NNTB 5 to infinity to NNTH 30)`.

    Whole people, rounded up, as the convention is.
    """
    kinds = (("NNTB", needed.benefit), ("NNTH", needed.harm))
    parts = [(kind, part) for kind, part in kinds if part is not None]
    estimate = f"{needed.kind} {_up(needed.estimate)}" if needed.kind else "no difference"
    if len(parts) == 2:
        (first, low), (second, high) = parts
        return f"{estimate} ({first} {_up(low.low)} to infinity to {second} {_up(high.low)})"
    return estimate + "".join(f" ({_up(part.low)} to {_up(part.high)})" for _, part in parts)


def _up(people: float) -> str:
    return "infinity" if people == inf else str(ceil(round(people, 6)))


def _points(each: Written, known: Mapping[str, float]) -> Cells:
    """The effect in points of a scale; the reason where there is no such scale."""
    result, record = each.result, measure_of(each.result.measure)
    shown = result.display
    if record.data.groups != 2 or record.unit not in ("SD", "points") or isnan(shown.estimate):
        return {}
    if record.unit == "points":
        scales = each.studies["instrument"].dropna().unique()
        instrument = str(scales[0]) if len(scales) == 1 else None
        sd, values = None, shown.triple
    else:
        instrument = _familiar(each, known)
        if instrument is None:
            return {"note": "no scale of these trials has a reference SD"}
        sd = known[instrument]
        if any(isnan(value) for value in shown.triple):
            return {}
        difference = points(*shown.triple, sd=sd)
        values = (difference.estimate, difference.lb, difference.ub)
    named = dict(zip(("points", "points_low", "points_high"), values, strict=True))
    return {"instrument": instrument, "reference_sd": sd, **named}


def _familiar(each: Written, known: Mapping[str, float]) -> str | None:
    """Of the scales with a reference SD that of most weight here, else the first one asked for."""
    weights = each.studies.assign(weight=each.studies["weight"].fillna(100.0))
    shares = weights.groupby("instrument")["weight"].sum()
    ranked = sorted(shares.items(), key=lambda item: (-item[1], str(item[0])))
    return next(_with_sd(ranked, each.result.specification.get("instruments") or (), known), None)


def _with_sd(
    ranked: Iterable[tuple[Any, float]], asked: Iterable[str], known: Mapping[str, float]
) -> Iterator[str]:
    yield from (str(name) for name, _ in ranked if name in known)
    yield from (name for name in asked if name in known)
