"""The tables behind how far to trust a result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.review.report.caveats import Analysis
from trialpool.review.report.grid import Cell, Column, Grid, Show, by_columns, cell, to

Row = Mapping[str, Any]


def trust_grids(analysis: Analysis) -> dict[str, Grid]:
    """Every table that has rows, by what it shows, in reading order."""
    made = {
        "Each trial left out in turn": _influence(analysis),
        "What the weight rests on": _weights(analysis),
        "Small-study effects: tests and estimates that allow for them": _small_studies(analysis),
        "The Bayesian result under each prior": _priors(analysis),
        "Real coverage of the intervals": _coverage(analysis),
        "What each choice moves": _factors(analysis),
        "The next trial": _next_trial(analysis),
    }
    return {title: grid for title, grid in made.items() if grid.rows}


def verdicts(
    models: Sequence[Mapping[str, Any]], conditions: Mapping[str, str] | None = None
) -> Grid:
    """One row per analysis: what it concludes, whether that is robust, and what threatens it most.

    `conditions` are titles by name, for the page over all of them.
    """
    body: list[tuple[Cell, ...]] = []
    last = ""
    for model in models:
        page = f"{model['condition']}/index.html" if conditions else ""
        if conditions and model["condition"] != last:
            last = model["condition"]
            body.append((to(conditions[last], page),))
        verdict = model["verdict"]
        threat = next(iter(verdict["threats"]), None)
        body.append((
            to(model["title"], f"{page}#{model['analysis']}"),
            cell(f"{say.short_measure(model)} {say.effect(model, model['display'])}"
                 if model["k"] else w.DASH),
            cell(w.whole(model["k"])),
            cell(w.capital(verdict["conclusion"])),
            cell(w.capital(verdict["robust"])),
            cell(w.capital(threat["name"]), w.sentence(threat["text"])) if threat else cell(),
        ))  # fmt: skip
    return Grid(
        caption="The verdict on each result",
        columns=(
            Column(heading="Analysis"),
            Column(heading="Estimate (95 % CI)"),
            Column(heading="Trials", kind="number"),
            Column(heading="Conclusion"),
            Column(heading="Robust"),
            Column(heading="Greatest threat", kind="prose"),
        ),
        rows=tuple(body),
    )


def _digits(name: str, digits: int = 2) -> Show:
    return lambda row: w.significant(row[name], digits)


def _rows(analysis: Analysis, name: str) -> list[Row]:
    return list(tables.records(analysis.trust[name]))


def _effect(analysis: Analysis) -> tuple[str, tuple[str, Show]]:
    heading = f"{say.short_measure(analysis.model)} (95 % interval)"
    return heading, ("number", lambda row: say.effect(analysis.model, row))


def _influence(analysis: Analysis) -> Grid:
    heading, effect = _effect(analysis)
    return by_columns("Each trial left out in turn", _rows(analysis, "influence"), {
        "Without": ("text", lambda row: w.text(row["study"])),
        heading: effect,
        "I²": ("number", lambda row: w.percent(row["i2"])),
        "Studentised residual": ("number", _digits("rstudent")),
        "DFFITS": ("number", _digits("dffits")),
        "Cook’s distance": ("number", _digits("cook_d")),
        "Covariance ratio": ("number", _digits("cov_r")),
        "Hat": ("number", _digits("hat")),
        "DFBETAS": ("number", _digits("dfbetas")),
        "Influential": ("text", lambda row: w.text(row["influential"])),
    })  # fmt: skip


def _weights(analysis: Analysis) -> Grid:
    rows = [row for row in _rows(analysis, "weights") if not math.isnan(w.number(row["weight"]))]
    return by_columns("What the weight rests on", rows, {
        "By": ("text", lambda row: w.capital(w.text(row["by"]))),
        "Level": ("text", lambda row: w.plain(row["level"])),
        "Trials": ("number", lambda row: w.whole(row["k"])),
        "Weight": ("number", lambda row: w.percent(row["weight"])),
        "Which": ("prose", lambda row: w.text(row["trials"])),
    })  # fmt: skip


def _small_studies(analysis: Analysis) -> Grid:
    heading, effect = _effect(analysis)
    return by_columns("Small-study effects", _rows(analysis, "small_studies"), {
        "Method": ("text", lambda row: w.text(row["method"])),
        heading: effect,
        "Statistic": ("number", _digits("statistic", 3)),
        "df": ("number", lambda row: w.whole(row["df"])),
        "p": ("number", lambda row: w.p_value(row["p_value"])),
        "Note": ("prose", lambda row: w.text(row["note"])),
        "Reference": ("prose", lambda row: w.text(row["reference"])),
    })  # fmt: skip


def _priors(analysis: Analysis) -> Grid:
    model = analysis.model

    def limits(name: str) -> Show:
        return lambda row: say.interval(model, row[f"{name}_low"], row[f"{name}_high"])

    def share(name: str) -> Show:
        return lambda row: w.fixed(row[name], 2)

    rows = [row for row in _rows(analysis, "priors") if not math.isnan(w.number(row["mu"]))]
    return by_columns("The Bayesian result under each prior", rows, {
        "Prior of the heterogeneity": ("text", lambda row: w.text(row["prior"])),
        say.short_measure(model): ("number", lambda row: say.value(model, row["mu"])),
        "95 % interval": ("number", limits("mu")),
        "τ": ("number", _digits("tau")),
        "A new trial": ("number", limits("new")),
        "P(benefit)": ("number", share("p_benefit")),
        "P(benefit that matters)": ("number", share("p_important")),
        "P(harm that matters)": ("number", share("p_harm_important")),
        "Reference": ("prose", lambda row: w.text(row["reference"])),
    })  # fmt: skip


def _coverage(analysis: Analysis) -> Grid:
    rows = [row for row in _rows(analysis, "coverage") if not math.isnan(w.number(row["coverage"]))]
    return by_columns("Real coverage of the intervals", rows, {
        "Model": ("text", lambda row: w.text(row["method"])),
        "Shown": ("text", lambda row: w.text(row["shown"])),
        "Interval": ("text", lambda row: w.text(row["interval"])),
        "τ²": ("number", _digits("tau2")),
        "τ² is": ("prose", lambda row: w.text(row["tau2_is"])),
        "Coverage": ("number", lambda row: w.fixed(row["coverage"], 3)),
        "Mean width": ("number", _digits("width_mean", 3)),
        "Drawn as": ("prose", lambda row: w.text(row["sampling"])),
    })  # fmt: skip


def _factors(analysis: Analysis) -> Grid:
    rows = analysis.model["multiverse"]["questions"][0]["factors"]
    moving = [row for row in rows if w.number(row["eta2"]) > 0 or w.number(row["swing"]) > 0]
    return by_columns("What each choice moves", moving, {
        "Choice": ("text", lambda row: w.text(row["factor"])),
        "Kind": ("text", lambda row: w.text(row["kind"])),
        "Share of the variance of the estimates": (
            "number", lambda row: w.percent(100 * w.number(row["eta2"]))),
        "Largest shift of the mean": ("number", _digits("shift")),
        "Between": ("text", lambda row: " and ".join(
            part for part in (w.text(row["from_level"]), w.text(row["to_level"])) if part)),
        "Share of intervals it turns": (
            "number", lambda row: w.percent(100 * w.number(row["swing"]))),
    })  # fmt: skip


def _next_trial(analysis: Analysis) -> Grid:
    model = analysis.model
    heading, effect = _effect(analysis)
    rows = [row for row in _rows(analysis, "next_trial") if row["effect"] == row["effect"]]
    return by_columns("The next trial", rows, {
        "If it finds": ("text", lambda row: w.capital(w.text(row["finds"]))),
        say.short_measure(model): ("number", lambda row: say.value(model, row["effect"])),
        "So that the": ("prose", lambda row: w.text(row["target"])),
        "People needed": ("number", lambda row: w.whole(row["n_total"])),
        f"Result with it: {heading}": effect,
        "Why not": ("prose", lambda row: w.text(row["note"])),
    })  # fmt: skip
