"""The numbers of a row: those of an arm, and those of a reported effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from types import MappingProxyType
from typing import NamedTuple

from trialpool.effects.registry import reported_as
from trialpool.review.exchange.draft import is_number, is_whole, plain
from trialpool.review.exchange.revman_ratios import MAX_LOG
from trialpool.review.exchange.table import cells
from trialpool.review.exchange.table.headings import ESTIMATES
from trialpool.review.exchange.table.mapping import MEASURES, OF_ARMS

_NORMAL_975 = 1.959963984540054


def side_of(block: Mapping[str, str], line: Mapping[str, str], side: str) -> dict[str, str]:
    """The numbers of an arm by our columns, from single cells or from cells of two numbers."""
    raw = {
        place[:-1]: line.get(block[place], "")
        for place in OF_ARMS
        if place[-1] == side and place in block
    }
    got = {name: cells.number(text) for name, text in raw.items()}
    mean, sd = got.get("mean", ""), got.get("sd", "")
    if pair := cells.mean_sd(raw.get("mean_sd", "") or raw.get("mean", "")):
        mean, sd = pair
    events, total = got.get("events", ""), got.get("total", "") or got.get("n", "")
    if pair := cells.events_total(raw.get("events_total", "") or raw.get("events", "")):
        events, total = pair
    elif pair := cells.events_percent(raw.get("events", "")):
        events = pair[0]
    out = {}
    if events or got.get("percent"):
        out = {"event": events, "percent": got.get("percent", ""), "totaln": total}
    elif mean:
        out = {"mean": mean, "sd": sd, "n": got.get("n", "") or got.get("total", "")}
    elif got.get("n"):
        out = {"n": got["n"]}
    return {name: _whole(text) for name, text in out.items() if text}


def _whole(text: str) -> str:
    return text.removesuffix(".0") if is_number(text) else text


def wrong(sides: Sequence[Mapping[str, str]], *, counts: bool) -> str:
    """Why the arms' numbers cannot stand; blank where they can."""
    for side in sides:
        if counts:
            people = [side.get("event", "0"), side.get("totaln", "")]
            if not all(map(is_whole, people)) or float(people[1]) < 1:
                return "events or totals are no whole numbers of people"
            if not 0 <= float(people[0]) <= float(people[1]):
                return "more people with the event than people"
        elif not is_whole(side.get("n", "")) or float(side["n"]) < 1:
            return "the number of participants of an arm is not a whole number above 0"
        elif side.get("sd") and float(side["sd"]) <= 0:
            return "an SD is not above 0"
    return ""


class ReportedEffect(NamedTuple):
    """An effect as the sheet gives it: cells of contrasts.csv, or why there is none."""

    measure: str = ""
    cells: Mapping[str, str] = MappingProxyType({})
    why: str = ""


def effect_of(block: Mapping[str, str], line: Mapping[str, str], said: str) -> ReportedEffect:
    """The effect of a row.

    Parameters
    ----------
    said : the measure, where a column or the mapping names it
    """
    place = next((p for p in (*ESTIMATES, "effect") if p in block), "")
    if not place:
        return ReportedEffect(why="not both arms' numbers, and no column of an effect")
    if place == "effect" and plain(said) not in MEASURES:
        why = f"the measure of the effect is not said ({said or 'no column `measure`'})"
        return ReportedEffect(why=why)
    measure, logged = ESTIMATES[place] if place in ESTIMATES else MEASURES[plain(said)]
    numbers, limits, derived = _printed(block, line, block[place])
    if "estimate" not in numbers:
        return ReportedEffect(why="no estimate")
    if reported_as(measure).is_ratio:
        return _ratio(measure, numbers, limits, derived, logged=logged)
    if limits:
        numbers |= dict(zip(("ci_low", "ci_high"), limits, strict=True))
        numbers.pop("se", None)
    if not {"se", "ci_low", "p_value"} & set(numbers):
        return ReportedEffect(why="neither a standard error nor limits")
    return _in_order(measure, numbers, derived)


def _printed(
    block: Mapping[str, str], line: Mapping[str, str], column: str
) -> tuple[dict[str, str], tuple[str, ...], list[str]]:
    """Estimate, SE and p of a row; its limits; and what was worked out."""
    text = line.get(column, "")
    whole = cells.with_interval(text)
    limits = whole[1:] or cells.interval(line.get(block.get("ci", ""), ""))
    if not limits:
        both = [cells.number(line.get(block.get(n, ""), "")) for n in ("ci_low", "ci_high")]
        limits = tuple(both) if all(both) else ()
    numbers = {"estimate": whole[0] if whole else cells.number(text)}
    numbers["se"] = cells.number(line.get(block.get("se", ""), ""))
    derived = []
    variance = cells.number(line.get(block.get("variance", ""), ""))
    if not numbers["se"] and variance and float(variance) > 0:
        numbers["se"] = f"{sqrt(float(variance)):.10g}"
        derived.append("SE from the variance")
    if not numbers["se"] and not limits:
        numbers["p_value"] = cells.number(line.get(block.get("p", ""), "").lstrip("=< "))
    return {name: cell for name, cell in numbers.items() if cell}, limits, derived


def _ratio(
    measure: str,
    numbers: dict[str, str],
    limits: Sequence[str],
    derived: list[str],
    *,
    logged: bool,
) -> ReportedEffect:
    """A ratio with its limits, not logged."""
    estimate, se = float(numbers["estimate"]), numbers.pop("se", "")
    if not logged and estimate <= 0:
        why = "a ratio is above 0; of a logged one say the measure, e.g. `log or`"
        return ReportedEffect(why=why)
    if not limits and not se:
        if "p_value" not in numbers:
            return ReportedEffect(why="neither a standard error nor limits")
        limits = ()
    ends = [float(limit) for limit in limits]
    if not ends and se:
        middle = estimate if logged else log(estimate)
        reach = _NORMAL_975 * float(se)
        if abs(middle) + reach > MAX_LOG:
            return ReportedEffect(why="too large to be the logarithm of a ratio")
        ends = [middle - reach, middle + reach]
        ends = ends if logged else [exp(end) for end in ends]
        derived.append("limits from the SE of the logarithm, -/+ 1.96 SE")
    values = dict(zip(("estimate", "ci_low", "ci_high"), (estimate, *ends), strict=False))
    if logged:
        if any(abs(value) > MAX_LOG for value in values.values()):
            return ReportedEffect(why="too large to be the logarithm of a ratio")
        values = {name: exp(value) for name, value in values.items()}
        derived.append("exponential of the logged ratio")
    printed = dict(zip(("ci_low", "ci_high"), limits, strict=False)) | numbers
    for name, value in values.items():
        numbers[name] = f"{value:.10g}" if logged or name not in printed else printed[name]
    return _in_order(measure, numbers, derived)


def _in_order(measure: str, numbers: dict[str, str], derived: Sequence[str]) -> ReportedEffect:
    low, middle, high = (numbers.get(name, "") for name in ("ci_low", "estimate", "ci_high"))
    if low and not float(low) <= float(middle) <= float(high):
        return ReportedEffect(why="the estimate lies outside its interval")
    return ReportedEffect(measure, {**numbers, "derived": "; ".join(derived)})
