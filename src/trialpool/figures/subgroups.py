"""The result by kind of trial: `rows` says what stands in it, `draw` draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from trialpool.figures import style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.forest_rows import Triple, decimals, effect, triple
from trialpool.figures.interval_rows import IntervalTable, Row, draw
from trialpool.phrases import short_measure
from trialpool.pooling.policy import BAYESIAN, FROM_HERE_ON, Policy, policy
from trialpool.tables import records
from trialpool.terms import LEVEL, TEST, UNKNOWN, WITHHELD
from trialpool.words import capital, intervals, number, written

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

__all__ = ["draw", "rows"]

NAN = float("nan")


def rows(subgroups: pd.DataFrame, result: UnjudgedResult) -> IntervalTable | Withheld:
    """What stands in the chart, or why there is none.

    Parameters
    ----------
    subgroups : subgroups.csv of the analysis
    result : of the analysis
    """
    title = f"By kind of trial: {result.title}"
    lines = records(subgroups)
    levels = [line for line in lines if line["kind"] == LEVEL]
    withheld = result.policy.withheld.get("subgroups")
    if withheld or not levels:
        return Withheld(reason=withheld or _why_none(lines))
    axis = EffectAxis.of(result)
    whole = result.display.triple
    places = decimals({"study": [whole, *(triple(line) for line in levels)]})

    def row(label: str, interval: Triple, k: object, **kind: bool) -> Row:
        cells = (f"{number(k):.0f}", effect(interval, places, axis), "")
        estimate, low, high = interval
        return Row(label=label, estimate=estimate, low=low, high=high, cells=cells, **kind)

    no_bayes = result.policy.withheld.get(BAYESIAN, "")
    allowed = [policy(int(number(k["k"])), no_bayes=no_bayes) for k in levels]
    limits = intervals(each.bayesian for each in (result.policy, *allowed))
    made = [row("All trials", whole, result.k, whole=True)]
    shown = [line for line in lines if line["kind"] == TEST and line["shown"] == "yes"]
    tests = {line["moderator"]: line for line in shown}
    unknown = {line["moderator"]: line["k"] for line in lines if line["kind"] == UNKNOWN}
    for name in dict.fromkeys(line["moderator"] for line in levels):
        of_kind = [line for line in levels if line["moderator"] == name]
        head = capital(str(of_kind[0]["title"]))
        head += f" ({number(unknown[name]):.0f} not known)" if name in unknown else ""
        p = number(tests[name]["p_value"])
        cells = ("", "", "–" if math.isnan(p) else style.p_value(p))
        # Without an estimate a main row is a heading.
        made.append(Row(label=head, estimate=NAN, low=NAN, high=NAN, cells=cells, whole=True))
        made += [row(str(line["level"]), triple(line), line["k"]) for line in of_kind]
    return IntervalTable(
        title=title,
        subtitle=_subtitle(result, allowed, next(iter(tests.values()))),
        axis=axis,
        rows=tuple(made),
        label_head="Trials",
        heads=("k", f"{short_measure(result)} ({limits})", "Difference"),
        band=whole,
    )


def _why_none(lines: list[dict[str, Any]]) -> str:
    reasons = {str(line["title"]): str(line["note"]) for line in lines if line["kind"] == WITHHELD}
    if not reasons:
        return "no kind of trial is declared"
    return "; ".join(f"{title}: {reason}" for title, reason in reasons.items())


def _subtitle(result: UnjudgedResult, allowed: Sequence[Policy], test: Mapping[str, Any]) -> str:
    few = " Fewer than ten trials: crude." if result.k < 10 else ""
    how = written(str(test["method"]))
    models = {
        "one: itself": any(each.k == 1 for each in allowed),
        "two: a common effect": any(each.common_effect_only for each in allowed),
        f"2 to {FROM_HERE_ON - 1}: a Bayesian model": any(each.bayesian for each in allowed),
    }
    here = "; ".join(words for words, is_here in models.items() if is_here)
    their = f"its own trials, under what their number allows ({here})" if here else "its own trials"
    return (
        f"Each line: {their}. Difference: {how}. Band: the result with all {result.k} trials.{few}"
    )
