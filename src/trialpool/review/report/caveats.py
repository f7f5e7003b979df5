"""What threatens an answer: one short paragraph per threat, made by rule from the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.effects import measure_of
from trialpool.pooling.policy import COMMON_OF_COUNTS, COUNT_METHODS
from trialpool.review.choosing.sources import only, order_of
from trialpool.review.report import codes, sentences
from trialpool.risk_of_bias import NOT_ASSESSED, RiskOfBias


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A threat by name, and what it is here."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnalysisTables:
    """The results of one analysis as the pooling step wrote them.

    The first page needs neither `selection` nor `figures`, the list of them, nor `trust`, the
    tables of how far to trust it.
    """

    result: AnalysisResult
    studies: pd.DataFrame
    missing: pd.DataFrame
    sensitivity: pd.DataFrame
    selection: pd.DataFrame = field(default_factory=pd.DataFrame)
    figures: pd.DataFrame = field(default_factory=pd.DataFrame)
    trust: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The analysis' own name within its condition."""
        return self.result.analysis


def caveats(analysis: AnalysisTables, risk_of_bias: pd.DataFrame | None) -> list[Caveat]:
    """Everything a reader must hold against an answer, the gravest first.

    Parameters
    ----------
    risk_of_bias : the condition's judgements, None where they are not at hand
    """
    texts = [
        ("Missing trials", _missing(analysis)),
        ("Other choices", _tips(analysis)),
        ("Few trials", _few(analysis)),
        ("Differences between trials", _spread(analysis)),
        ("Risk of bias", _bias(analysis, risk_of_bias)),
        ("Flagged data", _flagged(analysis)),
        ("Imputed values", _imputed(analysis)),
        ("Sources", _sources(analysis)),
        ("Crossover trials", _crossover(analysis)),
        ("Comparators", _comparators(analysis)),
        ("Scales", _scales(analysis)),
        ("Model", _model(analysis)),
    ]
    return [Caveat(name=name, text=text) for name, text in texts if text]


def _missing(analysis: AnalysisTables) -> str:
    result, missing = analysis.result, analysis.missing
    if result.k == 0:
        return ""  # the answer itself names them
    parts = [
        sentences.largest_missing(result, missing),
        sentences.joint_missing(result, missing),
        sentences.left_out(result, missing),
    ]
    return " ".join(part for part in parts if part)


def tipping(result: AnalysisResult) -> str:
    """Under how many other choices the interval changes sides; blank when under none."""
    turned = say.turned(result)
    return f"{w.capital(turned)}." if turned else ""


def _tips(analysis: AnalysisTables) -> str:
    result = analysis.result
    others = result.trust.other_choices
    if not others.tried:
        return ""
    choices, does = say.other_choices(result), say.does(result)
    lead = f"The interval {does} no difference as the protocol has it"
    if not others.turned:
        return f"{lead}, and under {'' if others.tried == 1 else 'all '}{choices} as well."
    return (
        f"This depends on the choices. {lead}, but {say.does_otherwise(result)} it under "
        f"{len(others.turned)} of {choices}: {'; '.join(others.turned)}."
    )


def _few(analysis: AnalysisTables) -> str:
    result = analysis.result
    k = result.k
    if result.policy.common_effect_only:
        return (
            "Two trials are pooled as a common effect, which takes the true effect to be the same "
            "in both; read it with caution."
        )
    if 2 <= k <= 4:
        lead = f"{w.capital(w.count(k, 'trial'))} say little about how far trials differ"
        return f"{lead}{_led(result)}."
    if 5 <= k <= 9:
        return (
            f"{w.capital(w.count(k, 'trial'))} are too few to look for small-study effects; "
            "the tests for them need ten."
        )
    return ""


def _led(result: AnalysisResult) -> str:
    """That a posterior leads, and what the protocol's model beside it gives."""
    if not result.policy.bayesian or result.posterior is None:
        return ""
    prior, pooled = result.posterior.prior.partition(", ")[2], result.pooled
    said = f", so a Bayesian interval leads, which takes that to be {prior} beforehand"
    if pooled is None or math.isnan(pooled.beta):
        return said
    mu, low, high = map(measure_of(result.measure).shown, (pooled.beta, pooled.ci_lb, pooled.ci_ub))
    beside = f"{say.value(result, mu)} ({result.level} % CI {say.interval(result, low, high)})"
    return f"{said}. The protocol’s own model beside it gives {beside}: {result.beside}"


def _spread(analysis: AnalysisTables) -> str:
    """Heterogeneity, and the prediction interval or why there is none."""
    result = analysis.result
    if result.k < 2:
        return ""
    pooled, shown = result.pooled, result.display
    parts = []
    if pooled and not math.isnan(pooled.i2):
        parts.append(f"I² is {w.percent(pooled.i2)}.")
    limits = say.interval(result, shown.pi_low, shown.pi_high)
    if limits != w.DASH:
        headline = result.policy.prediction_interval == "headline"
        tail = "" if headline else ", itself uncertain with so few trials"
        parts.append(f"The true effect in a new trial is predicted within {limits}{tail}.")
    else:
        parts.append(f"No prediction interval: {why_no_prediction(result)}.")
    return " ".join(parts)


def why_no_prediction(result: AnalysisResult) -> str:
    """Why an analysis has no prediction interval."""
    withheld = result.policy.withheld.get("prediction interval")
    reasons = result.reasons
    why = withheld or reasons.get("pi_lb") or reasons.get("pi") or reasons.get("pooled")
    return w.text(why) or "not computed"


def _bias(analysis: AnalysisTables, risk_of_bias: pd.DataFrame | None) -> str:
    if risk_of_bias is None or analysis.studies.empty:
        return ""
    rows = tables.records(analysis.studies)
    judged = RiskOfBias(tables.records(risk_of_bias)).of_rows(rows, analysis.result.outcome)
    by_judgement: dict[str, dict[str, None]] = {}
    for row, judgement in zip(rows, judged, strict=True):
        by_judgement.setdefault(w.plain(judgement), {})[w.text(row["study"])] = None
    order = ("high", "some concerns", NOT_ASSESSED, "low")
    parts = [f"{name} in {w.listed(by_judgement[name])}" for name in order if name in by_judgement]
    return w.sentence(f"overall judgement {'; '.join(parts)}")


def _flagged(analysis: AnalysisTables) -> str:
    marks: dict[str, dict[str, None]] = {}
    for name, words in _noted(analysis.studies, "flags"):
        marks.setdefault(name, {})[words] = None
    parts = [f"{name} ({'; '.join(words)})" for name, words in marks.items()]
    if not parts:
        return ""
    marked = f"Marked by checks on the raw data for a second look: {w.listed(parts)}."
    rows = analysis.sensitivity
    without = tables.records(rows[rows["group"] == "flagged data"])
    refits = [_left_after(analysis.result, row) for row in without]
    return f"{marked} {w.capital('; '.join(refits))}." if refits else marked


def _left_after(result: AnalysisResult, row: Mapping[str, Any]) -> str:
    """What an analysis gives without a flagged trial, or with its data read another way."""
    label = w.text(row["label"])
    if row["k"] == 0:
        return f"{label} no trial is left"
    # Fewer trials may be led by another model, whose interval is wider or narrower for that alone.
    model = w.text(row["model"])
    other = "" if model == result.model else f", {model.partition(',')[0]}"
    effect = say.effect_of(result, row).removesuffix(")")
    return f"{label} it gives {effect}; k = {w.whole(row['k'])}{other})"


def _imputed(analysis: AnalysisTables) -> str:
    by_text: dict[str, list[str]] = {}
    for name, assumption in _noted(analysis.studies, "imputed"):
        by_text.setdefault(assumption, []).append(name)
    by_text = {assumption: list(dict.fromkeys(names)) for assumption, names in by_text.items()}
    parts = [f"{w.listed(names)}: {assumption}" for assumption, names in by_text.items()]
    return f"{'; '.join(parts)}." if parts else ""


def _sources(analysis: AnalysisTables) -> str:
    parts = []
    for level, source in (("secondary", "another review’s table"), ("abstract", "an abstract")):
        names = _names(analysis.studies, "confidence", level)
        if names:
            known = f"Known {only(order_of(analysis.result), level)}from"
            parts.append(f"{known} {source}: {w.listed(names)}.")
    return " ".join(parts)


def _crossover(analysis: AnalysisTables) -> str:
    words = {
        "crossover, as parallel": "counted as if the two conditions were separate groups",
        "crossover, first period": "first period only",
        "crossover, paired": "each person is their own control",
    }
    parts = []
    for design, handling in words.items():
        names = _names(analysis.studies, "design", design)
        if names:
            share = analysis.result.weight_by_design.get(design)
            weight = "" if share is None else f", {w.percent(share)} of the weight"
            parts.append(f"{w.listed(names)}: {handling}{weight}")
    return f"{'; '.join(parts)}." if parts else ""


def _comparators(analysis: AnalysisTables) -> str:
    classes = sorted(set(analysis.studies["comparator_class"]))
    if len(classes) < 2:
        return ""
    parts = [
        f"{codes.COMPARATORS.get(name, name)} in "
        f"{w.listed(_names(analysis.studies, 'comparator_class', name))}"
        for name in classes
    ]
    return f"Not all trials compare with the same: {'; '.join(parts)}."


def _scales(analysis: AnalysisTables) -> str:
    scales = sorted({w.text(name) for name in analysis.studies["instrument"]} - {""})
    if len(scales) < 2:
        return ""
    parts = [f"{s} in {w.listed(_names(analysis.studies, 'instrument', s))}" for s in scales]
    return f"Measured on different scales: {'; '.join(parts)}."


def _model(analysis: AnalysisTables) -> str:
    result = analysis.result
    parts = [w.sentence(caution) for caution in result.cautions]
    method = result.pooled.method if result.pooled else ""
    if method in COMMON_OF_COUNTS:
        parts.insert(
            0,
            f"Pooled by {COUNT_METHODS[method]}, which suits rare events and takes the true "
            f"{'odds or risk ratio' if method == 'MH' else 'odds ratio'} to be the same in all "
            "trials.",
        )
    return " ".join(parts)


def _noted(studies: pd.DataFrame, column: str) -> Iterator[tuple[str, str]]:
    for row in tables.records(studies):
        if note := w.text(row[column]):
            yield w.text(row["study"]), note


def _names(studies: pd.DataFrame, column: str, value: str) -> list[str]:
    names = studies.loc[studies[column] == value, "study"]
    return [w.text(name) for name in dict.fromkeys(names)]
