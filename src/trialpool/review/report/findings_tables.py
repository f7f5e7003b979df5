"""The summary of findings and the answers to claims, as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import isnan

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.extraction.claims import names_in
from trialpool.review.report import certainty_tables
from trialpool.review.report.grid import (
    Cell,
    Grid,
    Link,
    Row,
    cell,
    linked,
    or_why,
    prose,
    table,
    text,
    to,
)
from trialpool.review.schema.raw_elsewhere import is_ratio


def findings(frame: pd.DataFrame, results: Sequence[AnalysisResult]) -> Grid:
    """The summary of findings of a condition, one row per analysis.

    Parameters
    ----------
    frame : summary_of_findings.csv
    results : of the same analyses, in any order
    """
    about = {each.analysis: each for each in results}

    def outcome(row: Row) -> Cell:
        return to(about[row["analysis"]].title, f"index.html#{row['analysis']}")

    def evidence(row: Row) -> Cell:
        n = w.whole(row["n"])
        return cell(w.count(int(row["k"]), "trial"), "" if n == w.DASH else f"{n} people")

    def effect(row: Row) -> Cell:
        result = about[row["analysis"]]
        shown = say.effect_of(result, row)
        if shown == w.DASH:
            return or_why("", "no trial")
        return cell(f"{say.short_measure(result)} {shown}", *_points(row))

    return table("Summary of findings", tables.records(frame), [
        text("Outcome", outcome, "list"),
        text("Evidence", evidence),
        text("Effect (95 %)", effect),
        text("Without and with", _people),
        text("Difference, number needed", _difference),
        text("Certainty", certainty_tables.level),
        prose("What this says", "statement"),
    ])  # fmt: skip


def other_reviews(frame: pd.DataFrame, results: Sequence[AnalysisResult]) -> Grid:
    """What other reviews pooled, beside ours.

    Parameters
    ----------
    frame : other_reviews.csv
    results : of the condition's analyses, in any order
    """
    about = {each.analysis: each for each in results}

    def review(row: Row) -> Cell:
        return linked([w.text(row["source_url"])], w.text(row["review"]))

    def pooled(row: Row) -> Cell:
        return cell(w.text(row["pooled"]), w.text(row["note"]))

    def theirs(row: Row) -> Cell:
        k, people = (w.whole(row[name]) for name in ("k", "people"))
        size = "" if k == w.DASH else w.count(int(row["k"]), "trial")
        size += "" if people == w.DASH else f", {people} people"
        return cell(f"{w.text(row['measure'])} {_numbers(row)}", size.removeprefix(", "))

    def ours(row: Row) -> Cell:
        result = about.get(w.text(row["analysis"]))
        if result is None:
            return or_why("", "no analysis here asks the same")
        shown = say.effect(result, result.display)
        link = to(result.title, f"index.html#{result.analysis}")
        if shown == w.DASH:
            return replace(link, lines=("no trial",))
        size = w.count(result.k, "trial")
        return replace(link, lines=(f"{say.short_measure(result)} {shown}", size))

    def common(row: Row) -> Cell:
        if not w.text(row["analysis"]):
            return cell("")
        return or_why(w.whole(row["in_common"]), "which trials were pooled could not be seen")

    return table("Other reviews", tables.records(frame), [
        text("Review", review),
        prose("What was pooled", pooled),
        text("Theirs (95 %)", theirs),
        text("Ours (95 %)", ours),
        text("Trials in common", common),
    ])  # fmt: skip


def _numbers(row: Row) -> str:
    form = w.ratio if is_ratio(row["measure"]) else partial(w.fixed, decimals=2)
    value, low, high = (form(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    return value if w.DASH in (low, high) else f"{value} ({low} to {high})"


def claims(frame: pd.DataFrame) -> Grid:
    """Each claim, its answer in one word, and what stands behind it.

    Parameters
    ----------
    frame : results/claims.csv
    """

    def behind(row: Row) -> Cell:
        links = [
            Link(text=name, href=f"{name.split('/')[0]}/index.html#{name.split('/')[1]}")
            for name in names_in(w.text(row["analyses"]))
        ]
        asked = ", ".join(names_in(w.text(row["questions"])))
        lines = (w.text(row["reason"]), w.text(row["note"]), f"questions: {asked}" if asked else "")
        return Cell(lines=tuple(filter(None, lines)), links=tuple(links))

    def people(row: Row) -> Cell:
        return cell(w.text(row["studied"]), w.text(row["absolute"]))

    return table("Claims and answers", tables.records(frame), [
        prose("Claim", lambda row: cell(w.text(row["claim"]), w.text(row["made_in"]))),
        text("Answer", lambda row: cell(w.capital(w.text(row["answer"])))),
        prose("Behind it", behind),
        prose("Who was studied; with and without", people),
        prose("What would change it", "would_change"),
    ])  # fmt: skip


def _points(row: Row) -> tuple[str, ...]:
    """The effect in points of its scale, a line; none where it is so already or cannot be told."""
    names = ("points", "points_low", "points_high")
    value, low, high = (w.fixed(row[name], 1) for name in names)
    if value == w.DASH or isnan(w.number(row["reference_sd"])):
        return ()
    return (f"{value} ({low} to {high}) points {w.text(row['instrument'])}",)


def _people(row: Row) -> Cell:
    per = w.whole(row["per"])
    if per == w.DASH:
        return or_why("", w.text(row["note"]))
    low, high = (w.whole(row[f"experimental_{end}"]) for end in ("low", "high"))
    with_it = f"{w.whole(row['experimental'])} ({low} to {high}) with"
    return cell(f"{w.whole(row['control'])} of {per} without", with_it, note=_start(row))


def _start(row: Row) -> str:
    """Where the people without come from: a footnote."""
    low, high = (w.percent(100 * row[f"baseline_{end}"]) for end in ("low", "high"))
    seen = "" if w.DASH in (low, high) else f", from {low} to {high}"
    note = f"; {w.text(row['note'])}" if w.text(row["note"]) else ""
    return f"{w.capital(row['event'])}. Without: {w.text(row['baseline_source'])}{seen}{note}"


def _difference(row: Row) -> Cell:
    if w.whole(row["per"]) == w.DASH:
        return or_why("", w.text(row["note"]))
    names = ("difference", "difference_low", "difference_high")
    value, low, high = (_more(row[name]) for name in names)
    return cell(f"{value} ({low} to {high})", w.text(row["number_needed"]))


def _more(people: object) -> str:
    """A difference of people in words: `12 more`, `3 fewer`, `0`."""
    value = w.number(people)
    if not value:
        return "0"
    return f"{w.whole(abs(value))} {'more' if value > 0 else 'fewer'}"
