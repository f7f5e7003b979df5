"""The tables of one analysis: its trials, their sources, other choices, missing trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.conclusions import concluded
from trialpool.review.choosing.missing import size
from trialpool.review.report import codes
from trialpool.review.report.caveats import Analysis, why_no_prediction
from trialpool.review.report.grid import Cell, Column, Grid, Link, Notes, cell, linked, to

Row = Mapping[str, Any]

_CONTRAST = "the source gives the difference between groups only"
_POOLED_ALONE = "one trial: nothing is pooled"


def trials(analysis: Analysis) -> Grid:
    """The trials of an analysis with their data and effects."""
    model, notes = analysis.model, Notes()
    rows = tables.records(analysis.studies)
    sides = [(side, w.text(model[f"{side}_label"])) for side in ("experimental", "control")]
    events = analysis.studies["event_experimental"].notna().any()
    scores = analysis.studies["mean_experimental"].notna().any()
    head = [Column(heading="Trial"), Column(heading="Compared"), Column(heading="Measured")]
    for _, label in sides:
        if events:
            head.append(Column(heading=f"{label}: events / people", kind="number"))
        else:
            head.append(Column(heading=f"{label}: people", kind="number"))
            if scores:
                head.append(Column(heading=f"{label}: mean (SD)", kind="number"))
    head.append(Column(heading=f"{say.short_measure(model)} (95 % CI)", kind="number"))
    head.append(Column(heading="Weight", kind="number"))
    body = []
    for row in rows:
        line = [to(w.text(row["study"]), f"#trial-{row['trial_id']}")]
        line.append(
            cell(w.text(row["comparison"]), codes.COMPARATORS.get(row["comparator_class"], ""))
        )
        line.append(cell(w.text(row["instrument"]) or w.text(row["definition"]), _when(row)))
        for side, _ in sides:
            line += _arm(row, side, bool(events), bool(scores), notes)
        line.append(cell(say.effect(model, row)))
        weight = w.number(row["weight"])
        none = math.isnan(weight)
        line.append(notes.blank(_POOLED_ALONE) if none else cell(f"{weight:.1f} %"))
        body.append(tuple(line))
    return Grid(
        caption="The trials and their data",
        columns=tuple(head),
        rows=tuple(body),
        notes=notes.listed(),
        empty="No trial has usable numbers.",
    )


def provenance(analysis: Analysis) -> Grid:
    """Where each number comes from and what was done to it."""
    head = ("Trial", "Effect computed as", "Imputed or derived", "Notes", "Flags", "Source")
    body = []
    for row in tables.records(analysis.studies):
        basis = "from a reported difference" if row["basis"] != "arms" else ""
        imputed, derived = w.text(row["imputed"]), w.text(row["derived"])
        source = codes.CONFIDENCE.get(w.text(row["confidence"]), w.text(row["confidence"]))
        body.append((
            cell(w.text(row["study"])),
            cell(w.text(row["formula"]), basis, w.text(row["design"])),
            cell(imputed and f"imputed: {imputed}", derived and f"derived: {derived}"),
            cell(w.text(row["notes"])),
            cell(codes.flags(row["flags"])),
            _source(analysis, row, source),
        ))  # fmt: skip
    prose = ("Effect computed as", "Imputed or derived", "Notes", "Source")
    columns = [Column(heading=h, kind="prose" if h in prose else "text") for h in head]
    return Grid(
        caption="Where the numbers come from",
        columns=tuple(columns),
        rows=tuple(body),
        notes=(("", "Names such as results.csv:14 are rows of the raw tables; row 1 is the "
                    "header."),) if body else (),
        empty="No trial has usable numbers.",
    )  # fmt: skip


def _source(analysis: Analysis, row: Mapping[str, Any], confidence: str) -> Cell:
    """The raw rows, each table linked, and where in which source their numbers stand."""
    raw = w.text(row["records"]).split(";")
    tables_of = dict.fromkeys(one.split(":")[0] for one in raw if one)
    folder = f"../../data/raw/{analysis.model['condition']}"
    own = tuple(
        Link(text=", ".join(r for r in raw if r.startswith(name)), href=f"{folder}/{name}")
        for name in tables_of
    )
    found = linked(codes.links(row["source_url"]), confidence, w.text(row["locator"]))
    return replace(found, links=own + found.links)


def sensitivity(analysis: Analysis) -> Grid:
    """The same analysis under other choices."""
    model, notes = analysis.model, Notes()
    body = []
    for row in tables.records(analysis.sensitivity):
        outside = concluded(model, row).excludes_null
        says = w.DASH if outside is None else "outside" if outside else "inside"
        why = "no p-value in a Bayesian analysis" if "Bayes" in row["label"] else "nothing to test"
        p, i2 = w.p_value(row["p_value"]), w.percent(row["i2"])
        no_i2 = "the model has no I²: Mantel-Haenszel, Bayesian, or fewer than two trials"
        protocol = w.text(row["model"]) if row["group"] == "protocol" else ""
        body.append((
            cell(w.capital(w.text(row["label"]))),
            cell(w.capital(w.text(row["group"]))),
            cell(w.whole(row["k"])),
            cell(say.effect(model, row)),
            cell(says),
            notes.blank(why) if p == w.DASH else cell(p),
            notes.blank(no_i2) if i2 == w.DASH else cell(i2),
            cell(protocol, w.text(row["note"])),
        ))  # fmt: skip
    return Grid(
        caption="The same question under other choices",
        columns=(
            Column(heading="Choice"),
            Column(heading="Kind"),
            Column(heading="Trials", kind="number"),
            Column(heading=f"{say.short_measure(model)} (95 % interval)", kind="number"),
            Column(heading="No difference"),
            Column(heading="p", kind="number"),
            Column(heading="I²", kind="number"),
            Column(heading="Note", kind="prose"),
        ),
        rows=tuple(body),
        notes=notes.listed(),
        empty="There is nothing to vary.",
    )


def missing(analysis: Analysis) -> Grid:
    """Eligible trials without usable numbers, and what each would do to the estimate."""
    model, notes = analysis.model, Notes()
    body = []
    for row in tables.records(analysis.missing):
        null = say.effect(model, row, "_if_null")
        why = w.text(row["what_if_reason"])
        if null == w.DASH and not why:
            why = "no estimate to add it to"
        n = size(row)
        body.append((
            to(w.text(row["study"]), f"#trial-{row['trial_id']}"),
            cell(w.whole(n)) if n == n else notes.blank("number of people not known"),
            cell(codes.STATUS.get(row["status"], w.plain(row["status"]))),
            cell(w.text(row["reported"])),
            linked(codes.links(row["source_url"]), w.text(row["reason"])),
            notes.noted(null, w.capital(why)),
        ))  # fmt: skip
    return Grid(
        caption="Eligible trials without usable numbers",
        columns=(
            Column(heading="Trial"),
            Column(heading="People", kind="number"),
            Column(heading="Status"),
            Column(heading="What is reported", kind="prose"),
            Column(heading="Why there is no number", kind="prose"),
            Column(heading=f"{say.short_measure(model)} had it found nothing", kind="number"),
        ),
        rows=tuple(body),
        notes=notes.listed(),
        empty="No eligible trial is known to lack usable numbers for this outcome.",
    )


def selection(analysis: Analysis) -> Grid:
    """Effects of the same outcome that this analysis does not use."""
    body = []
    for row in tables.records(analysis.selection):
        # effect_id is the trial, what tells its effects apart, and the measure
        parts = [
            part
            for part in w.text(row["effect_id"]).split("|")[1:-1]
            if part and part not in (analysis.model["outcome"], "whole")
        ]
        body.append((cell(w.text(row["study"])), cell(", ".join(parts)), cell(row["reason"])))
    return Grid(
        caption="Effects of the same outcome not used here",
        columns=(
            Column(heading="Trial"),
            Column(heading="Effect", kind="prose"),
            Column(heading="Why not", kind="prose"),
        ),
        rows=tuple(body),
        empty="Every effect of this outcome is used.",
    )


def summary(
    table: pd.DataFrame,
    models: Sequence[Mapping[str, Any]],
    conditions: Mapping[str, str] | None = None,
) -> Grid:
    """One row per analysis.

    Parameters
    ----------
    table : summary.csv
    models : model.json of the same analyses, in any order
    conditions : titles by name, for the page over all of them; None on a condition's own page
    """
    notes, about = Notes(), {(m["condition"], m["analysis"]): m for m in models}
    body: list[tuple[Cell, ...]] = []
    last = ""
    for row in tables.records(table):
        model = about[row["condition"], row["analysis"]]
        reasons = model["reasons"]
        none = "nothing is pooled from fewer than two trials"
        page = f"{row['condition']}/index.html" if conditions else ""
        if conditions and row["condition"] != last:
            last = row["condition"]
            body.append((to(conditions[last], page),))
        line = [to(model["title"], f"{page}#{row['analysis']}")]
        line.append(cell(w.whole(row["k"])))
        line.append(cell(w.whole(row["n"])) if model["k"] else notes.blank("no trial"))
        line.append(cell(say.short_measure(model)))
        shown = say.effect(model, row)
        line.append(notes.blank("no trial") if shown == w.DASH else cell(shown))
        p = w.p_value(row["p_value"])
        line.append(notes.blank("no trial") if p == w.DASH else cell(p))
        limits = say.interval(model, row["pi_low"], row["pi_high"])
        why = why_no_prediction(model)
        line.append(notes.blank(why) if limits == w.DASH else cell(limits))
        for name in ("i2", "tau2"):
            held = w.number(row[name])
            if math.isnan(held):
                line.append(notes.blank(w.text(reasons.get(name)) or none))
            else:
                line.append(cell(w.percent(held) if name == "i2" else w.significant(held)))
        body.append(tuple(line))
    numbers = ("Estimate (95 % CI)", "p", "Prediction interval", "I²", "τ²")
    return Grid(
        caption="All analyses in one table",
        columns=(
            Column(heading="Analysis"),
            Column(heading="Trials", kind="number"),
            Column(heading="People", kind="number"),
            Column(heading="Measure"),
            *(Column(heading=name, kind="number") for name in numbers),
        ),
        rows=tuple(body),
        notes=notes.listed(),
    )


def _when(row: Row) -> str:
    days = w.number(row["time_days"])
    stated = w.text(row["timepoint"])
    return stated if math.isnan(days) else stated or f"day {w.short(days)}"


def _arm(row: Row, side: str, events: bool, scores: bool, notes: Notes) -> list[Cell]:
    if events:
        n = w.whole(row[f"totaln_{side}"])
        if n == w.DASH:
            return [notes.blank(_CONTRAST)]
        return [cell(f"{w.whole(row[f'event_{side}'])} / {n}")]
    people = w.whole(row[f"n_{side}"])
    line = [notes.blank("number of people not known") if people == w.DASH else cell(people)]
    if scores:
        mean, sd = w.number(row[f"mean_{side}"]), w.number(row[f"sd_{side}"])
        told = f"{w.fixed(mean, 2)} ({w.fixed(sd, 2)})"
        line.append(notes.blank(_CONTRAST) if math.isnan(mean) else cell(told))
    return line
