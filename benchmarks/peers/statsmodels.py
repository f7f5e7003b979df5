"""statsmodels: `combine_effects`, one set of studies a call."""

from __future__ import annotations

from typing import Any

from statsmodels.stats.meta_analysis import combine_effects, effectsize_2proportions

from benchmarks.data import Columns
from benchmarks.worker import Job, Kind, NotOfferedError, serve

METHODS = {"DL": "dl", "PM": "pm", "EE": "dl"}  # each call gives the common effect as well


def method(tau2: str) -> str:
    if tau2 not in METHODS:
        raise NotOfferedError(f"no {tau2}")
    return METHODS[tau2]


def fit(d: Columns, tau2: str) -> Job:
    name = method(tau2)

    def numbers(out: Any) -> dict[str, Any]:
        if tau2 == "EE":
            return {"estimate": out.mean_effect_fe, "tau2": 0.0}
        return {"estimate": out.mean_effect_re, "tau2": out.tau2}

    return Job(lambda: combine_effects(d["yi"], d["vi"], method_re=name), numbers)


def many(d: Columns, tau2: str) -> Job:
    name = method(tau2)

    def call() -> list[Any]:
        return [
            combine_effects(y, v, method_re=name) for y, v in zip(d["yi"], d["vi"], strict=True)
        ]

    def numbers(out: list[Any]) -> dict[str, Any]:
        return {"estimate": [x.mean_effect_re for x in out], "tau2": [x.tau2 for x in out]}

    return Job(call, numbers)


def effects(d: Columns, measure: str) -> Job:
    if measure != "RR":
        raise NotOfferedError(f"no {measure} here")
    columns = [d[name] for name in ("ai", "n1i", "ci", "n2i")]
    return Job(
        lambda: effectsize_2proportions(*columns, statistic="risk-ratio"),
        lambda out: {"estimate": out[0], "variance": out[1]},
    )


KINDS: tuple[Kind, ...] = (fit, many, effects)

if __name__ == "__main__":
    serve("statsmodels", *KINDS)
