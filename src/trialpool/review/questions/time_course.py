"""How an effect changes with the days since the first dose, over all time points of all trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialpool import tables
from trialpool.conclusions import Marks
from trialpool.doseresponse.curves import restricted_cubic
from trialpool.effects import measure_of
from trialpool.pooling.inference import half_width
from trialpool.question_answer import FittedCourse, TimeFacts
from trialpool.results import Array, TrialpoolError
from trialpool.review.case import Case
from trialpool.review.fitting.fit import shown
from trialpool.review.protocol.time_dose_spec import TimeCourse
from trialpool.review.schema.packed import FLAG_NAMES
from trialpool.review.schema.questions import TIME_CURVE, TIME_POINTS, TIME_SENSITIVITY
from trialpool.trust_facts import ShownEstimate
from trialpool.words import text

# What effects of one series have in common.
_SERIES = (
    "trial_id",
    "experimental_arms",
    "control_arm",
    "instrument",
    "definition",
    "outcome_type",
    "stratum",
    "analysis_set",
)
# A line needs so many trials, different days, and trials with several days; a bend needs more.
LINE, BEND = (4, 4, 2), (6, 6, 3)
PERCENTILES = (10.0, 50.0, 90.0)  # of the knots, over the days
STEPS = 60
# Effects that are no course: values after treatment which repeat those of the baseline.
UNFIT = ("equal_to_baseline",)
WORDS = "random effects with correlation falling with the days between, REML, t quantile"


class Fitted(Protocol):
    """What the model must give: coefficients, their covariance, degrees of freedom of each."""

    @property
    def beta(self) -> Array: ...
    @property
    def vb(self) -> Array: ...
    @property
    def ddf(self) -> Array: ...


# (yi, V as blocks that follow one another, X, columns "trial" and "day") -> the fit of a model
# with true effects correlated within trials by rho^|days apart|.
Fitter = Callable[[Array, list[Array], Array, Mapping[str, Any]], Fitted]


def time_course(
    case: Case, course: TimeCourse, fitter: Fitter
) -> tuple[dict[str, pd.DataFrame], TimeFacts]:
    """The course of an effect over time, in one model where the trials allow it.

    Of each trial the arms and the instrument that the analysis prefers, at all its times; of an
    analysis that takes several effects of a trial, what it makes of those of each day.

    Parameters
    ----------
    case
        an analysis, whose rules hold but for its time window. Trials that it leaves out again for
        what they found are out at all times; effects flagged as `UNFIT` are left out
    course : the correlation of a trial's sampling errors one day apart, and others to try
    fitter : the multilevel model, see `Fitter`

    Returns
    -------
    tables
        "time_points" (an effect per trial and day), "time_curve" and "time_sensitivity" (the
        curve at the observed days for each correlation), the latter two empty where no model is
        fitted; all on the display scale
    facts
        a `FittedCourse` where a model is fitted
    """
    series, measure = _series(case), case.measure
    shape, reason = _shape(series)
    grid = sorted({course.correlation, *course.correlation_grid})
    curves: dict[float, _Curve] = {}
    if not reason:
        try:
            curves = {c: _Curve(series, shape, fitter, c) for c in grid}
        except TrialpoolError as error:
            reason = f"not estimable: {error}"
    facts = TimeFacts(
        estimable=not reason,
        reason=reason,
        k=int(series["trial_id"].nunique()),
        points=len(series),
        last_day=float(series["time_days"].max()) if len(series) else None,
        correlation=course.correlation,
        largest_day=None,
        largest=None,
        first_day=None,
    )
    out = {
        "time_points": _points(series, measure, fitted=not reason),
        "time_curve": TIME_CURVE.frame(),
        "time_sensitivity": TIME_SENSITIVITY.frame(),
    }
    if reason:
        return out, facts
    days = np.unique(series["time_days"].to_numpy(float))
    along = np.geomspace(days[0], days[-1], STEPS + 1)
    main = curves[course.correlation]
    out["time_curve"] = main.at(along, measure)
    out["time_sensitivity"] = pd.concat(
        [curves[c].at(days, measure).assign(correlation=c) for c in grid]
    )[list(TIME_SENSITIVITY.names)].reset_index(drop=True)
    words = f"{shape} in log days, {WORDS}"
    return out, _fitted(facts, main.at(days, measure), case, words)


def _series(case: Case) -> pd.DataFrame:
    """One row per trial and day, under the rules of the analysis for each day by itself."""
    effects = case.tables.effects
    unfit = [set(UNFIT) & set(FLAG_NAMES.read(cell)) for cell in effects["flags"]]
    fit = np.array([not flags for flags in unfit], dtype=bool)
    after = effects[fit & (effects["time_days"].astype(float) > 0)]
    after = after[~after["trial_id"].isin(_left_out_again(case))]
    # The course pools by inverse variance, which needs no counts.
    model = case.model.model_copy(update={"method": "IV"})
    anytime = replace(case, model=model).but(effects=after, time_days=None, without=None)
    if case.spec.effects == "one":
        # Which course counts, not which day of it: without a day to prefer, each by its first.
        each = after if case.spec.prefer_time is not None else _first_days(after)
        first = anytime.but(effects=each).chosen().chosen
        wanted = {_key(row) for row in tables.records(first)}
        mine = [_key(row) in wanted for row in tables.records(after)]
        after = after[np.array(mine, dtype=bool)]
    of_each_day = [
        anytime.but(effects=after[after["time_days"] == day]).one_each()
        for day in sorted(set(after["time_days"].astype(float)))
    ]
    some = [part for part in of_each_day if len(part)]
    chosen = pd.concat(some or [after.iloc[:0]], ignore_index=True)
    rows = [_one(part) for _, part in chosen.groupby("effect_id", sort=False)]
    table = pd.DataFrame(rows, columns=list(chosen.columns))
    return table.sort_values(["year", "trial_id", "time_days"], ignore_index=True)


def _first_days(effects: pd.DataFrame) -> pd.DataFrame:
    """Of each course of a trial the effects on its first day."""
    keys = pd.Series([_key(row) for row in tables.records(effects)], index=effects.index)
    days = effects["time_days"].astype(float)
    return effects[days == days.groupby(keys).transform("min")]


def _left_out_again(case: Case) -> set[str]:
    """The trials that the analysis leaves out after a first fit."""
    if case.spec.without is None:
        return set()
    before, after = (
        set(each.chosen().chosen["trial_id"]) for each in (case.but(without=None), case)
    )
    return before - after


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(text(row.get(column)) for column in _SERIES)


def _one(parts: pd.DataFrame) -> dict[str, Any]:
    """An effect; one whose control is split comes in independent parts."""
    row = tables.records(parts)[0]
    weight = 1 / parts["vi"].to_numpy(float)
    row["yi"] = float(weight @ parts["yi"].to_numpy(float) / weight.sum())
    row["vi"] = float(1 / weight.sum())
    return row


def _shape(series: pd.DataFrame) -> tuple[str, str]:
    """The curve these points allow, or why they allow none."""
    if not len(series):
        return "", "no trial has an effect on a known day"
    k, days = series["trial_id"].nunique(), series["time_days"].nunique()
    several = int(
        (series.drop_duplicates(["trial_id", "time_days"])["trial_id"].value_counts() > 1).sum()
    )
    have = (k, days, several)
    if all(a >= b for a, b in zip(have, BEND, strict=True)):
        return "restricted cubic spline", ""
    if all(a >= b for a, b in zip(have, LINE, strict=True)):
        return "line", ""
    on = "1 day" if days == 1 else f"{days} different days"
    need = f"{LINE[0]} trials, {LINE[1]} different days and {LINE[2]} trials with several days"
    return "", (
        f"not estimable: {_many(k, 'trial')} on {on}, "
        f"{several or 'none'} with several days; a course needs at least {need}"
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


class _Curve:
    """The fitted course for one assumed correlation."""

    def __init__(
        self, series: pd.DataFrame, shape: str, fitter: Fitter, correlation: float
    ) -> None:
        day = series["time_days"].to_numpy(float)
        self.knots = None
        if shape != "line":
            self.knots = np.percentile(np.log(np.unique(day)), PERCENTILES).tolist()
        trial = series["trial_id"].to_numpy(object)
        blocks = []
        for name in dict.fromkeys(trial.tolist()):
            mine = trial == name
            blocks.append(sampling(series.loc[mine, "vi"], day[mine], correlation))
        data = {"trial": trial, "day": day}
        self.fit = fitter(series["yi"].to_numpy(float), blocks, self._terms(day), data)

    def _terms(self, day: Array) -> Array:
        x = np.log(day)
        if self.knots is None:
            return np.column_stack([np.ones(len(x)), x])
        return np.column_stack([np.ones(len(x)), restricted_cubic(x, self.knots)])

    def at(self, day: Array, measure: str) -> pd.DataFrame:
        """The mean effect on given days, display scale."""
        terms = self._terms(day)
        mean = terms @ self.fit.beta
        se = np.sqrt(np.einsum("ij,jk,ik->i", terms, self.fit.vb, terms))
        half = half_width(0.95, float(np.min(self.fit.ddf))) * se
        back = measure_of(measure).scale.shown
        columns = (day, back(mean), back(mean - half), back(mean + half))
        return pd.DataFrame(dict(zip(TIME_CURVE.names, columns, strict=True)))


def sampling(vi: Any, day: Array, correlation: float) -> Array:
    """Covariance (m, m) of one trial's effects: sqrt(v_i v_j) correlation^|days apart|."""
    sd = np.sqrt(np.asarray(vi, dtype=np.float64))
    gap = np.abs(day[:, np.newaxis] - day)
    return np.asarray(np.outer(sd, sd) * np.power(correlation, gap))


def _fitted(facts: TimeFacts, curve: pd.DataFrame, case: Case, words: str) -> FittedCourse:
    """The facts with what the curve says at the observed days."""
    marks = Marks.of(measure_of(case.measure))
    pick = min if case.outcome.better == "lower" else max
    rows = tables.records(curve)
    largest = pick(rows, key=lambda row: float(row["estimate"]))
    excludes = (
        float(row["day"]) for row in rows if marks.conclude(ShownEstimate.of(row)).excludes_null
    )
    return FittedCourse(
        estimable=True,
        reason="",
        k=facts.k,
        points=facts.points,
        last_day=float(rows[-1]["day"]),
        correlation=facts.correlation,
        largest_day=float(largest["day"]),
        largest=ShownEstimate.of(largest),
        first_day=next(excludes, None),
        words=words,
    )


def _points(series: pd.DataFrame, measure: str, *, fitted: bool) -> pd.DataFrame:
    z = float(ndtri(0.975))
    out = series.assign(day=series["time_days"], in_model="yes" if fitted else "no")
    yi, sei = out["yi"].astype(float), np.sqrt(out["vi"].astype(float))
    for name, values in (("estimate", yi), ("ci_low", yi - z * sei), ("ci_high", yi + z * sei)):
        out[name] = [shown(float(value), measure) for value in values]
    return out[list(TIME_POINTS.names)]
