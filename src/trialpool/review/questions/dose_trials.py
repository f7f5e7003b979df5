"""The contrasts of doses that the trials of an analysis offer, and why some offer none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from trialpool import tables
from trialpool.doseresponse.trials import DoseTrial, from_counts, from_means
from trialpool.effects import measure_of
from trialpool.results import NAN, TrialpoolError
from trialpool.review.case import Case
from trialpool.review.effects.choices import SPLIT
from trialpool.review.effects.standardised import PLAIN
from trialpool.review.protocol.time_dose_spec import Doses
from trialpool.review.schema.packed import ARM_IDS, EFFECT_IDS, Identity
from trialpool.words import number, text

Row = Mapping[str, Any]
Arms = Mapping[tuple[str, str], Row]
# Words after which a route is not the one it begins with, or is not sure.
_OTHER = {"PCA", "and", "then", "(not"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one trial offers: contrasts of doses with the arms of each, or the reason why none."""

    trial_id: str
    study: str
    year: float
    arms: tuple[tuple[str, ...], ...] = ()
    trial: DoseTrial | None = None
    yi: float = NAN
    vi: float = NAN
    reason: str = ""


def offers(chosen: pd.DataFrame, case: Case, doses: Doses) -> list[Offer]:
    """The dose contrasts of the chosen effects, one trial after the other.

    Arms of different doses that the analysis takes as one group are taken apart, with the exact
    covariance of their contrasts.

    Parameters
    ----------
    chosen : the analysis' effects, one of each trial
    case : the analysis; its effects.csv has the arms of a combined group one by one
    """
    rows = tables.records(case.tables.arms)
    about = {(str(arm["trial_id"]), str(arm["arm_id"])): arm for arm in rows}
    out = []
    for row in tables.records(chosen.drop_duplicates("effect_id")):
        try:
            out.append(_offer(row, case, about, doses))
        except TrialpoolError as error:
            arms = (ARM_IDS.read(row["experimental_arms"]),)
            out.append(_offered(row, arms=arms, reason=str(error)))
    return out


def dose_of(arm: Mapping[str, Any], doses: Doses) -> float:
    """The dose of an arm in mg/kg of the reference drug by the reference route.

    Raises
    ------
    TrialpoolError
        where the dose is not known, or no conversion is declared for its drug and route
    """
    drug, route = text(arm["drug"]), text(arm["route"])
    per_kg, fixed = number(arm["dose_mg_kg"]), number(arm["dose_mg"])
    if drug == doses.drug and _is(route, doses.route):
        if isnan(per_kg):
            words = text(arm["dose"])
            reported = f" ({words})" if words else ""
            raise TrialpoolError(f"arm {arm['arm_id']}: no dose per kg is known{reported}")
        return per_kg
    for rule in doses.conversions:
        value = per_kg if rule.unit == "mg/kg" else fixed
        if drug == rule.drug and _is(route, rule.route) and not isnan(value):
            return rule.factor * value
    raise TrialpoolError(
        f"arm {arm['arm_id']}: {drug}, route {route or 'not known'}: no conversion to "
        f"{doses.drug} {doses.route} is declared"
    )


def _is(route: str, wanted: str) -> bool:
    """Whether a route is the wanted one: `IV over 40 min` is `IV`, `IV and PCA` is not."""
    first, _, rest = route.partition(" ")
    return first.rstrip(",") == wanted and not _OTHER & set(rest.split())


def _offer(row: Row, case: Case, about: Arms, doses: Doses) -> Offer:
    trial = str(row["trial_id"])
    names = ARM_IDS.read(row["experimental_arms"])
    combined = EFFECT_IDS.read(row["effect_id"])
    if len(combined) > 1 and len({Identity.read(each).arms for each in combined}) > 1:
        raise TrialpoolError("its effects, which are combined, are not all of the same arms")
    given = [dose_of(about[trial, name], doses) for name in names]
    control = about[trial, str(row["control_arm"])]
    # A control without the drug has none of it, whatever else it gives.
    reference = dose_of(control, doses) if text(control["drug"]) == doses.drug else 0.0
    if len(set(given)) == 1:
        yi, vi = number(row["yi"]), number(row["vi"])
        contrast = DoseTrial(
            name=text(row["study"]),
            dose=np.array(given[:1]),
            reference=reference,
            yi=np.array([yi]),
            V=np.array([[vi]]),
        )
    else:
        contrast = _apart(row, case, dict(zip(names, given, strict=True)), reference)
    return _offered(
        row,
        arms=tuple((name,) for name in names) if len(contrast.yi) > 1 else (names,),
        trial=contrast,
    )


def _apart(row: Row, case: Case, given: Mapping[str, float], reference: float) -> DoseTrial:
    """Arms of different doses against the one control they share; `given` are doses by arm."""
    effects, measure = case.tables.effects, case.measure
    same = (effects["effect_id"] == row["effect_id"]) & (effects["variant"] == str(SPLIT))
    parts = {str(part["part"]): part for part in tables.records(effects[same])}
    if set(parts) != set(given):
        raise TrialpoolError("the numbers of its arms, which have different doses, are not known")
    if len(set(given.values())) < len(given):
        raise TrialpoolError("several of its arms have one dose, others another")
    trial, dose = [text(row["study"])] * (len(given) + 1), [reference, *given.values()]

    def column(name: str) -> list[float]:
        experimental = [number(parts[arm][f"{name}_experimental"]) for arm in given]
        return [number(row[f"{name}_control"]), *experimental]

    if measure_of(measure).data.name == "scores":
        mean, sd, n = (np.array(column(name)) for name in ("mean", "sd", "n"))
        by = number(row.get("standardiser"))
        if not isnan(by):  # changes, in SDs of scores: the SD is taken as known
            mean, sd, measure = mean / by, sd / by, PLAIN
        (one,) = from_means(trial, dose, n=n, mean=mean, sd=sd, measure=measure, hedges=True)
    else:
        event, totaln = column("event"), column("totaln")
        (one,) = from_counts(trial, dose, event=event, totaln=totaln, measure=measure)
    return one


def _offered(row: Row, **contrasts: Any) -> Offer:
    """What the trial of an effect offers."""
    return Offer(
        trial_id=str(row["trial_id"]),
        study=text(row["study"]),
        year=number(row["year"]),
        yi=number(row["yi"]),
        vi=number(row["vi"]),
        **contrasts,
    )
