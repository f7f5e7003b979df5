"""The tables of results by kind of trial, and of effects against covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import (
    Cell,
    Grid,
    Row,
    Show,
    by,
    cell,
    number,
    or_why,
    prose,
    table,
    text,
    to,
)
from trialpool.review.report.plotted import plotted
from trialpool.terms import LEVEL, SLOPE, TEST, UNKNOWN, WITHHELD
from trialpool.trust_facts import CovariateFacts
from trialpool.words import per


def moderator_grids(analysis: AnalysisTables) -> dict[str, Grid]:
    """Every table that has rows, by its caption, in reading order."""
    made = (_subgroups(analysis), _regressions(analysis), _withheld(analysis))
    return {grid.caption: grid for grid in made if grid.rows}


def _subgroups(analysis: AnalysisTables) -> Grid:
    result = analysis.result
    lines = tables.records(analysis.trust["subgroups"])
    compared = {line["moderator"] for line in lines if line["kind"] == LEVEL}

    def name(line: Row) -> str:
        if line["kind"] == TEST:
            method = w.capital(w.written(w.text(line["method"])))
            return f"{method} (shown)" if line["shown"] == "yes" else method
        return w.text(line["level"]) if line["kind"] == LEVEL else "Not known"

    limits = w.intervals(
        w.is_bayesian(w.text(line["method"])) for line in lines if line["kind"] == LEVEL
    )

    def effect(line: Row) -> Cell:
        if line["kind"] != LEVEL:
            return cell()
        return cell(say.effect_of(result, line), note=w.written(w.text(line["method"])))

    def statistic(line: Row) -> str:
        degrees = [w.whole(line[field]) for field in ("df", "ddf") if w.number(line[field]) > 0]
        shown = w.significant(line["statistic"], 3)
        return f"{shown} (df {', '.join(degrees)})" if degrees else shown

    lines = [line for line in lines if line["moderator"] in compared]
    grid = table(
        "The result by kind of trial",
        lines,
        [
            text("Level or test", name),
            number("Trials", "k"),
            number("People", "n"),
            number(f"{say.short_measure(result)} ({limits})", effect),
            number("τ²", by(w.significant, "tau2")),
            number("Statistic", statistic),
            number("p", by(w.p_value, "p_value")),
            number("R²", by(w.percent, "r2")),
            prose(
                "Which trials, or how",
                lambda line: w.written(w.text(line["trials" if line["kind"] == LEVEL else "note"])),
            ),
        ],
        under=lambda line: cell(w.capital(w.text(line["title"]))),
    )
    return plotted(result, lines, grid)


def side_by_side(analyses: Sequence[AnalysisTables], moderator: str | None) -> Grid:
    """The results of a condition, together and apart by the levels of one moderator.

    Parameters
    ----------
    moderator : its name in the protocol; None where nothing is asked, then there are no rows
    """
    analyses = analyses if moderator else []
    lines = {
        each.name: [
            line
            for line in tables.records(each.trust["subgroups"])
            if line["moderator"] == moderator
        ]
        for each in analyses
    }
    levels = {
        w.text(line["level"]): None
        for of_analysis in lines.values()
        for line in of_analysis
        if line["kind"] == LEVEL
    }

    def apart(level: str) -> Show:
        def show(each: AnalysisTables) -> Cell:
            rows = lines[each.name]
            for line in rows:
                if line["kind"] == LEVEL and w.text(line["level"]) == level:
                    trials = w.count(int(line["k"]), "trial")
                    shown = say.effect_of(each.result, line)
                    return replace(cell(shown, trials), note=w.text(line["method"]))
            why = next((w.text(line["note"]) for line in rows if line["kind"] == WITHHELD), "")
            return or_why("", why or "no trial")

        return show

    def together(each: AnalysisTables) -> Cell:
        shown = say.effect(each.result, each.result.display)
        measure = say.short_measure(each.result)
        return cell(f"{measure} {shown}", w.count(each.result.k, "trial"), note=each.result.model)

    return table("Together and apart", analyses if levels else [], [
        text("Outcome", lambda each: to(each.result.title, f"index.html#{each.name}"), "list"),
        text("All", together),
        *(text(w.capital(level), apart(level)) for level in levels),
    ])  # fmt: skip


def _regressions(analysis: AnalysisTables) -> Grid:
    result = analysis.result
    steps = {
        each.name: per(each.per, each.unit)
        for each in result.trust.moderators
        if isinstance(each, CovariateFacts)
    }
    lines = tables.records(analysis.trust["regressions"])
    unknown = _unknown(lines)

    def note(line: Row) -> Cell:
        notes = (w.written(w.text(line["note"])), unknown.get(line["moderator"], ""))
        return cell(*(w.sentence(each) for each in notes if each))

    heading = "Factor (95 % CI)" if say.is_ratio(result) else "Slope (95 % CI)"
    return table("Effects against covariates", [x for x in lines if x["kind"] == SLOPE], [
        text("Covariate", lambda line: w.capital(w.text(line["title"]))),
        text("Per", lambda line: steps[line["moderator"]]),
        number("Trials", "k"),
        number(heading, lambda line: say.effect_of(result, line)),
        number("p", by(w.p_value, "p_value")),
        number("Permutation p", by(w.p_value, "p_permutation")),
        number("τ² left", by(w.significant, "tau2")),
        number("R²", by(w.percent, "r2")),
        number("VIF", by(w.fixed, "vif", 2)),
        prose("Note", note),
    ])  # fmt: skip


def _withheld(analysis: AnalysisTables) -> Grid:
    names = ("subgroups", "regressions")
    lines = [line for name in names for line in tables.records(analysis.trust[name])]
    unknown = _unknown(lines)
    return table(
        "Kinds of trials that could not be compared",
        [line for line in lines if line["kind"] == WITHHELD],
        [
            text("Kind", lambda line: w.capital(w.text(line["title"]))),
            number("Trials", "k"),
            prose("Why not", lambda line: w.sentence(w.text(line["note"]))),
            prose("Not known for", lambda line: unknown.get(line["moderator"], "")),
        ],
    )


def _unknown(lines: list[dict[str, Any]]) -> Mapping[str, str]:
    """The trials without a value, by moderator."""
    return {line["moderator"]: w.text(line["note"]) for line in lines if line["kind"] == UNKNOWN}
