"""The same analysis under other choices: one row per alternative, never averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.effects import measure_of
from trialpool.pooling.policy import COUNT_METHODS
from trialpool.pooling.tau2 import ESTIMATORS
from trialpool.results import Posterior, TrialpoolError
from trialpool.review.case import Case
from trialpool.review.choosing.preference import UndecidedError
from trialpool.review.choosing.reasons import why_not
from trialpool.review.choosing.sources import only
from trialpool.review.effects.crossover import AS_PARALLEL, FIRST, PAIRED
from trialpool.review.fitting.fit import Fit, fit, shown
from trialpool.review.protocol.settings import TOGETHER, Alternative
from trialpool.review.schema.packed import VariantName
from trialpool.review.schema.results import SENSITIVITY
from trialpool.review.trust.handlings import beside
from trialpool.review.trust.main_result import MainResult
from trialpool.words import capital, text

# A test in the words of the table's labels.
_QUANTILES = {
    "z": "normal quantile",
    "t": "t quantile",
    "knha": "Hartung-Knapp without the floor",
    "hksj": "Hartung-Knapp",
}


def sensitivity(case: Case, main: MainResult) -> pd.DataFrame:
    """Every declared alternative to the main result, on the display scale."""
    studies, spec = main.selection.chosen, case.spec
    rows = [_row("protocol", "as in the protocol", case.leading.fit(studies, case.measure))]
    rows += [_row("several effects", *other) for other in beside(case, main.selection)]
    if spec.effects not in TOGETHER:
        rows += list(_models(case, studies))
    rows += list(_posterior(case, len(studies), main.posterior))
    # What else these hold is one effect per trial, by the protocol's order.
    if spec.effects == "one":
        rows += list(_variants(case, studies))
        rows += list(_first_period(case, studies))
    rows += list(_subsets(case, studies))
    absent = main.absent
    if absent.joint is not None and len(studies):
        names = absent.missing[absent.missing["what_if"] == "yes"]["study"]
        label = "missing trials that can be added found nothing"
        note = f"added with no effect: {', '.join(names)}"
        rows.append(_row("missing results", label, absent.joint, note))
    return SENSITIVITY.frame(rows)


def _row(group: str, label: str, result: Fit, note: str = "") -> dict[str, Any]:
    pooled = result.pooled
    return {
        "group": group,
        "label": label,
        "k": result.policy.k,
        "estimate": result.estimate,
        "ci_low": result.ci_low,
        "ci_high": result.ci_high,
        "p_value": result.p_value,
        "tau2": pooled.tau2 if pooled else float("nan"),
        "i2": pooled.i2 if pooled else float("nan"),
        "model": result.words,
        "note": note,
    }


def _fitted(case: Case, group: str, label: str, studies: pd.DataFrame, note: str) -> dict[str, Any]:
    """The row of other studies: those without an effect are out, and what fails says why.

    An alternative that cannot be worked out is a finding about it, and no reason to stop.
    """
    blank = studies["yi"].isna() | studies["vi"].isna()
    lost = [
        f"{row['study']} has no effect there: {text(row['reason']) or 'not estimable'}"
        for row in tables.records(studies[blank])
    ]
    note = "; ".join(part for part in (note, *lost) if part)
    return _tried(group, label, lambda: case.leading.fit(studies[~blank], case.measure), note)


def _tried(group: str, label: str, make: Callable[[], Fit], note: str = "") -> dict[str, Any]:
    try:
        return _row(group, label, make(), note)
    except TrialpoolError as error:
        return _without(group, label, f"{note}; {error}" if note else str(error))


def _without(group: str, label: str, why: str) -> dict[str, Any]:
    """The row of an alternative that has no result."""
    return {"group": group, "label": label, "k": 0, "model": "not estimable", "note": why}


def _models(case: Case, studies: pd.DataFrame) -> Iterator[dict[str, Any]]:
    k, measure, model = len(studies), case.measure, case.model
    if k < 2:
        return
    if measure_of(measure).mantel_haenszel and studies["event_control"].notna().all():
        # Mantel-Haenszel is shown of all counts, another method only where the protocol names it.
        for method in dict.fromkeys(("MH", model.method)):
            if method in COUNT_METHODS:
                counts = model.model_copy(update={"method": method})
                label = capital(COUNT_METHODS[method])
                yield _tried("model", label, partial(fit, studies, measure, counts))
    for choice in case.defaults.alternatives:
        settings = {"method": "IV", "tau2": choice.tau2, "test": choice.test}
        other = model.model_copy(update=settings)
        yield _tried("model", _label(choice), partial(fit, studies, measure, other))


def _label(choice: Alternative) -> str:
    name = ESTIMATORS[choice.tau2].name
    plain = choice.tau2 == "EE" and choice.test == "z"
    return name if plain else f"{name}, {_QUANTILES[choice.test]}"


def _posterior(case: Case, k: int, posterior: Posterior | None) -> Iterator[dict[str, Any]]:
    if posterior is None:
        return
    below = f"{measure_of(case.measure).null:g}"
    yield {
        "group": "model",
        "label": f"Bayes, {posterior.prior.partition(', ')[2]}",
        "k": k,
        "estimate": shown(posterior.mu, case.measure),
        "ci_low": shown(posterior.mu_lb, case.measure),
        "ci_high": shown(posterior.mu_ub, case.measure),
        "p_value": float("nan"),
        "tau2": posterior.tau**2,
        "i2": float("nan"),
        "model": posterior.prior,
        "note": f"posterior median and 95 % interval; P(effect below {below}) "
        f"{_probability(posterior.p_below_zero)}",
    }


def _probability(p: float) -> str:
    if p < 0.001:
        return "< 0.001"
    return "> 0.999" if p > 0.999 else f"= {p:.3f}"


def _variants(case: Case, studies: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Other values of the choices behind effects: each replaces the effects it is of."""
    ids, effects = set(studies["effect_id"]), case.tables.effects
    others = effects[effects["effect_id"].isin(ids) & effects["variant"].notna()]
    for variant in sorted(set(others["variant"])):
        swap = others[others["variant"] == variant]
        kept = studies[~studies["effect_id"].isin(set(swap["effect_id"]))]
        changed = pd.concat([part for part in (kept, swap) if len(part)], ignore_index=True)
        changed = changed.sort_values(["year", "study"], na_position="last", kind="stable")
        note = f"changes {', '.join(sorted(set(swap['study'])))}"
        if changed["trial_id"].duplicated().any():
            note += f"; its {len(changed)} comparisons are counted as independent"
        name = VariantName.read(variant)
        yield _fitted(case, name.choice, name.level, changed, note)


def _first_period(case: Case, studies: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Crossover trials by their first period alone; without one they drop out."""
    whole = studies[studies["design"].isin([PAIRED, AS_PARALLEL])]
    if not len(whole):
        return
    effects = case.tables.effects
    usable = effects[~effects["design"].isin([PAIRED, AS_PARALLEL])]
    # Nothing is left out again for what it found: these trials are in.
    try:
        first = case.but(effects=usable, without=None).chosen().chosen
    except UndecidedError as error:
        yield _without("crossover", "first period only", str(error))
        return
    first = first[first["trial_id"].isin(set(whole["trial_id"])) & (first["design"] == FIRST)]
    kept = studies.drop(whole.index)
    changed = pd.concat([part for part in (kept, first) if len(part)] or [kept])
    lost = list(whole.loc[~whole["trial_id"].isin(first["trial_id"]), "study"])
    notes = [f"changes {', '.join(first['study'])}"] if len(first) else []
    notes += [f"without {', '.join(lost)}, whose first period is not reported"] if lost else []
    yield _fitted(case, "crossover", "first period only", changed, "; ".join(notes))


def _subsets(case: Case, studies: pd.DataFrame) -> Iterator[dict[str, Any]]:
    def without(group: str, label: str, out: pd.Series, note: str = "") -> dict[str, Any]:
        note = note or f"without {', '.join(dict.fromkeys(studies.loc[out, 'study']))}"
        return _fitted(case, group, label, studies[~out], note)

    flagged = studies["flags"].notna()
    marked = studies[flagged].drop_duplicates("trial_id")
    for row in tables.records(marked):
        of_trial = studies["trial_id"] == row["trial_id"]
        yield without("flagged data", f"without {row['study']}", of_trial, row["flags"])
    if len(marked) > 1:
        yield without("flagged data", "without flagged results", flagged)
    known = only(case.confidence, "secondary")
    for column, label in (
        ("imputed", "without results that needed an assumption"),
        ("confidence", f"without results known {known}from other reviews"),
    ):
        out = studies[column].notna()
        if column == "confidence":
            out = studies[column] == "secondary"
        if out.any() and not out.all():
            yield without("data", label, out)
    about = case.rules.trials
    for subset in case.spec.subsets:
        named = subset.include, subset.exclude
        left = [bool(why_not(about[trial], *named)) for trial in studies["trial_id"]]
        out = pd.Series(left, index=studies.index, dtype=bool)
        if out.any() and not out.all():
            yield without("subset", subset.label, out)
