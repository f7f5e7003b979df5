"""The tables of one condition: trials, risk of bias, and the account of every report and row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.bias_tools import BIAS_DOMAINS, CODES, SHOWN_AS, tool_of
from trialpool.figures.style import JUDGEMENTS
from trialpool.review.choosing.people import size
from trialpool.review.choosing.reasons import not_asked, why_not
from trialpool.review.report import codes
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import (
    Cell,
    Grid,
    GridColumn,
    Link,
    Row,
    Show,
    cell,
    linked,
    number,
    or_why,
    prose,
    table,
    text,
    to,
)
from trialpool.risk_of_bias import NARROWED, RiskOfBias
from trialpool.terms import OVERALL


def trials(frame: pd.DataFrame, arms: pd.DataFrame, analyses: Sequence[AnalysisTables]) -> Grid:
    """The eligible trials: who, what, how many, and which analyses they are in."""
    used: dict[str, list[Link]] = {}
    for analysis in analyses:
        link = Link(text=analysis.result.title, href=f"index.html#{analysis.result.analysis}")
        for trial in analysis.studies["trial_id"]:
            used.setdefault(trial, []).append(link)

    def of_trial(row: Row) -> Cell:
        mine = arms[arms["trial_id"] == row["trial_id"]]
        # experimental, then control
        ordered = mine.sort_values("role", ascending=False, kind="stable")
        return cell(*map(_arm, tables.records(ordered)))

    def used_in(row: Row) -> Cell:
        links = tuple(used.get(row["trial_id"], ()))
        return Cell(links=links) if links else or_why("", _why_unused(row, analyses))

    return table("Eligible trials", _by_year(frame), [
        text("Trial", lambda row: to(w.text(row["study"]), f"../trials/{row['trial_id']}.html")),
        text("Design", "design"),
        prose("Population", _population),
        GridColumn("Arms", of_trial, "list"),
        number("Randomised",
               lambda row: or_why(w.whole(row["n_randomised"]), "not stated in the source")),
        text("Used in", used_in),
        text("Links", references),
    ], empty="No eligible trial.")  # fmt: skip


def _why_unused(trial: Row, analyses: Sequence[AnalysisTables]) -> str:
    """Why a trial is in no analysis: left out by what they ask, or without usable numbers."""
    left: dict[str, None] = {}
    for analysis in analyses:
        for row in tables.records(analysis.selection):
            if row["trial_id"] != trial["trial_id"]:
                continue
            asked = analysis.result.specification
            filtered = why_not(trial, asked["include"], asked["exclude"])
            if reason := filtered or (row["reason"] if not_asked(row["rule"]) else ""):
                left[reason] = None
    if left:
        return f"left out: {'; '.join(left)}"
    return "no usable number for any analysis"


def risk_of_bias(frame: pd.DataFrame, studies: pd.DataFrame, outcomes: Mapping[str, str]) -> Grid:
    """The judgements, one row per trial, and one per result that has any of its own.

    Parameters
    ----------
    outcomes : titles of the outcomes by name
    """
    rows = tables.records(frame)
    judged = RiskOfBias(rows)
    apart: dict[str, dict[tuple[str, ...], None]] = {}
    for row in rows:
        of = tuple(w.text(row.get(name)) for name in NARROWED)
        apart.setdefault(row["trial_id"], {})[of] = None
    trials = _by_year(studies)
    named = {row["trial_id"]: w.text(row.get("tool")) for row in rows}
    tools = {t["trial_id"]: tool_of(named.get(t["trial_id"], ""), t["design"]) for t in trials}
    asked = [domain for domain in CODES if (frame["domain"] == domain).any()]
    lines = [
        {**trial, "of": of, "others": len(apart[trial["trial_id"]]) > 1}
        for trial in trials
        for of in sorted(apart.get(trial["trial_id"], ()))
    ]

    def result(row: Row) -> str:
        named = _narrowed(row["of"], outcomes)
        return named or ("all other results" if row["others"] else "all results")

    def judgement(domain: str) -> Show:
        def shown(row: Row) -> Cell:
            outcome, instrument = row["of"]
            holding = judged.nearest(row["trial_id"], domain, outcome, instrument)
            said = w.text(holding[0]["judgement"]) if holding else ""
            if code := SHOWN_AS.get(said, ""):
                return Cell(lines=(JUDGEMENTS[code][2],), title=w.plain(said), tone=code)
            asked_of = tools[row["trial_id"]]
            idle = domain not in (*asked_of.domains, OVERALL)
            return Cell(title=f"not asked by {asked_of.title}" if idle else "not assessed",
                        tone="none")  # fmt: skip

        return shown

    signs = [f"{sign} {words}" for _, _, sign, words in JUDGEMENTS.values()]
    domains = [f"{d} {BIAS_DOMAINS[d]}" for d in asked if d in BIAS_DOMAINS]
    used = w.listed(dict.fromkeys(tools[name].title for name in apart if name in tools))
    remark = f"{used}. {'; '.join(domains)}. Signs: {', '.join(signs)}; blank: not assessed."
    bare = [w.text(row["study"]) for row in trials if row["trial_id"] not in apart]
    if bare:
        remark += f" Not assessed: {w.listed(bare)}."
    which = [text("Results", result)] if any(row["others"] for row in lines) else []
    return table(
        "Risk of bias",
        lines,
        [
            text("Trial", "study"),
            *which,
            *(GridColumn(w.capital(d), judgement(d), "sign") for d in asked),
        ],
        remark=remark,
        empty="No trial was judged.",
    )


def _narrowed(of: Sequence[str], outcomes: Mapping[str, str]) -> str:
    """Which results a judgement is of; blank where it is of all of its trial."""
    outcome, instrument = of
    title = outcomes.get(outcome, w.plain(outcome))
    return " on ".join(part for part in (title, instrument) if part)


def bias_reasons(frame: pd.DataFrame, studies: pd.DataFrame, outcomes: Mapping[str, str]) -> Grid:
    """Why each judgement was made; `outcomes` are titles by name."""
    order = {row["trial_id"]: i for i, row in enumerate(_by_year(studies))}
    rows = sorted(
        tables.records(frame),
        key=lambda r: (order.get(r["trial_id"], len(order)), CODES.index(r["domain"])),
    )

    def domain(row: Row) -> str:
        return (
            "Overall"
            if row["domain"] == "overall"
            else f"{row['domain']} {BIAS_DOMAINS[row['domain']]}"
        )

    def result(row: Row) -> str:
        return _narrowed([w.text(row.get(name)) for name in NARROWED], outcomes) or "all"

    apart = any(result(row) != "all" for row in rows)
    return table("Reasons for each judgement", rows, [
        text("Trial", _study(studies)),
        *([text("Results", result)] if apart else []),
        text("Domain", domain),
        text("Judgement", lambda row: w.plain(row["judgement"])),
        prose("Reason", _reason),
    ])  # fmt: skip


def missing(frame: pd.DataFrame, studies: pd.DataFrame, outcomes: Mapping[str, str]) -> Grid:
    """Trials known to exist without usable numbers, over all outcomes of the condition.

    Parameters
    ----------
    outcomes : titles of the outcomes by name
    """

    def enters(row: Row) -> Cell:
        return cell("yes" if row["what_if"] == "yes" else "no", w.text(row["what_if_reason"]))

    return table("Trials without usable numbers", tables.records(frame), [
        text("Trial", _study(studies)),
        text("Outcome", _outcome(outcomes)),
        number("People", lambda row: w.whole(size(row))),
        text("Status", lambda row: codes.STATUS.get(row["status"], w.plain(row["status"]))),
        prose("What is reported", "reported"),
        prose("Why there is no number", _reason),
        prose("In the what-if", enters),
    ])  # fmt: skip


def excluded(frame: pd.DataFrame) -> Grid:
    """Reports seen and not eligible."""

    def report(row: Row) -> Cell:
        # both may be the same words
        return cell(*dict.fromkeys((w.text(row["study"]), w.text(row["citation"]))))

    return table("Reports seen and not eligible", _by_year(frame), [
        prose("Report", report),
        text("Kind of reason", lambda row: w.capital(w.plain(row["reason_class"]))),
        prose("Reason", "reason"),
        text("Links", references),
    ])  # fmt: skip


def search(frame: pd.DataFrame) -> Grid:
    """Where was looked, when, and for what."""
    none = "not recorded"
    return table("Search", tables.records(frame), [
        text("Source", lambda row: linked(codes.links(row["source_url"]), w.text(row["source"]))),
        prose("What was looked for", lambda row: cell(w.text(row["what"]), w.text(row["notes"]))),
        text("Date", lambda row: or_why(w.text(row["date"]), none)),
        number("Records", lambda row: or_why(w.whole(row["n_records"]), none)),
    ])  # fmt: skip


def flags(frame: pd.DataFrame) -> Grid:
    """What the checks on the raw data marked."""
    return table("Warnings on the raw data", tables.records(frame), [
        text("Raw row", _raw_row),
        text("Trial", "trial_id"),
        text("Value", lambda row: f"{w.text(row['column'])} = {w.text(row['value'])}"),
        prose("What the check saw", lambda row: w.sentence(w.text(row["rule"]))),
        prose("What would settle it", lambda row: w.sentence(w.text(row["fix"]))),
    ])  # fmt: skip


def accounts(frame: pd.DataFrame) -> Grid:
    """Rows in = rows used + rows dropped, for every raw table."""
    return table("Raw rows", tables.records(frame), [
        text("Raw table", lambda row: f"{row['table']}.csv"),
        number("Rows in", "rows_in"),
        number("Used", "rows_used"),
        number("Dropped", "rows_dropped"),
    ])  # fmt: skip


def dropped(frame: pd.DataFrame, outcomes: Mapping[str, str]) -> Grid:
    """Each raw row that is not used, with the rule and the reason."""
    return table("Raw rows not used", tables.records(frame), [
        text("Raw row", _raw_row),
        text("Trial", "trial_id"),
        text("Outcome", _outcome(outcomes)),
        text("Rule", lambda row: w.capital(w.plain(row["rule"]))),
        prose("Reason", "reason"),
    ], empty="Every raw row is used.")  # fmt: skip


def _by_year(frame: pd.DataFrame) -> list[dict[str, Any]]:
    ordered = frame.sort_values(["year", "study"], na_position="last", kind="stable")
    return tables.records(ordered)


def _study(studies: pd.DataFrame) -> Show:
    names = dict(zip(studies["trial_id"], studies["study"], strict=True))
    return lambda row: w.text(names.get(row["trial_id"], row["trial_id"]))


def _outcome(titles: Mapping[str, str]) -> Show:
    return lambda row: titles.get(w.text(row["outcome"]), w.plain(row["outcome"]))


def _raw_row(row: Row) -> str:
    return f"{row['table']}.csv row {w.whole(row['row'])}"


def _reason(row: Row) -> Cell:
    return linked(codes.links(row["source_url"]), w.text(row["reason"]))


def diagnosis(row: Row) -> str:
    """The diagnosis of a trial in words; a code of a few letters is an abbreviation."""
    code = w.plain(row["diagnosis"])
    return code.upper() if len(code) <= 4 else code


def _population(row: Row) -> str:
    people = w.text(row["population"]) or diagnosis(row)
    place = w.text(row["country"])
    return f"{people} ({place})" if place and place not in people else people


def _arm(row: Row) -> str:
    name, dose = w.text(row["arm"]), w.text(row["dose"])
    n = w.whole(row["n_randomised"])
    parts = [name if not dose or dose in name else f"{name}: {dose}"]
    if n != w.DASH:
        parts.append(f"n = {n}")
    return ", ".join(parts)


def references(row: Row) -> Cell:
    """Links to a report: DOI, PubMed, registry record, and where it was read."""
    links = []
    doi, pmid = w.text(row.get("doi")), w.text(row.get("pmid")).removesuffix(".0")
    registration = w.text(row.get("registration"))
    if doi:
        links.append(Link(text="DOI", href=f"https://doi.org/{doi}"))
    if pmid:
        links.append(Link(text="PubMed", href=f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"))
    if registration.startswith("NCT"):
        href = f"https://clinicaltrials.gov/study/{registration}"
        links.append(Link(text=registration, href=href))
    links += [Link(text="source", href=href) for href in codes.links(row["source_url"])]
    other = () if registration.startswith("NCT") or not registration else (registration,)
    return Cell(lines=other if links or other else (w.DASH,), links=tuple(links))
