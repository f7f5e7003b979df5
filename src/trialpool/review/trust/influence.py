"""What single trials do to a result: without each, in the order of their years, and by weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialpool.diagnostics.influence import Influence, baujat, by_convention, influence
from trialpool.effects import measure_of
from trialpool.pooling.batch import pool_many
from trialpool.pooling.model import pool
from trialpool.pooling.policy import policy
from trialpool.results import NAN, Array
from trialpool.review.fitting.fit import Leading, fit, no_bayes, without_counts
from trialpool.review.fitting.refits import refit_many
from trialpool.review.protocol.settings import Model
from trialpool.review.schema.trust import CUMULATIVE, INFLUENCE, WEIGHTS

RESULT = ("estimate", "ci_low", "ci_high", "p_value", "k", "tau2", "i2")
MEASURES = ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight",
            "dfbetas")  # fmt: skip

# A field of `Influence` by its column, where the names differ.
_FIELD = {"q_del": "qe_del"}
_COUNTS = (
    "leave-one-out and weight by {by}; the other measures from the inverse-variance {other} model"
)
_NO_TAU2 = "tau2, tau2_del: common-effect model"
_NO_YEAR = "year not known: added last"
_JUDGEMENTS = ("low", "some_concerns", "high")
NOT_STATED = "not stated"


def influence_table(studies: pd.DataFrame, measure: str, model: Model) -> pd.DataFrame:
    """What each trial does to the pooled result: one row per trial, for influence.csv.

    Parameters
    ----------
    studies
        rows as for `fit`, with study and year. A trial with several rows (a control split among
        its arms) is left out with all of them
    measure, model : the analysis' own

    Returns
    -------
    INFLUENCE. `estimate` to `i2` are the result without the trial, on the display scale
    (`tau2` on that of the analysis); `rstudent` to `influential` are those of
    `diagnostics.influence.influence`; `weight` is in percent; `baujat_x` and `baujat_y` are of the
    common-effect model, so that `baujat_x` adds up to Cochran's Q. A trial with several rows has
    no `rstudent` and no `dffits`, which are of a single effect; its `hat`, `weight` and `baujat_x`
    are sums, and it is called influential by `cook_d`, `hat` and `dfbetas` alone. `note` says why
    a number is missing. No rows below the k that the policy asks of leave-one-out

    Raises
    ------
    TrialpoolError
        as for `fit`

    References
    ----------
    Viechtbauer & Cheung 2010, Res Synth Methods 1:112; Baujat et al. 2002, Stat Med 21:2641
    """
    counts = model.counts
    k = int(studies["trial_id"].nunique())
    allowed = policy(k, method=model.method, no_bayes=no_bayes(measure, model))
    if "leave-one-out" in allowed.withheld:
        return INFLUENCE.frame()
    about, rows_of = _trials(studies)
    used = without_counts(model)
    y, v = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    single = influence(y, v, tau2=used.tau2, test=used.test)
    numbers, influential, why = _of_trials(single, rows_of)
    if (rows_of.sum(axis=1) > 1).any():
        at, several, marked = _of_several_rows(y, v, rows_of, used)
        influential[at] = marked
        for name, values in several.items():
            numbers[name][at] = values
        for i in at:
            rows = f"{rows_of[i].sum()} rows left out together"
            why[i] = [rows, "rstudent, dffits: of a single effect"]
    if counts:
        pooled = fit(studies, measure, model).pooled
        if pooled is not None:
            numbers["weight"] = 100 * rows_of @ pooled.weights
    without = refit_many(studies, ~rows_of, measure, lambda _: model)
    if used.tau2 == "EE":
        numbers["tau2_del"] = np.full(k, NAN)
    numbers |= _baujat(y, v, rows_of)
    table = about.assign(
        **{name: without[name] for name in RESULT},
        **numbers,
        influential=_yes_no(influential, numbers),
    )
    notes = []
    for i, missing in enumerate(without["why_not"]):
        parts = [f"no result without the trial: {missing}"] if missing else []
        other = "common-effect" if used.tau2 == "EE" else "random-effects"
        parts += [_COUNTS.format(by=counts, other=other)] if counts else []
        parts += [_NO_TAU2] if used.tau2 == "EE" else []
        notes.append("; ".join([*parts, *why[i]]))
    return table.assign(note=notes)[list(INFLUENCE.names)]


def cumulative_table(studies: pd.DataFrame, measure: str, leading: Leading) -> pd.DataFrame:
    """The result as it grew, trials added by year and then by name, for cumulative.csv.

    Parameters
    ----------
    studies, measure : as for `influence_table`
    leading : which model leads with how many trials

    Returns
    -------
    CUMULATIVE, one row per trial, each step by the model that leads with its trials, the first
    the trial itself; `model` says which. `study`, `year` and
    `trial_id` are those of the trial that is added. Trials without a year come last, which `note`
    says. No rows for fewer than two trials

    Raises
    ------
    TrialpoolError
        as for `fit`

    References
    ----------
    Lau et al. 1992, N Engl J Med 327:248
    """
    if studies["trial_id"].nunique() < 2:
        return CUMULATIVE.frame()
    about, rows_of = _trials(studies)
    order = about.sort_values(["year", "study", "trial_id"], na_position="last", kind="stable")
    about, rows_of = order.reset_index(drop=True), rows_of[order.index]
    steps = refit_many(studies, np.logical_or.accumulate(rows_of, axis=0), measure, leading.of)
    notes = []
    for year, missing in zip(about["year"], steps["why_not"], strict=True):
        parts = [f"no result: {missing}"] if missing else []
        notes.append("; ".join([*parts, *([_NO_YEAR] if isnan(year) else [])]))
    return about.assign(
        step=np.arange(1, len(about) + 1),
        **{name: steps[name] for name in (*RESULT, "model")},
        note=notes,
    )[list(CUMULATIVE.names)]


def weight_shares(studies: pd.DataFrame, judged: Sequence[str], measure: str) -> pd.DataFrame:
    """How much of the weight hangs on what, for weights.csv.

    Effects of one group have no comparator to tell apart.

    Parameters
    ----------
    studies
        rows of studies.csv, `weight` in percent; where nothing was pooled it is blank, and so are
        the shares
    judged : the overall risk of bias of each row, `Case.judged`

    Returns
    -------
    WEIGHTS: for each property (`by`) and each of its levels the number of trials `k`,
    their share of the weight in percent, and their names. A trial with rows of two levels counts
    in both, each with its own rows' weight
    """
    by = {
        "risk of bias": pd.Series(list(judged), index=studies.index, dtype="str"),
        "design": studies["design"].fillna(NOT_STATED),
        "comparator": studies["comparator_class"].fillna(NOT_STATED),
        "flagged": studies["flags"].notna().map({True: "yes", False: "no"}),
        "imputed": studies["imputed"].notna().map({True: "yes", False: "no"}),
        "confidence": studies["confidence"].fillna(NOT_STATED),
    }
    if measure_of(measure).data.groups == 1:
        del by["comparator"]
    rows = [row for name, levels in by.items() for row in _shares(studies, name, levels)]
    return WEIGHTS.frame(rows)


def _shares(studies: pd.DataFrame, name: str, levels: pd.Series) -> Iterator[dict[str, Any]]:
    def place(level: str) -> tuple[int, str]:
        known = name == "risk of bias" and level in _JUDGEMENTS
        return (_JUDGEMENTS.index(level) if known else len(_JUDGEMENTS), level)

    for level in sorted(set(levels), key=place):
        at_level = studies[levels == level]
        yield {
            "by": name,
            "level": level,
            "k": at_level["trial_id"].nunique(),
            "weight": at_level["weight"].astype(float).sum(min_count=1),
            "trials": ", ".join(at_level.drop_duplicates("trial_id")["study"]),
        }


def _yes_no(influential: NDArray[np.bool_], numbers: dict[str, Array]) -> list[str]:
    """Blank where a trial passes no mark, but what says so could not be computed."""
    unknown = np.isnan(numbers["cook_d"]) & ~influential
    return [
        "" if blank else "yes" if hit else "no"
        for hit, blank in zip(influential, unknown, strict=True)
    ]


def _trials(studies: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Who the trials are, in the order of their first rows, and which rows each has."""
    about = studies.drop_duplicates("trial_id")[["trial_id", "study", "year"]]
    ids = studies["trial_id"].to_numpy()
    rows_of = about["trial_id"].to_numpy()[:, np.newaxis] == ids[np.newaxis, :]
    return about.reset_index(drop=True), np.asarray(rows_of, dtype=np.bool_)


def _of_trials(
    single: Influence, rows_of: NDArray[np.bool_]
) -> tuple[dict[str, Array], NDArray[np.bool_], list[list[str]]]:
    """Each trial's measures by its first row, whether influential, and why any is missing."""
    first = rows_of.argmax(axis=1)
    fields = {name: getattr(single, _FIELD.get(name, name)) for name in MEASURES}
    numbers = {name: np.asarray(values[first]) for name, values in fields.items()}
    why: list[list[str]] = [[] for _ in first]
    for name, values in numbers.items():
        for i in np.flatnonzero(np.isnan(values)):
            why[i].append(f"{name}: {single.reasons[_FIELD.get(name, name)]}")
    return numbers, single.influential[first], why


def _of_several_rows(
    y: Array, v: Array, rows_of: NDArray[np.bool_], model: Model
) -> tuple[NDArray[np.intp], dict[str, Array], NDArray[np.bool_]]:
    """Which trials have several rows, what leaving out all of these does, and is it much."""
    at = np.flatnonzero(rows_of.sum(axis=1) > 1)
    removed, k = rows_of[at], len(rows_of)
    whole = pool(y, v, tau2=model.tau2, test=model.test)
    rest = pool_many(y, v, ~removed, tau2=model.tau2, test=model.test)
    tau2 = np.zeros(len(at)) if model.tau2 == "EE" else rest.tau2
    weights = 1 / (v + tau2[:, np.newaxis])
    # What Knapp and Hartung multiply the variance without the trial by; 1 for other tests.
    factor = rest.se**2 * np.where(removed, 0.0, weights).sum(axis=1)
    moved = whole.beta - rest.beta
    share = removed @ whole.weights
    several = {
        "rstudent": np.full(len(at), NAN),
        "dffits": np.full(len(at), NAN),
        "cook_d": (moved / whole.se) ** 2,
        "cov_r": (rest.se / whole.se) ** 2,
        "tau2_del": tau2,
        "q_del": rest.q,
        "hat": share,
        "weight": 100 * share,
        "dfbetas": moved / np.sqrt(factor / weights.sum(axis=1)),
    }
    marks = several | {"dfbetas": several["dfbetas"][:, np.newaxis]}
    return at, several, by_convention(marks, k, 1)


def _baujat(y: Array, v: Array, rows_of: NDArray[np.bool_]) -> dict[str, Array]:
    """Baujat's coordinates of trials under a common effect."""
    place = baujat(y, v)
    whole, rest = pool(y, v, tau2="EE", test="z"), pool_many(y, v, ~rows_of, tau2="EE")
    return {
        "baujat_x": rows_of @ place.x,
        "baujat_y": ((whole.beta - rest.beta) / rest.se) ** 2,
    }
