"""PyMetaAnalysis: one set of studies a call, leave-one-out as a method of the fit."""

from __future__ import annotations

from typing import Any

import meta_analyze as ma

from benchmarks.data import Columns, subset_masks
from benchmarks.worker import Job, Kind, NotOfferedError, serve


def options(tau2: str) -> dict[str, str]:
    if tau2 == "EE":
        return {"model": "common"}
    if tau2 not in ("REML", "DL", "PM"):
        raise NotOfferedError(f"no {tau2}")
    return {"model": "random", "tau2_method": tau2}


def pooled(fits: Any) -> dict[str, Any]:
    return {"estimate": [x.estimate for x in fits], "tau2": [x.tau2 for x in fits]}


def fit(d: Columns, tau2: str) -> Job:
    chosen = options(tau2)
    return Job(
        lambda: ma.meta_analysis(effect=d["yi"], variance=d["vi"], **chosen),
        lambda out: pooled([out]),
    )


def many(d: Columns, tau2: str) -> Job:
    chosen = options(tau2)
    pairs = list(zip(d["yi"], d["vi"], strict=True))
    return Job(lambda: [ma.meta_analysis(effect=y, variance=v, **chosen) for y, v in pairs], pooled)


def subsets(d: Columns, tau2: str) -> Job:
    y, v, chosen = d["yi"], d["vi"], options(tau2)

    def call() -> list[Any]:
        # It refuses a random-effects model of one study.
        return [
            ma.meta_analysis(
                effect=y[m], variance=v[m], **(chosen if m.sum() > 1 else options("EE"))
            )
            for m in subset_masks(len(y))
        ]

    return Job(call, pooled)


def leave_one_out(d: Columns, tau2: str) -> Job:
    fitted = ma.meta_analysis(effect=d["yi"], variance=d["vi"], **options(tau2))
    return Job(
        fitted.leave_one_out,
        lambda out: {"estimate": out.table["estimate"], "tau2": out.table["tau2"]},
    )


def regression(d: Columns, tau2: str) -> Job:
    moderators = {name: d[name] for name in ("ablat", "year")}
    return Job(
        lambda: ma.meta_regression(
            effect=d["yi"],
            variance=d["vi"],
            moderators=moderators,
            tau2_method=tau2,
            inference_method="hartung_knapp",
        ),
        lambda out: {"estimate": out.coefficients["estimate"], "tau2": out.tau2},
    )


KINDS: tuple[Kind, ...] = (fit, many, subsets, leave_one_out, regression)

if __name__ == "__main__":
    serve("PyMetaAnalysis", *KINDS)
