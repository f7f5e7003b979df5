"""The tables of one analysis: its trials, their sources, other choices, missing trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import concluded
from trialpool.effects import measure_of
from trialpool.review.choosing.people import size
from trialpool.review.report import certainty_tables, codes
from trialpool.review.report.caveats import AnalysisTables, why_no_prediction
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
from trialpool.review.report.plotted import plotted
from trialpool.review.schema.packed import RAW_ROWS, Identity
from trialpool.review.schema.raw import INSTRUMENTS
from trialpool.trust_facts import ShownEstimate

_CONTRAST = "the source gives the difference between groups only"
_POOLED_ALONE = "one trial: nothing is pooled"
_NONE_USABLE = "No trial has usable numbers."


def trials(analysis: AnalysisTables) -> Grid:
    """The trials of an analysis with their data and effects."""
    result = analysis.result

    def compared(row: Row) -> Cell:
        comparator = codes.COMPARATORS.get(row["comparator_class"], "")
        return cell(w.text(row["comparison"]), comparator)

    def measured(row: Row) -> Cell:
        return cell(w.text(row["instrument"]) or w.text(row["definition"]), _when(row))

    def weight(row: Row) -> Cell:
        share = w.number(row["weight"])
        return or_why("" if isnan(share) else f"{share:.1f} %", _POOLED_ALONE)

    return table("The trials and their data", tables.records(analysis.studies), [
        text("Trial", _trial),
        text("Compared", compared),
        text("Measured", measured),
        *_arms(analysis),
        number(f"{say.short_measure(result)} (95 % CI)", lambda row: say.effect_of(result, row)),
        number("Weight", weight),
    ], empty=_NONE_USABLE)  # fmt: skip


def _arms(analysis: AnalysisTables) -> Iterator[GridColumn]:
    """What each side reported: events of people, or people and their scores."""
    studies, groups = analysis.studies, measure_of(analysis.result.measure).data.groups
    events = studies["event_experimental"].notna().any()
    scores = studies["mean_experimental"].notna().any()
    # A condition with one analysis of rates has these columns, blank, in all its analyses.
    rates = "rate_time_experimental" in studies and studies["rate_time_experimental"].notna().any()
    for side in ("experimental", "control")[:groups]:
        label = w.text(getattr(analysis.result, f"{side}_label"))
        if events:
            yield number(f"{label}: events / people", _events(side))
            continue
        yield number(f"{label}: people", _people(side))
        if rates:
            yield number(f"{label}: events / time", _rate(side))
        if scores:
            yield number(f"{label}: mean (SD)", _score(side))


def _events(side: str) -> Show:
    def shown(row: Row) -> Cell:
        n = w.whole(row[f"totaln_{side}"])
        return or_why(n if n == w.DASH else f"{w.whole(row[f'event_{side}'])} / {n}", _CONTRAST)

    return shown


def _rate(side: str) -> Show:
    def shown(row: Row) -> Cell:
        time = w.short(row[f"rate_time_{side}"])
        events = w.whole(row[f"rate_events_{side}"])
        return or_why(time if time == w.DASH else f"{events} / {time}", _CONTRAST)

    return shown


def _people(side: str) -> Show:
    return lambda row: or_why(w.whole(row[f"n_{side}"]), "number of people not known")


def _score(side: str) -> Show:
    def shown(row: Row) -> Cell:
        mean, sd = (w.fixed(row[f"{name}_{side}"], 2) for name in ("mean", "sd"))
        return or_why(mean if mean == w.DASH else f"{mean} ({sd})", _CONTRAST)

    return shown


def _trial(row: Row) -> Cell:
    return to(w.text(row["study"]), f"../../trials/{row['trial_id']}.html")


def _when(row: Row) -> str:
    """When it was measured; events that are of no day were counted over the treatment."""
    day, words = w.short(row["time_days"]), w.text(row["timepoint"])
    if day == w.DASH and w.text(row["event_experimental"]):
        return f"during treatment ({words})" if words else "during treatment"
    return words or ("" if day == w.DASH else f"day {day}")


def provenance(analysis: AnalysisTables) -> Grid:
    """Where each number comes from and what was done to it."""

    def formula(row: Row) -> Cell:
        basis = "from a reported difference" if row["basis"] != "arms" else ""
        return cell(w.text(row["formula"]), basis, w.text(row["design"]))

    def assumed(row: Row) -> Cell:
        cells = {name: w.text(row[name]) for name in ("imputed", "derived")}
        return cell(*(f"{name}: {words}" for name, words in cells.items() if words))

    def source(row: Row) -> Cell:
        """The raw rows, each table linked, and where in which source their numbers stand."""
        by_table: dict[str, list[str]] = {}
        for raw in RAW_ROWS.read(row["records"]):
            by_table.setdefault(raw.table, []).append(str(raw))
        raw_data = "../../../data/raw"
        of_condition = f"{raw_data}/{analysis.result.condition}"
        rows = tuple(
            Link(
                text=", ".join(names),
                href=f"{raw_data if name == INSTRUMENTS.name else of_condition}/{name}.csv",
            )
            for name, names in by_table.items()
        )
        code = w.text(row["confidence"])
        confidence = codes.CONFIDENCE.get(code, code)
        read = linked(codes.links(row["source_url"]), confidence, w.text(row["locator"]))
        return replace(read, links=rows + read.links)

    return table(
        "Where the numbers come from",
        tables.records(analysis.studies),
        [
            text("Trial", "study"),
            prose("Effect computed as", formula),
            prose("Imputed or derived", assumed),
            prose("Notes", "notes"),
            text("Flags", "flags"),
            prose("Source", source),
        ],
        remark="Names such as results.csv:14 are rows of the raw tables; row 1 is the header.",
        empty=_NONE_USABLE,
    )


def sensitivity(analysis: AnalysisTables) -> Grid:
    """The same analysis under other choices."""
    result = analysis.result

    def no_difference(row: Row) -> str:
        outside = concluded(result, ShownEstimate.of(row)).excludes_null
        return w.DASH if outside is None else "outside" if outside else "inside"

    def p(row: Row) -> Cell:
        bayes = "Bayes" in f"{row['label']} {row['model']}"
        why = "no p-value in a Bayesian analysis" if bayes else "nothing to test"
        return or_why(w.p_value(row["p_value"]), why)

    def i2(row: Row) -> Cell:
        why = "the model has no I²: Mantel-Haenszel, Bayesian, or fewer than two trials"
        return or_why(w.percent(row["i2"]), why)

    def note(row: Row) -> Cell:
        protocol = w.text(row["model"]) if row["group"] == "protocol" else ""
        return cell(protocol, w.text(row["note"]))

    compares = not isnan(say.null(result))
    rows = tables.records(analysis.sensitivity)
    return plotted(result, rows, table("The same question under other choices", rows, [
        text("Choice", lambda row: w.capital(w.text(row["label"]))),
        text("Kind", lambda row: w.capital(w.text(row["group"]))),
        number("Trials", "k"),
        number(f"{say.short_measure(result)} (95 % interval)",
               lambda row: say.effect_of(result, row)),
        *([text("No difference", no_difference), number("p", p)] if compares else []),
        number("I²", i2),
        prose("Note", note),
    ], empty="There is nothing to vary."))  # fmt: skip


def missing(analysis: AnalysisTables) -> Grid:
    """Eligible trials without usable numbers, and what each would do to the estimate."""
    result = analysis.result

    def status(row: Row) -> str:
        return codes.STATUS.get(row["status"], w.plain(row["status"]))

    def if_null(row: Row) -> Cell:
        estimate, why = (
            say.effect_of(result, row, "_if_null"),
            w.text(row["what_if_reason"]),
        )
        if estimate == w.DASH and not why:
            why = "no estimate to add it to"
        return cell(estimate, note=w.capital(why))

    return table("Eligible trials without usable numbers", tables.records(analysis.missing), [
        text("Trial", _trial),
        number("People", lambda row: or_why(w.whole(size(row)), "number of people not known")),
        text("Status", status),
        prose("What is reported", "reported"),
        prose("Why there is no number",
              lambda row: linked(codes.links(row["source_url"]), w.text(row["reason"]))),
        *([number(f"{say.short_measure(result)} had it found nothing", if_null)]
          if not isnan(say.null(result)) else []),
    ], empty="No eligible trial is known to lack usable numbers for this outcome.")  # fmt: skip


def selection(analysis: AnalysisTables) -> Grid:
    """Effects of the same outcome that this analysis does not use."""

    def effect(row: Row) -> str:
        # Between the trial and the measure stands what tells its effects apart.
        _, *parts, _ = Identity.read(row["effect_id"]).parts()
        known = ("", analysis.result.outcome, "whole")
        return ", ".join(part for part in parts if part not in known)

    return table("Effects of the same outcome not used here", tables.records(analysis.selection), [
        text("Trial", "study"),
        prose("Effect", effect),
        prose("Why not", "reason"),
    ], empty="Every effect of this outcome is used.")  # fmt: skip


def summary(
    frame: pd.DataFrame,
    results: Sequence[AnalysisResult],
    conditions: Mapping[str, str] | None = None,
) -> Grid:
    """One row per analysis.

    Parameters
    ----------
    frame : summary.csv
    results : of the same analyses, in any order
    conditions : titles by name, for the page over all of them; None on a condition's own page
    """
    about = {(each.condition, each.analysis): each for each in results}

    def result(row: Row) -> AnalysisResult:
        return about[row["condition"], row["analysis"]]

    def page(row: Row) -> str:
        return f"{row['condition']}/index.html" if conditions else "index.html"

    def title(row: Row) -> Cell:
        return to(result(row).title, f"{page(row)}#{row['analysis']}")

    def prediction(row: Row) -> Cell:
        limits = say.interval(result(row), row["pi_low"], row["pi_high"])
        return or_why(limits, why_no_prediction(result(row)))

    def spread(name: str, shown: str, row: Row) -> Cell:
        why = w.text(result(row).reasons.get(name))
        return or_why(shown, why or "nothing is pooled from fewer than two trials")

    none = "no trial"
    limits = w.intervals(each.policy.bayesian for each in results)

    def p(row: Row) -> Cell:
        alone = row["k"] and isnan(say.null(result(row)))
        why = "nothing is compared, so there is nothing to test" if alone else none
        why = w.text(result(row).reasons.get("p_value")) or why
        return or_why(w.p_value(row["p_value"]), why)

    def people(row: Row) -> Cell:
        if not row["k"]:
            return or_why("", none)
        return or_why(w.whole(row["n"]), "not known for every trial")

    return table("All analyses in one table", tables.records(frame), [
        text("Analysis", title),
        number("Trials", "k"),
        number("People", people),
        text("Measure", lambda row: say.short_measure(result(row))),
        number(f"Estimate ({limits})", lambda row: or_why(say.effect_of(result(row), row), none)),
        text("Certainty", certainty_tables.level),
        number("p", p),
        number("Prediction interval", prediction),
        number("I²", lambda row: spread("i2", w.percent(row["i2"]), row)),
        number("τ²", lambda row: spread("tau2", w.significant(row["tau2"]), row)),
    ], under=(lambda row: to(conditions[row["condition"]], page(row))) if conditions else None,
    )  # fmt: skip
