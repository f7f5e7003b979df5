"""Answers to claims, by a rule from the result and its certainty (docs/claims.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import ABOVE, BELOW, concluded
from trialpool.question_answer import DoseAnswer, DoseFacts, FittedDose, QuestionAnswer
from trialpool.review.extraction.claims import names_in
from trialpool.review.schema.findings import CLAIMS
from trialpool.terms import (
    BETTER,
    CONTRADICTED,
    DOMAINS,
    IS_NOT_KNOWN,
    LEVELS,
    NO_TRIAL,
    NOT_SHOWN,
    OUT_OF_SCOPE,
    SCOPE,
    SUPPORTED,
    WORSE,
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking:
    """An analysis that speaks to a claim: its result, its row of findings, and its certainty.

    `lowered` are the domains that lower the certainty, those that lower it most first.
    """

    name: str
    result: AnalysisResult
    finding: Row
    lowered: tuple[str, ...]

    @property
    def level(self) -> str:
        """How certain the evidence is; blank without a trial."""
        return w.text(self.finding["certainty"])


def claims(
    rows: Iterable[Row],
    results: Sequence[AnalysisResult],
    answers: Mapping[str, QuestionAnswer],
    findings: Mapping[str, pd.DataFrame],
    rated: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """The answers to claims, results/claims.csv.

    Parameters
    ----------
    rows : of data/raw/claims.csv, checked
    results : of all analyses
    answers : to all questions, by condition/folder
    findings, rated : summary_of_findings.csv and certainty.csv of each condition

    Returns
    -------
    CLAIMS, in the order of the rows
    """
    known = {
        f"{each.condition}/{each.analysis}": _speaking(each, findings, rated) for each in results
    }
    doses = {name: each.facts for name, each in answers.items() if isinstance(each, DoseAnswer)}
    return CLAIMS.frame(
        _line(
            row,
            [known[name] for name in names_in(row["analyses"])],
            {name: doses[name] for name in names_in(row["questions"]) if name in doses},
        )
        for row in rows
    )


def answer(result: AnalysisResult, level: str, expected: str) -> str:
    """What one analysis says to a claim.

    Parameters
    ----------
    level : how certain the evidence is
    expected : what is claimed, BETTER or WORSE

    Returns
    -------
    SUPPORTED where the interval lies on the claimed side of no effect, with at least low certainty
    for a benefit; a harm needs no certainty, since to call one "not shown" that trials show errs
    to the unsafe side. CONTRADICTED, from low certainty on, where it lies on the other side, or
    holds no difference that matters. NO_TRIAL, or else NOT_SHOWN
    """
    if not result.k:
        return NO_TRIAL
    conclusion, certain = concluded(result), level in LEVELS[1:]
    wanted = BELOW if (expected == BETTER) == (result.better == "lower") else ABOVE
    if conclusion.side == wanted and (certain or expected == WORSE):
        return SUPPORTED
    against = conclusion.side == -wanted or conclusion.excludes_important
    return CONTRADICTED if certain and against else NOT_SHOWN


def answer_all(speaking: Sequence[Speaking], expected: str, doses: Sequence[DoseFacts] = ()) -> str:
    """What all analyses of a claim say together.

    Those with a trial must agree: one that supports beside one that does not is NOT_SHOWN. That
    something is not known is SUPPORTED where no analysis shows anything either way, and no
    question of `doses` an effect of more of the drug; of neither, NO_TRIAL.
    """
    if expected == OUT_OF_SCOPE:
        return SCOPE
    if expected == IS_NOT_KNOWN:
        if not speaking and not doses:
            return NO_TRIAL
        shown = any(map(_shows, speaking)) or any(
            isinstance(dose, FittedDose) and dose.shows for dose in doses
        )
        # Trials without an interval, as of a harm nobody had untreated, show no ignorance.
        open_ = any(each.result.k and concluded(each.result).side is None for each in speaking)
        return CONTRADICTED if shown else NOT_SHOWN if open_ else SUPPORTED
    words = {answer(each.result, each.level, expected) for each in speaking} - {NO_TRIAL}
    return words.pop() if len(words) == 1 else NOT_SHOWN if words else NO_TRIAL


def _shows(each: Speaking) -> bool:
    """Whether an analysis shows a benefit or a harm, or that there is none that matters."""
    said = {answer(each.result, each.level, expected) for expected in (BETTER, WORSE)}
    return bool(said & {SUPPORTED, CONTRADICTED})


def _speaking(
    result: AnalysisResult, findings: Mapping[str, pd.DataFrame], rated: Mapping[str, pd.DataFrame]
) -> Speaking:
    def of(frame: pd.DataFrame) -> Sequence[Row]:
        return tables.records(frame[frame["analysis"] == result.analysis])

    (finding,) = of(findings[result.condition])
    changes = {row["domain"]: w.number(row["change"]) for row in of(rated[result.condition])}
    lowered = sorted((d for d in DOMAINS if changes[d] < 0), key=lambda d: changes[d])
    name = f"{result.condition}/{result.analysis}"
    return Speaking(name=name, result=result, finding=finding, lowered=tuple(lowered))


def _line(row: Row, speaking: Sequence[Speaking], doses: Mapping[str, DoseFacts]) -> Row:
    said = answer_all(speaking, str(row["expected"]), tuple(doses.values()))

    def joined(words: Iterable[tuple[Speaking, str]]) -> str:
        parts = [(each, text) for each, text in words if text]
        alone = len(speaking) == 1
        return "; ".join(text if alone else f"{e.result.title}: {text}" for e, text in parts)

    made = [w.text(row[name]) for name in ("made_in", "citation")]
    return {
        "claim_id": row["claim_id"],
        "claim": row["claim"],
        "made_in": "; ".join(filter(None, made)),
        "answer": said,
        "reason": _reason(said, str(row["expected"]), speaking, doses),
        "analyses": "; ".join(each.name for each in speaking),
        "questions": "; ".join(names_in(row["questions"])),
        "certainty": joined((each, each.level) for each in speaking),
        "studied": joined((each, _who(each)) for each in speaking),
        "absolute": joined((each, people_words(each.finding)) for each in speaking),
        "would_change": joined((each, _would_change(each)) for each in speaking)
        or ("a randomised trial of it" if said == NO_TRIAL else "")
        or ("trials that compare doses at random" if doses and said != SCOPE else ""),
        "note": w.text(row["notes"]),
    }


def _reason(
    said: str, expected: str, speaking: Sequence[Speaking], doses: Mapping[str, DoseFacts]
) -> str:
    if said == SCOPE:
        return "this review does not ask it"
    if expected == IS_NOT_KNOWN and not speaking and doses:
        return "; ".join(_dose_words(name, facts) for name, facts in doses.items())
    if not speaking:
        return "no analysis of this review has a trial of it"
    results = "; ".join(
        f"{each.result.title}: {each.result.verdict.conclusion or 'no trial'}" for each in speaking
    )
    rests = [each.level for each in speaking if each.level]
    lowest = min(rests, key=LEVELS.index) if rests else ""
    about = f"{results}" + (f", {lowest} certainty" if lowest else "")
    if said == SUPPORTED and expected == IS_NOT_KNOWN:
        return f"{about}: nothing is shown either way"
    if said == SUPPORTED and expected == WORSE and lowest == LEVELS[0]:
        return f"{about}: a harm that trials show counts, however uncertain its size"
    return about


def _dose_words(name: str, facts: DoseFacts) -> str:
    if not isinstance(facts, FittedDose):
        return f"{name}: {facts.reason}"
    shown = "an" if facts.shows else "no"
    return (
        f"{name}: {w.count(facts.k, 'trial')} show {shown} effect of dose ({w.p_value(facts.pval)})"
    )


def _who(each: Speaking) -> str:
    people = w.number(each.finding["n"])
    size = "" if isnan(people) else f"{w.whole(people)} people, "
    return f"{size}{w.count(each.result.k, 'trial')}: {w.text(each.finding['studied'])}"


def people_words(finding: Row) -> str:
    """People with and without: `34 (19 to 52) of 100 against 20 of 100 (response)`.

    Points of a scale where people cannot be told; blank where neither can.
    """
    per = w.whole(finding["per"])
    if per != w.DASH:
        low, high = (w.whole(finding[f"experimental_{end}"]) for end in ("low", "high"))
        with_it = f"{w.whole(finding['experimental'])} ({low} to {high}) of {per}"
        return f"{with_it} against {w.whole(finding['control'])} of {per} ({finding['event']})"
    if w.fixed(finding["points"], 1) == w.DASH:
        return ""
    value, low, high = (w.fixed(finding[n], 1) for n in ("points", "points_low", "points_high"))
    return f"{value} ({low} to {high}) points {w.text(finding['instrument'])}".rstrip()


def _would_change(each: Speaking) -> str:
    """The gravest threat of the verdict, and what lowers the certainty most."""
    threats = [threat.text for threat in each.result.verdict.threats[:1]]
    lowers = w.listed(w.plain(domain) for domain in each.lowered[:2])
    return "; ".join([*threats, *([f"certainty is lowered most by {lowers}"] if lowers else [])])
