"""What stands in a forest plot, line by line: the table behind the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pandas as pd

from trialpool import tables
from trialpool.bias_tools import BIAS_DOMAINS
from trialpool.effects import Measure, measure_of
from trialpool.figures import forest_axis, style
from trialpool.figures import forest_rows as cells
from trialpool.figures import forest_text as words
from trialpool.figures.effect_axis import EffectAxis
from trialpool.risk_of_bias import NOT_ASSESSED, RiskOfBias
from trialpool.words import capital, text

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

KINDS = ("study", "missing", "pooled", "prediction")
TEXTS = ["kind", "trial_id", "label", "scale", "marks", "experimental", "experimental_n"]
TEXTS += ["control", "control_n", "effect", "weight", "reported"]
NUMBERS = ["estimate", "ci_low", "ci_high", "share"]
JUDGED = [*BIAS_DOMAINS, "overall"]
MISSING_HEADING = "Eligible trials without usable results"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestColumn:
    """One column: the body column it shows, its headings and how its cells are set.

    `align` is left, numeric (on decimal points and slashes), judgement (a dot), or plot.
    """

    key: str
    heading: str = ""
    group: str = ""
    align: str = "numeric"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForestTable:
    """A forest plot before it is drawn.

    `body` has one row per line of the plot, in drawing order: the text of each cell (columns
    `label` to `reported`, empty where blank), the numbers drawn on the axis (`estimate`, `ci_low`,
    `ci_high` on the display scale, `share` the weight in percent; NaN where there is none) and the
    judgements (`D1` to `overall`). `axis` is None when there is no trial to draw. `shrunken` holds
    (estimate, low, high) of each trial's true effect given all trials, empty where not asked for.
    `plot_points` is the least width of the plot, `label_points` the greatest of a label, in points.
    """

    title: str
    subtitle: str
    columns: tuple[ForestColumn, ...]
    body: pd.DataFrame
    axis: forest_axis.ForestAxis | None
    axis_title: str
    favours: tuple[str, str]
    missing_heading: str
    heterogeneity: str
    footnotes: tuple[tuple[str, str], ...]
    domains: tuple[str, ...]
    shrunken: tuple[cells.Triple, ...] = ()
    plot_points: float = 210.0
    label_points: float = 165.0


def rows(
    studies: pd.DataFrame,
    result: UnjudgedResult,
    missing: pd.DataFrame,
    risk_of_bias: pd.DataFrame,
) -> ForestTable:
    """Lay out one analysis as lines and columns of text.

    Parameters
    ----------
    studies : `studies.csv`, one row per trial, k >= 0 rows, order kept
    result : of the analysis
    missing : `missing.csv`, eligible trials without usable numbers
    risk_of_bias : `risk_of_bias.csv`; what it says of other results is ignored

    Returns
    -------
    the table; every number in it is already formatted, missing numbers are NaN or an en dash

    Raises
    ------
    ValueError
        if a risk-of-bias judgement is none of the four
    """
    lines = tables.records(studies)
    absent = tables.records(missing)
    measure = measure_of(result.measure)
    on = EffectAxis.of(result)
    marks, footnotes = words.footnotes([words.notes(line) for line in lines])
    shown = cells.shown(lines, result)
    decimals = cells.decimals(shown)
    given = cells.kinds(lines)
    counts = given.counts

    body = [
        {**cells.study(line, decimals, on, counts=counts), "label": label, "marks": mark}
        for line, label, mark in zip(lines, cells.labels(lines), marks, strict=True)
    ]
    body += [cells.missing(line, counts=counts) for line in absent]
    body += cells.summaries(body[: len(lines)], lines, result, shown, decimals, on, counts=counts)
    table = pd.DataFrame(body, columns=[*TEXTS, *NUMBERS])
    table = table.astype(dict.fromkeys(TEXTS, "str") | dict.fromkeys(NUMBERS, "float64"))
    table[TEXTS] = table[TEXTS].fillna("")
    bias = RiskOfBias(_checked(risk_of_bias))
    table, domains = _judge(table, bias, result.outcome, [text(x["instrument"]) for x in lines])

    pooled = len(lines) > 1 and "pooled" in set(table["kind"])
    if len(lines) > 1 and pooled and "prediction" not in set(table["kind"]):
        footnotes += [("", note)] if (note := words.prediction_note(result)) else []
    unweighted = table["weight"].isin(["", "–"]).all()
    if pooled and not unweighted and (note := words.weights_note(result)):
        footnotes.append(("", note))
    shrunken = cells.shrunken(result, len(lines)) if pooled else ()
    if pooled and (note := words.shrinkage_note(result, drawn=bool(shrunken))):
        footnotes.append(("", note))
    left, right = result.favours_left, result.favours_right
    return ForestTable(
        title=result.title,
        subtitle=words.subtitle(result),
        columns=_columns(
            result,
            table,
            given=given,
            weights=pooled and not unweighted,
            domains=domains,
        ),
        body=table,
        axis=_axis(shown, measure) if lines else None,
        axis_title=capital(measure.title) + (" (log scale)" if on.log else ""),
        favours=(f"← {left}" if left else "", f"{right} →" if right else ""),
        missing_heading=MISSING_HEADING if absent else "",
        heterogeneity=words.heterogeneity(result, len(lines)),
        footnotes=tuple(footnotes),
        domains=domains,
        shrunken=shrunken,
    )


def _axis(shown: cells.Shown, measure: Measure) -> forest_axis.ForestAxis:
    whole = [value for one in shown["pooled"] for value in one]
    kept, ratio = measure.scale.bounds, measure.is_ratio
    trials, new = shown["study"], shown["prediction"]
    return forest_axis.build(trials, whole, new, log=ratio, null=measure.null, bounds=kept)


def _checked(risk_of_bias: pd.DataFrame) -> Iterator[Mapping[str, Any]]:
    for line in tables.records(risk_of_bias):
        trial, domain, judgement = (text(line.get(n)) for n in ("trial_id", "domain", "judgement"))
        if judgement and judgement not in style.JUDGEMENTS:
            allowed = ", ".join(style.JUDGEMENTS)
            raise ValueError(
                f"risk_of_bias.csv {trial} {domain}, judgement = {judgement}: must be {allowed}"
            )
        if judgement:
            yield line


def _judge(
    table: pd.DataFrame,
    bias: RiskOfBias[Mapping[str, Any]],
    outcome: str,
    instruments: Sequence[str],
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add one column per domain; DS only where a trial in the plot was judged on it.

    `instruments` are those of the first rows, the results; a missing one has none.
    """
    drawn = int(table["kind"].isin(["study", "missing"]).sum())
    of = list(zip_longest(table["trial_id"].iloc[:drawn], instruments, fillvalue=""))
    for domain in JUDGED:
        signs = [bias.of(trial, domain, outcome, instrument) for trial, instrument in of]
        signs = ["" if sign == NOT_ASSESSED else sign for sign in signs]
        table[domain] = signs + [""] * (len(table) - drawn)
    judged = [d for d in JUDGED if (table[d] != "").any()]
    if not judged:
        return table, ()
    return table, tuple(judged)


def _columns(
    result: UnjudgedResult,
    table: pd.DataFrame,
    *,
    given: cells.Kinds,
    weights: bool,
    domains: Sequence[str],
) -> tuple[ForestColumn, ...]:
    out = [ForestColumn(key="label", heading="Trial", align="left")]
    if (table["scale"] != "").any():
        out.append(ForestColumn(key="scale", heading="Scale", align="left"))
    measure = measure_of(result.measure)
    labels = {"experimental": result.experimental_label, "control": result.control_label}
    for arm in cells.ARMS[: measure.data.groups]:
        name = labels[arm] or arm
        name = name[:1].upper() + name[1:]
        if any(given):
            headings = ("Events/n (%)", "Mean (SD)", "Events/time")
            used = [words for words, here in zip(headings, given, strict=True) if here]
            heading = " or ".join(sorted(used, reverse=True))
            out.append(ForestColumn(key=arm, heading=heading, group=name))
        if (given.scores or not given.counts) and (table[f"{arm}_n"] != "").any():
            out.append(ForestColumn(key=f"{arm}_n", heading="n", group=name))
    if "study" in set(table["kind"]):
        out.append(ForestColumn(key="plot", align="plot"))
        out.append(ForestColumn(key="effect", heading=f"{measure.short} ({result.level} % CI)"))
        if weights:
            out.append(ForestColumn(key="weight", heading="Weight\n(%)"))
    elif (table["reported"] != "").any():
        out.append(ForestColumn(key="reported", heading="What was reported", align="left"))
    for domain in domains:
        heading = "Overall" if domain == "overall" else domain
        out.append(
            ForestColumn(key=domain, heading=heading, group="Risk of bias", align="judgement")
        )
    return tuple(out)
