"""The tables of results by kind of trial, and of effects against covariates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.review.report.caveats import Analysis
from trialpool.review.report.grid import Cell, Column, Grid, Notes, cell
from trialpool.terms import LEVEL, SLOPE, TEST, UNKNOWN, WITHHELD
from trialpool.words import per

Row = Mapping[str, Any]


def moderator_grids(analysis: Analysis) -> dict[str, Grid]:
    """Every table that has rows, by what it shows, in reading order."""
    made = {
        "The result by kind of trial": _subgroups(analysis),
        "Effects against covariates": _regressions(analysis),
        "Kinds of trials that could not be compared": _withheld(analysis),
    }
    return {title: grid for title, grid in made.items() if grid.rows}


def _subgroups(analysis: Analysis) -> Grid:
    model, notes = analysis.model, Notes()
    lines = list(tables.records(analysis.trust["subgroups"]))
    compared = {line["moderator"] for line in lines if line["kind"] == LEVEL}
    body: list[tuple[Cell, ...]] = []
    last = ""
    for line in lines:
        if line["moderator"] not in compared:
            continue
        if line["moderator"] != last:
            last = line["moderator"]
            body.append((cell(w.capital(w.text(line["title"]))),))
        body.append(_BY_KIND[line["kind"]](model, line, notes))
    return Grid(
        caption="The result by kind of trial",
        columns=(
            Column(heading="Level or test"),
            Column(heading="Trials", kind="number"),
            Column(heading="People", kind="number"),
            Column(heading=f"{say.short_measure(model)} (95 % CI)", kind="number"),
            Column(heading="τ²", kind="number"),
            Column(heading="Statistic", kind="number"),
            Column(heading="p", kind="number"),
            Column(heading="R²", kind="number"),
            Column(heading="Which trials, or how", kind="prose"),
        ),
        rows=tuple(body),
        notes=notes.listed(),
    )


def _level(model: Row, line: Row, notes: Notes) -> tuple[Cell, ...]:
    return (
        cell(w.text(line["level"])),
        cell(w.whole(line["k"])),
        cell(w.whole(line["n"])),
        notes.noted(say.effect(model, line), w.text(line["method"])),
        cell(w.significant(line["tau2"])),
        cell(), cell(w.p_value(line["p_value"])), cell(),
        cell(w.text(line["trials"])),
    )  # fmt: skip


def _test(model: Row, line: Row, notes: Notes) -> tuple[Cell, ...]:
    name = w.capital(w.text(line["method"])).replace("tau2", "τ²")
    degrees = [w.whole(line[field]) for field in ("df", "ddf") if w.number(line[field]) > 0]
    statistic = w.significant(line["statistic"], 3)
    return (
        cell(f"{name} (shown)" if line["shown"] == "yes" else name),
        cell(w.whole(line["k"])),
        cell(), cell(),
        cell(w.significant(line["tau2"])),
        cell(f"{statistic} (df {', '.join(degrees)})" if degrees else statistic),
        cell(w.p_value(line["p_value"])),
        cell(w.percent(line["r2"])),
        cell(w.text(line["note"]).replace("tau2", "τ²")),
    )  # fmt: skip


def _unknown(model: Row, line: Row, notes: Notes) -> tuple[Cell, ...]:
    blank = (cell(),) * 6
    return (cell("Not known"), cell(w.whole(line["k"])), *blank, cell(w.text(line["note"])))


_BY_KIND = {LEVEL: _level, TEST: _test, UNKNOWN: _unknown}


def _regressions(analysis: Analysis) -> Grid:
    model = analysis.model
    facts = {fact["name"]: fact for fact in model["trust"]["moderators"]}
    lines = list(tables.records(analysis.trust["regressions"]))
    unknown = {line["moderator"]: w.text(line["note"])
               for line in lines if line["kind"] == UNKNOWN}  # fmt: skip
    body = []
    for line in lines:
        if line["kind"] != SLOPE:
            continue
        notes = [w.text(line["note"]).replace("tau2", "τ²"), unknown.get(line["moderator"], "")]
        body.append((
            cell(w.capital(w.text(line["title"]))),
            cell(per(facts[line["moderator"]])),
            cell(w.whole(line["k"])),
            cell(say.effect(model, line)),
            cell(w.p_value(line["p_value"])),
            cell(w.p_value(line["p_permutation"])),
            cell(w.significant(line["tau2"])),
            cell(w.percent(line["r2"])),
            cell(w.fixed(line["vif"], 2)),
            cell(*(w.sentence(note) for note in notes if note)),
        ))  # fmt: skip
    return Grid(
        caption="Effects against covariates",
        columns=(
            Column(heading="Covariate"),
            Column(heading="Per"),
            Column(heading="Trials", kind="number"),
            Column(heading="Factor (95 % CI)" if say.is_ratio(model) else "Slope (95 % CI)",
                   kind="number"),
            Column(heading="p", kind="number"),
            Column(heading="Permutation p", kind="number"),
            Column(heading="τ² left", kind="number"),
            Column(heading="R²", kind="number"),
            Column(heading="VIF", kind="number"),
            Column(heading="Note", kind="prose"),
        ),
        rows=tuple(body),
    )  # fmt: skip


def _withheld(analysis: Analysis) -> Grid:
    body = []
    for name in ("subgroups", "regressions"):
        lines = list(tables.records(analysis.trust[name]))
        unknown = {line["moderator"]: w.text(line["note"])
                   for line in lines if line["kind"] == UNKNOWN}  # fmt: skip
        body += [
            (
                cell(w.capital(w.text(line["title"]))),
                cell(w.whole(line["k"])),
                cell(w.sentence(w.text(line["note"]))),
                cell(unknown.get(line["moderator"], "")),
            )
            for line in lines
            if line["kind"] == WITHHELD
        ]
    return Grid(
        caption="Kinds of trials that could not be compared",
        columns=(
            Column(heading="Kind"),
            Column(heading="Trials", kind="number"),
            Column(heading="Why not", kind="prose"),
            Column(heading="Not known for", kind="prose"),
        ),
        rows=tuple(body),
    )
