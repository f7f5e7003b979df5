"""The cells of a forest plot: one dictionary of formatted text and plain numbers per line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from trialpool.effects import measure_of
from trialpool.figures import style
from trialpool.words import limit, number, short, text

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult
    from trialpool.figures.effect_axis import EffectAxis

ARMS = ("experimental", "control")
Cells = dict[str, str | float]


class Kinds(NamedTuple):
    """Whether any trial gives counts of people, means, and events in time."""

    counts: bool
    scores: bool
    rates: bool


Triple = tuple[float, float, float]
Shown = Mapping[str, Sequence[Triple]]


def kinds(lines: Sequence[Mapping[str, Any]]) -> Kinds:
    """What the trials give of each arm."""
    given = (
        any(not math.isnan(number(line.get(f"{column}_experimental"))) for line in lines)
        for column in ("event", "mean", "rate_time")
    )
    return Kinds(*given)


def shown(lines: Sequence[Mapping[str, Any]], result: UnjudgedResult) -> dict[str, list[Triple]]:
    """(estimate, low, high) of the trials, the pooled effect and the prediction interval."""
    out: dict[str, list[Triple]] = {
        "study": [triple(line) for line in lines],
        "pooled": [],
        "prediction": [],
    }
    display = result.display
    if len(lines) > 1 and not any(map(math.isnan, display.triple)):
        out["pooled"] = [display.triple]
        prediction = display.estimate, display.pi_low, display.pi_high
        allowed = result.policy.prediction_interval != "withheld"
        if allowed and not any(map(math.isnan, prediction)):
            out["prediction"] = [prediction]
    return out


def shrunken(result: UnjudgedResult, count: int) -> tuple[Triple, ...]:
    """Each trial's true effect given all trials, where the plot is asked to show it, else none.

    `count` rows of trials; the posterior has one true effect for each, on the analysis scale.
    """
    posterior = result.posterior
    if not result.forest.shrinkage or posterior is None:
        return ()
    columns = posterior.theta, posterior.theta_lb, posterior.theta_ub
    if any(len(column) != count for column in columns):
        return ()
    to = measure_of(result.measure).shown
    return tuple((to(mid), to(low), to(high)) for mid, low, high in zip(*columns, strict=True))


def triple(row: Mapping[str, Any]) -> Triple:
    """Estimate and limits of a table's row."""
    return number(row.get("estimate")), number(row.get("ci_low")), number(row.get("ci_high"))


def decimals(shown: Shown) -> int:
    """Two decimals, one where the estimates reach ten (differences on a clinical scale)."""
    estimates = [abs(one[0]) for several in shown.values() for one in several]
    return 1 if max([e for e in estimates if not math.isnan(e)], default=0.0) >= 9.95 else 2


def effect(shown: Triple, decimals: int, axis: EffectAxis) -> str:
    """`−0.55 (−1.24 to 0.14)`."""
    if math.isnan(shown[0]):
        return "not estimable"
    usual = [style.ratio(v) if axis.log else style.fixed(v, decimals) for v in shown]
    _, low, high = (limit(v, axis.null, u) for v, u in zip(shown, usual, strict=True))
    return f"{usual[0]} ({low} to {high})"


def labels(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Study names; a trial with several rows gets what tells them apart."""
    out = [text(line.get("study")) or text(line.get("trial_id")) for line in lines]
    for tell in _TELLING:
        repeated = {label for label in out if out.count(label) > 1}
        values = [tell(line) for line in lines]
        for name in sorted(repeated):
            rows_of = [i for i, label in enumerate(out) if label == name]
            if len({values[i] for i in rows_of}) > 1:
                for i in rows_of:
                    out[i] = f"{name}, {values[i]}" if values[i] else name
    return out


def _day(line: Mapping[str, Any]) -> str:
    days = number(line.get("time_days"))
    return "" if math.isnan(days) else f"day {days:g}"


def _arms(line: Mapping[str, Any]) -> str:
    """The arms by their own names."""
    arms = [text(line.get(column)) for column in ("experimental_arms", "control_arm")]
    return " v ".join(arms) if all(arms) else ""


# What tells the rows of one trial apart, the most telling first.
_TELLING: tuple[Callable[[Mapping[str, Any]], str], ...] = (
    lambda line: text(line.get("comparison")),
    lambda line: text(line.get("instrument")),
    lambda line: text(line.get("timepoint")),
    _day,
    _arms,
)


def _count(value: object) -> str:
    return style.fixed(number(value), 0)


def _events(event: object, total: object) -> str:
    events, people = number(event), number(total)
    if math.isnan(people):
        return "–"
    if math.isnan(events):
        return f"–/{people:.0f}"
    share = f" ({100 * events / people:.0f} %)" if people else ""
    return f"{events:.0f}/{people:.0f}{share}"


def _score(mean: object, sd: object) -> str:
    m, s = number(mean), number(sd)
    if math.isnan(m):
        return "–"
    decimals = 2 if s < 1 else 1
    return f"{style.fixed(m, decimals)} ({style.fixed(s, decimals)})"


def study(line: Mapping[str, Any], decimals: int, axis: EffectAxis, *, counts: bool) -> Cells:
    """One trial in the analysis."""
    interval = triple(line)
    weight = number(line.get("weight"))
    cells: Cells = {
        "kind": "study",
        "trial_id": text(line.get("trial_id")),
        "effect": effect(interval, decimals, axis),
        "weight": style.fixed(weight, 1),
        **dict(zip(("estimate", "ci_low", "ci_high"), interval, strict=True)),
        "share": weight,
        "scale": text(line.get("instrument")),
    }
    for arm in ARMS:
        n = line.get(f"n_{arm}")
        event, mean = line.get(f"event_{arm}"), line.get(f"mean_{arm}")
        if counts and math.isnan(number(mean)):
            total = line.get(f"totaln_{arm}")
            cells[arm] = _events(event, total if text(total) else n)
        elif math.isnan(time := number(line.get(f"rate_time_{arm}"))):
            cells[arm] = _score(mean, line.get(f"sd_{arm}"))
        else:
            cells[arm] = f"{_count(line.get(f'rate_events_{arm}'))}/{short(time)}"
        cells[f"{arm}_n"] = _count(n)
    return cells


def missing(line: Mapping[str, Any], *, counts: bool) -> Cells:
    """One trial without usable numbers: who, how many, and what was said."""
    label = text(line.get("study")) or text(line.get("trial_id"))
    arms = {arm: number(line.get(f"n_{arm}")) for arm in ARMS}
    total = number(line.get("n_total"))
    if all(map(math.isnan, arms.values())) and not math.isnan(total):
        label = f"{label} (n = {total:.0f})"
    status = text(line.get("status")).replace("_", " ")
    reported = text(line.get("reported")) or status or text(line.get("reason")) or "–"
    cells: Cells = {
        "kind": "missing",
        "trial_id": text(line.get("trial_id")),
        "label": label,
        "reported": reported,
    }
    for arm, n in arms.items():
        if not math.isnan(n):
            cells[arm] = f"–/{n:.0f}" if counts else ""
            cells[f"{arm}_n"] = f"{n:.0f}"
    return cells


def summaries(
    studies: Sequence[Mapping[str, str | float]],
    lines: Sequence[Mapping[str, Any]],
    result: UnjudgedResult,
    shown: Shown,
    decimals: int,
    axis: EffectAxis,
    *,
    counts: bool,
) -> list[Cells]:
    """The pooled row with the totals of the arms, and the prediction interval below it."""
    out: list[Cells] = []
    for interval in shown["pooled"]:
        total = sum(w for s in studies if not math.isnan(w := number(s["share"])))
        several = result.several is not None and len(lines) > result.k
        k = f"{len(lines)} effects of {result.k} trials" if several else f"k = {len(lines)}"
        # The column is headed by the interval of the trials.
        name = f"Pooled, {result.interval}" if result.policy.bayesian else "Pooled effect"
        row: Cells = {
            "kind": "pooled",
            "label": f"{name} ({k}{'' if result.n is None else f', n = {result.n}'})",
            "effect": effect(interval, decimals, axis),
            "weight": style.fixed(total, 1) if total else "–",
            **dict(zip(("estimate", "ci_low", "ci_high"), interval, strict=True)),
        }
        # Effects of one trial are of the same people: no sum of them counts people.
        for arm in () if several else ARMS:
            people_in = sum(number(line.get(f"n_{arm}")) for line in lines)
            row[f"{arm}_n"] = "" if math.isnan(people_in) else f"{people_in:.0f}"
            if counts:
                events = sum(number(line.get(f"event_{arm}")) for line in lines)
                totals = sum(number(line.get(f"totaln_{arm}")) for line in lines)
                row[arm] = "" if math.isnan(events + totals) else _events(events, totals)
            elif not math.isnan(
                time := sum(number(line.get(f"rate_time_{arm}")) for line in lines)
            ):
                events = sum(number(line.get(f"rate_events_{arm}")) for line in lines)
                row[arm] = f"{_count(events)}/{short(time)}"
        out.append(row)
    for estimate, low, high in shown["prediction"]:
        bounds = effect((estimate, low, high), decimals, axis).partition(" ")[2]
        out.append(
            {
                "kind": "prediction",
                "label": f"{result.level} % prediction interval",
                "effect": bounds,
                "estimate": estimate,
                "ci_low": low,
                "ci_high": high,
            }
        )
    return out
