"""One page for each trial, and one that lists them: all that is known and used of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan, nan
from typing import Any

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.review.report import codes, condition_tables
from trialpool.review.report.bias_bars import bias_bars
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.grid import (
    Cell,
    Grid,
    Row,
    cell,
    linked,
    number,
    or_why,
    prose,
    table,
    text,
    to,
)
from trialpool.review.report.rendering import render

MOST = 150  # trials in the list of a page; the table beside it has all

FEW = 8  # rows of a table that stands open on a trial's page

_ROLES = {"experimental": "tested", "control": "compared with"}


def trial_pages(
    review: Mapping[str, Any],
    by_condition: Mapping[str, Mapping[str, pd.DataFrame]],
    analyses: Sequence[AnalysisTables],
    characteristics: pd.DataFrame,
) -> dict[str, str]:
    """The pages of trials by their place in `results/trials/`.

    Parameters
    ----------
    review : the whole protocol, `Review.model_dump(mode="json")`
    by_condition
        the cleaned tables of each condition: trials, arms, records, risk_of_bias,
        missing_results, dropped and flags
    analyses : results of all analyses, with their weights
    characteristics : characteristics.csv
    """
    menu = {n: spec.get("short") or spec["title"] for n, spec in review["conditions"].items()}
    shared = {"review": review, "menu": menu, "here": "trials", "root": "../"}
    outcomes = {name: outcome["title"] for name, outcome in review["outcomes"].items()}
    pages = {
        "index.html": render(
            "trials.html",
            **shared,
            grid=characteristics_grid(characteristics, menu),
            most=MOST,
            bars=bias_bars(analyses),
        )
    }
    parts = {name: _by_trial(named) for name, named in by_condition.items()}
    for row in tables.records(characteristics):
        trial = row["trial_id"]
        known = [
            {
                "name": name,
                "title": review["conditions"][name]["title"],
                "grids": list(_grids(parts[name][trial], name, trial, analyses, outcomes)),
            }
            for name in by_condition
            if trial in parts[name]
        ]
        pages[f"{trial}.html"] = render(
            "trial.html", **shared, trial=row, facts=list(_facts(row)), known=known, few=FEW
        )
    return pages


def _by_trial(named: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, pd.DataFrame]]:
    """The tables of each trial; one that a table does not name has none of its rows."""
    split = {name: dict(list(frame.groupby("trial_id"))) for name, frame in named.items()}
    return {
        trial: {name: split[name].get(trial, frame.iloc[:0]) for name, frame in named.items()}
        for trial in named["trials"]["trial_id"]
    }


def characteristics_grid(characteristics: pd.DataFrame, menu: Mapping[str, str]) -> Grid:
    """The trials of the review with what a reader compares them by.

    Parameters
    ----------
    menu : titles of the conditions by name
    """

    def reviewed(row: Row) -> Cell:
        names = w.text(row["conditions"]).split("; ")
        return cell("; ".join(menu.get(name, name) for name in names))

    def people(row: Row) -> Cell:
        return cell(w.text(row["population"]) or w.text(row["diagnosis"]), w.text(row["country"]))

    def age(row: Row) -> Cell:
        return or_why(w.short(row["mean_age"]), "not stated in what was read")

    def women(row: Row) -> Cell:
        return or_why(w.short(row["percent_women"]), "not stated in what was read")

    return table("Trials of this review", tables.records(characteristics), [
        text("Trial", lambda row: to(w.text(row["study"]), f"{row['trial_id']}.html")),
        text("In", reviewed),
        text("Design", "design"),
        prose("People", people),
        number("Randomised",
               lambda row: or_why(w.whole(row["n_randomised"]), "not stated in what was read")),
        number("Mean age", age),
        number("Women (%)", women),
        prose("Severity before", "severity"),
        prose("Tested, and compared with",
              lambda row: cell(w.text(row["treatment"]), w.text(row["comparator"]))),
        prose("Funding", "funding"),
        text("Registration", "registration"),
    ], empty="No trial.")  # fmt: skip


def _facts(row: Row) -> Iterator[tuple[str, Cell]]:
    """What its row of characteristics says, and where to read on."""
    yield "Citation", cell(w.text(row["citation"]))
    yield "Links", condition_tables.references(row)
    yield "Design", cell(w.capital(w.text(row["design"])))
    yield "People", cell(w.text(row["population"]), w.text(row["diagnosis"]))
    yield "Country", cell(w.text(row["country"]))
    yield "Randomised", cell(w.whole(row["n_randomised"]))
    yield "Mean age (years)", cell(w.short(row["mean_age"]))
    yield "Women (%)", cell(w.short(row["percent_women"]))
    yield "Severity before treatment", cell(w.text(row["severity"]))
    yield "Funding", cell(w.text(row["funding"]))


def _grids(
    of: Mapping[str, pd.DataFrame],
    condition: str,
    trial: str,
    analyses: Sequence[AnalysisTables],
    outcomes: Mapping[str, str],
) -> Iterator[Grid]:
    """The tables of a trial within a condition, those without a row left out."""
    mine = [each for each in analyses if each.result.condition == condition]
    arms = {row["arm_id"]: w.text(row["arm"]) for row in tables.records(of["arms"])}
    yield _entered(mine, trial)
    made = (
        _arms(of["arms"]),
        _numbers(of["records"], arms, outcomes),
        condition_tables.risk_of_bias(of["risk_of_bias"], of["trials"], outcomes),
        condition_tables.bias_reasons(of["risk_of_bias"], of["trials"], outcomes),
        condition_tables.missing(of["missing_results"], of["trials"], outcomes),
        condition_tables.flags(of["flags"]),
        condition_tables.dropped(of["dropped"], outcomes),
    )
    yield from (grid for grid in made if grid.rows)


def _entered(analyses: Sequence[AnalysisTables], trial: str) -> Grid:
    """The results it is part of, and those it is missing from or left out of."""
    lines = []
    for each in analyses:
        for name in ("studies", "missing", "selection"):
            frame = getattr(each, name)
            rows = tables.records(frame[frame["trial_id"] == trial])
            if name == "selection" and rows:
                reasons = dict.fromkeys(w.text(row["reason"]) for row in rows)
                rows = [{"reason": "; ".join(reasons)}]
            lines += [{"of": each.result, "how": name, **row} for row in rows]

    def result(line: Row) -> Cell:
        return to(line["of"].title, f"../{line['of'].condition}/{line['of'].analysis}/index.html")

    def effect(line: Row) -> str:
        if line["how"] != "studies":
            return w.DASH
        return f"{say.short_measure(line['of'])} {say.effect_of(line['of'], line)}"

    def weight(line: Row) -> str:
        share = w.number(line["weight"]) if line["how"] == "studies" else nan
        return w.DASH if isnan(share) else f"{share:.1f} %"

    def how(line: Row) -> Cell:
        if line["how"] == "studies":
            made = [w.text(line[name]) for name in ("derived", "imputed") if w.text(line[name])]
            return cell(f"used: {w.text(line['formula'])}", *made)
        lead = "missing" if line["how"] == "missing" else "results not used"
        return cell(f"{lead}: {w.text(line['reason'])}")

    return table("Where it enters", lines, [
        text("Result", result),
        number("Effect (95 %)", effect),
        number("Weight", weight),
        prose("How", how),
    ], empty="It is in no analysis of this condition.")  # fmt: skip


def _arms(frame: pd.DataFrame) -> Grid:
    return table("Arms and doses", tables.records(frame), [
        text("Arm", "arm"),
        text("Side", lambda row: _ROLES.get(row["role"], w.plain(row["role"]))),
        text("Kind of comparator",
             lambda row: codes.COMPARATORS.get(w.text(row["comparator_class"]), "")),
        prose("Dose", lambda row: cell(w.text(row["dose"]), w.text(row["route"]))),
        number("Doses", "n_doses"),
        number("Randomised", "n_randomised"),
    ])  # fmt: skip


def _numbers(frame: pd.DataFrame, arms: Mapping[str, str], outcomes: Mapping[str, str]) -> Grid:
    """Each extracted number as reported, with its source and the place in it."""

    def whose(row: Row) -> str:
        if arm := w.text(row["arm_id"]):
            return arms.get(arm, arm)
        sides = (w.text(row[f"{side}_arm"]) for side in ("experimental", "control"))
        return " v ".join(arms.get(side, side) for side in sides if side)

    def measured(row: Row) -> Cell:
        outcome = w.text(row["outcome"])
        day = w.short(row["time_days"])
        when = w.text(row["timepoint"]) or ("" if day == w.DASH else f"day {day}")
        return cell(
            w.capital(outcomes.get(outcome, w.plain(outcome))),
            ", ".join(filter(None, (w.text(row["instrument"]) or w.text(row["definition"]), when))),
        )

    def source(row: Row) -> Cell:
        code = w.text(row["confidence"])
        place = w.text(row["locator"])
        return linked(codes.links(row["source_url"]), codes.CONFIDENCE.get(code, code), place)

    def remarks(row: Row) -> Cell:
        named = {"derived": "derived", "not used": "exclude_reason"}
        made = {lead: w.text(row[name]) for lead, name in named.items()}
        return cell(*(f"{lead}: {words}" for lead, words in made.items() if words),
                    w.text(row["notes"]))  # fmt: skip

    return table("Numbers as extracted", tables.records(frame), [
        text("Raw row", lambda row: f"{row['table']}.csv:{w.whole(row['row'])}"),
        prose("Measured", measured),
        text("Arm", whose),
        prose("Numbers", _reported),
        prose("Source", source),
        prose("Remarks", remarks),
    ])  # fmt: skip


# Columns of numbers as a source gives them, in reading order, with the words before each.
_REPORTED = {
    "n": "n", "mean": "mean", "sd": "SD", "se": "SE", "median": "median", "q1": "Q1", "q3": "Q3",
    "minimum": "lowest", "maximum": "highest", "event": "events", "totaln": "of",
    "percent": "%", "estimate": "estimate", "ci_low": "from", "ci_high": "to", "t": "t", "f": "F",
    "df": "df", "p_value": "p", "n_experimental": "n tested", "n_control": "n compared with",
    "sd_difference": "SD of the difference", "correlation": "correlation",
}  # fmt: skip


def _reported(row: Row) -> str:
    given = {words: w.short(row[name]) for name, words in _REPORTED.items() if name in row}
    effect = w.text(row.get("effect_measure"))
    shown = ", ".join(f"{words} {value}" for words, value in given.items() if value != w.DASH)
    return f"{effect}: {shown}" if effect and shown else shown
