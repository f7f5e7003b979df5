"""The tables of one condition: trials, risk of bias, and the account of every report and row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.figures import style
from trialpool.review.choosing.missing import size
from trialpool.review.report import codes
from trialpool.review.report.caveats import Analysis
from trialpool.review.report.grid import Cell, Column, Grid, Link, Notes, cell, linked
from trialpool.review.schema.raw import ROB_DOMAINS
from trialpool.words import DOMAINS

Row = Mapping[str, Any]


def trials(table: pd.DataFrame, arms: pd.DataFrame, analyses: Sequence[Analysis]) -> Grid:
    """The eligible trials: who, what, how many, and which analyses they are in."""
    used: dict[str, list[Link]] = {}
    for analysis in analyses:
        link = Link(text=analysis.model["title"], href=f"#{analysis.model['analysis']}")
        for trial in analysis.studies["trial_id"]:
            used.setdefault(trial, []).append(link)
    notes, body = Notes(), []
    for row in _by_year(table):
        own = arms[arms["trial_id"] == row["trial_id"]]
        own = own.sort_values("role", ascending=False, kind="stable")  # experimental, control
        people = w.whole(row["n_randomised"])
        links = tuple(used.get(row["trial_id"], ()))
        none = notes.blank("no usable number for any analysis")
        body.append((
            Cell(lines=(w.text(row["study"]),), anchor=f"trial-{row['trial_id']}"),
            cell(w.text(row["design"])),
            cell(_population(row)),
            cell(*(_arm(arm) for arm in tables.records(own))),
            cell(people) if people != w.DASH else notes.blank("not stated in the source"),
            Cell(links=links) if links else none,
            _references(row),
        ))  # fmt: skip
    return Grid(
        caption="Eligible trials",
        columns=(
            Column(heading="Trial"),
            Column(heading="Design"),
            Column(heading="Population", kind="prose"),
            Column(heading="Arms", kind="list"),
            Column(heading="Randomised", kind="number"),
            Column(heading="Used in"),
            Column(heading="Links"),
        ),
        rows=tuple(body),
        notes=notes.listed(),
        empty="No eligible trial.",
    )


def risk_of_bias(table: pd.DataFrame, studies: pd.DataFrame) -> Grid:
    """The judgements, one row per trial."""
    judged = {(r["trial_id"], r["domain"]): r["judgement"] for r in tables.records(table)}
    shown = [domain for domain in ROB_DOMAINS if any(domain == key[1] for key in judged)]
    body, bare = [], []
    for row in _by_year(studies):
        if not any(row["trial_id"] == key[0] for key in judged):
            bare.append(w.text(row["study"]))
            continue
        line = [cell(w.text(row["study"]))]
        for domain in shown:
            found = w.text(judged.get((row["trial_id"], domain)))
            idle = domain == "DS" and row["design"] == "parallel"
            line.append(_judgement(found, "not asked, parallel trial" if idle else "not judged"))
        body.append(tuple(line))
    signs = [f"{sign} {words}" for _, _, sign, words in style.JUDGEMENTS.values()]
    domains = [f"{d} {DOMAINS[d]}" for d in shown if d in DOMAINS]
    told = f"RoB 2. {'; '.join(domains)}. Signs: {', '.join(signs)}; blank: not asked."
    if bare:
        told += f" Not judged: {w.listed(bare)}."
    return Grid(
        caption="Risk of bias",
        columns=(
            Column(heading="Trial"),
            *(Column(heading=w.capital(domain), kind="sign") for domain in shown),
        ),
        rows=tuple(body) if judged else (),
        notes=(("", told),),
        empty="No trial was judged.",
    )


def bias_reasons(table: pd.DataFrame, studies: pd.DataFrame) -> Grid:
    """Why each judgement was made."""
    names = dict(zip(studies["trial_id"], studies["study"], strict=True))
    order = {row["trial_id"]: i for i, row in enumerate(_by_year(studies))}
    rows = sorted(
        tables.records(table),
        key=lambda r: (order.get(r["trial_id"], len(order)), ROB_DOMAINS.index(r["domain"])),
    )
    body = [
        (
            cell(w.text(names.get(row["trial_id"], row["trial_id"]))),
            cell(f"{row['domain']} {DOMAINS.get(row['domain'], '')}".strip().capitalize()
                 if row["domain"] == "overall" else f"{row['domain']} {DOMAINS[row['domain']]}"),
            cell(w.plain(row["judgement"])),
            linked(codes.links(row["source_url"]), w.text(row["reason"])),
        )
        for row in rows
    ]  # fmt: skip
    return _grid("Reasons for each judgement", ("Trial", "Domain", "Judgement", "Reason"), body)


def missing(table: pd.DataFrame, studies: pd.DataFrame, outcomes: Mapping[str, str]) -> Grid:
    """Trials known to exist without usable numbers, over all outcomes of the condition.

    Parameters
    ----------
    outcomes : titles of the outcomes by name
    """
    names = dict(zip(studies["trial_id"], studies["study"], strict=True))
    body = []
    for row in tables.records(table):
        enters = "yes" if row["what_if"] == "yes" else "no"
        body.append((
            cell(w.text(names.get(row["trial_id"], row["trial_id"]))),
            cell(outcomes.get(row["outcome"], w.plain(row["outcome"]))),
            cell(_whole(size(row))),
            cell(codes.STATUS.get(row["status"], w.plain(row["status"]))),
            cell(w.text(row["reported"])),
            linked(codes.links(row["source_url"]), w.text(row["reason"])),
            cell(enters, w.text(row["what_if_reason"])),
        ))  # fmt: skip
    head = ("Trial", "Outcome", "People", "Status", "What is reported", "Why there is no number",
            "In the what-if")  # fmt: skip
    return _grid("Trials without usable numbers", head, body)


def excluded(table: pd.DataFrame) -> Grid:
    """Reports seen and not eligible."""
    body = []
    for row in _by_year(table):
        name = w.text(row["study"])
        body.append((
            cell(name, w.text(row["citation"]) if w.text(row["citation"]) != name else ""),
            cell(w.capital(w.plain(row["reason_class"]))),
            cell(w.text(row["reason"])),
            _references(row),
        ))  # fmt: skip
    return _grid(
        "Reports seen and not eligible", ("Report", "Kind of reason", "Reason", "Links"), body
    )


def search(table: pd.DataFrame) -> Grid:
    """Where was looked, when, and for what."""
    notes, body = Notes(), []
    for row in tables.records(table):
        date, found = w.text(row["date"]), w.whole(row["n_records"])
        body.append((
            linked(codes.links(row["source_url"]), w.text(row["source"])),
            cell(w.text(row["what"]), w.text(row["notes"])),
            cell(date) if date else notes.blank("not recorded"),
            cell(found) if found != w.DASH else notes.blank("not recorded"),
        ))  # fmt: skip
    grid = _grid("Search", ("Source", "What was looked for", "Date", "Records"), body)
    return Grid(caption=grid.caption, columns=grid.columns, rows=grid.rows, notes=notes.listed())


def flags(table: pd.DataFrame) -> Grid:
    """What the checks on the raw data marked."""
    body = [
        (
            cell(f"{row['table']}.csv row {w.whole(row['row'])}"),
            cell(w.text(row["trial_id"])),
            cell(f"{w.text(row['column'])} = {w.text(row['value'])}"),
            cell(w.sentence(w.text(row["rule"]))),
            cell(w.sentence(w.text(row["fix"]))),
        )
        for row in tables.records(table)
    ]
    head = ("Raw row", "Trial", "Value", "What the check saw", "What would settle it")
    return _grid("Warnings on the raw data", head, body)


def accounts(table: pd.DataFrame) -> Grid:
    """Rows in = rows used + rows dropped, for every raw table."""
    body = [
        tuple([cell(f"{row['table']}.csv")]
              + [cell(w.whole(row[name])) for name in ("rows_in", "rows_used", "rows_dropped")])
        for row in tables.records(table)
    ]  # fmt: skip
    return _grid("Raw rows", ("Raw table", "Rows in", "Used", "Dropped"), body)


def dropped(table: pd.DataFrame, outcomes: Mapping[str, str]) -> Grid:
    """Each raw row that is not used, with the rule and the reason."""
    body = [
        (
            cell(f"{row['table']}.csv row {w.whole(row['row'])}"),
            cell(w.text(row["trial_id"])),
            cell(outcomes.get(w.text(row["outcome"]), w.plain(row["outcome"]))),
            cell(w.capital(w.plain(row["rule"]))),
            cell(w.text(row["reason"])),
        )
        for row in tables.records(table)
    ]
    return _grid("Raw rows not used", ("Raw row", "Trial", "Outcome", "Rule", "Reason"), body,
                 empty="Every raw row is used.")  # fmt: skip


_NUMBERS = {"People", "Records", "Rows in", "Used", "Dropped"}
_PROSE = {"Reason", "Report", "What was looked for", "What the check saw", "What would settle it",
          "What is reported", "Why there is no number", "In the what-if"}  # fmt: skip


def _grid(
    caption: str, head: Sequence[str], body: Sequence[tuple[Cell, ...]], empty: str = "None."
) -> Grid:
    kinds = ["number" if h in _NUMBERS else "prose" if h in _PROSE else "text" for h in head]
    columns = tuple(Column(heading=h, kind=k) for h, k in zip(head, kinds, strict=True))
    return Grid(caption=caption, columns=columns, rows=tuple(body), empty=empty)


def _judgement(found: str, absent: str) -> Cell:
    if found not in style.JUDGEMENTS:
        return Cell(title=absent, tone="none")
    _, _, sign, words = style.JUDGEMENTS[found]
    return Cell(lines=(sign,), title=words, tone=found)


def _by_year(table: pd.DataFrame) -> list[dict[str, Any]]:
    ordered = table.sort_values(["year", "study"], na_position="last", kind="stable")
    return tables.records(ordered)


def _whole(n: float) -> str:
    return w.DASH if math.isnan(n) else f"{n:.0f}"


def _population(row: Row) -> str:
    code = w.plain(row["diagnosis"])
    # A code of a few letters is an abbreviation.
    told = w.text(row["population"]) or (code.upper() if len(code) <= 4 else code)
    place = w.text(row["country"])
    return f"{told} ({place})" if place and place not in told else told


def _arm(row: Row) -> str:
    name, dose = w.text(row["arm"]), w.text(row["dose"])
    n = w.whole(row["n_randomised"])
    parts = [name if not dose or dose in name else f"{name}: {dose}"]
    if n != w.DASH:
        parts.append(f"n = {n}")
    return ", ".join(parts)


def _references(row: Row) -> Cell:
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
