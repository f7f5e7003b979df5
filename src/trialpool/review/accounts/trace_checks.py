"""Does the chain hold: pooled numbers, effects and records, each computed or compared anew."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from math import isnan
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.analysis_result import AnalysisResult
from trialpool.review.accounts.trace import by_raw_row, computed, computed_how, raw_row
from trialpool.review.choosing.several import put_together
from trialpool.review.effects.comparisons import build_effects
from trialpool.review.effects.records import Records
from trialpool.review.extraction.read import Sheet
from trialpool.review.fitting.fit import leading
from trialpool.review.fitting.prior import sds_specified
from trialpool.review.protocol.settings import EFFECT_SETTINGS, Correlated, Defaults, Model
from trialpool.review.schema.packed import EFFECT_IDS, RAW_ROWS, RawRow
from trialpool.review.schema.raw import INSTRUMENTS

# model.json keeps `digits.JSON_DIGITS`, and processors round iterations differently.
TOLERANCE = 1e-6
SMALL = 1e-3  # below this size the tolerance is absolute
AGAIN = "run the review again"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCheck:
    """One link of the chain; `differences` is empty where it holds."""

    link: str
    differences: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return "differs" if self.differences else "agrees"


def check_analysis(
    result: AnalysisResult, studies: pd.DataFrame, records: Records, raw: Mapping[str, Sheet]
) -> list[TraceCheck]:
    """Check every link from the pooled estimate to the raw cells.

    Parameters
    ----------
    result, studies : model.json and studies.csv of the analysis, as read
    records : the clean tables of the condition, as read
    raw : `raw_tables` of the condition
    """
    specification = result.specification
    settings = {name: specification[name] for name in EFFECT_SETTINGS}
    effects = studies.assign(outcome=result.outcome, variant=None)
    changes = [result.outcome] if specification["outcome_types"][0] == "change" else []
    rho = None if result.several is None else result.several.rho
    same = tables.fingerprint(studies) == result.inputs_sha256
    stale = f"studies.csv is not the table the model was fitted to; {AGAIN}"
    return [
        TraceCheck(
            link="pooled estimate from studies.csv", differences=tuple(_pooled(result, studies))
        ),
        TraceCheck(link="inputs_sha256 of model.json", differences=() if same else (stale,)),
        *check_effects(effects, records, raw, Defaults.model_validate(settings), changes, rho=rho),
    ]


def check_effects(
    effects: pd.DataFrame,
    records: Records,
    raw: Mapping[str, Sheet],
    defaults: Defaults,
    changes: Collection[str],
    *,
    rho: float | None,
) -> list[TraceCheck]:
    """Check effects against records.csv, and the records they name against the raw cells.

    Parameters
    ----------
    effects : rows of effects.csv
    defaults : the settings of the protocol that effects depend on
    changes : outcomes of which change scores are worked out
    rho : correlation by which effects of a trial were combined
    """
    return [
        TraceCheck(
            link="effects from records.csv",
            differences=tuple(_recomputed(effects, records, defaults, changes, rho)),
        ),
        TraceCheck(
            link="records.csv from the raw cells",
            differences=tuple(_changed(effects, records.rows, raw)),
        ),
    ]


def _pooled(result: AnalysisResult, studies: pd.DataFrame) -> Iterator[str]:
    asked = result.specification
    used = asked["model"]
    again = leading(
        (Correlated if "rho" in used else Model).model_validate(used),
        result.measure,
        tau_scale=asked["bayes"]["tau_scale"],
        effects=asked.get("effects", "one"),
        reference_sds=sds_specified(asked),
    ).fit(studies, result.measure)
    names = [each.name for each in fields(result.display)]
    pairs = {name: (getattr(result.display, name), getattr(again, name)) for name in names}
    pairs["k"] = (result.k, studies["trial_id"].nunique())
    if result.pooled and again.pooled:
        pairs["tau2"] = (result.pooled.tau2, again.pooled.tau2)
    for name, (stored, recomputed) in pairs.items():
        if not _close(stored, recomputed):
            yield (
                f"{name} is {_shown(stored)} in model.json, {_shown(recomputed)} when recomputed "
                f"from studies.csv; {AGAIN}"
            )


def _close(stored: float, recomputed: float) -> bool:
    if isnan(stored) or isnan(recomputed):
        return isnan(stored) and isnan(recomputed)
    return abs(stored - recomputed) <= TOLERANCE * max(SMALL, abs(recomputed))


def _shown(value: Any) -> str:
    return tables.cell(value) or "blank"


def _recomputed(
    effects: pd.DataFrame,
    records: Records,
    defaults: Defaults,
    changes: Collection[str],
    rho: float | None,
) -> Iterator[str]:
    measures: dict[str, list[str]] = {}
    for outcome, measure in zip(effects["outcome"], effects["measure"], strict=True):
        if measure not in measures.setdefault(outcome, []):
            measures[outcome].append(measure)
    again = build_effects(records, measures, defaults, changes)
    by_name = {_name(row): row for row in tables.records(again)}
    for row in tables.records(effects):
        now = by_name.get(_name(row)) or _combined(row, again, rho)
        if now is None:
            yield f"{row['effect_id']}: records.csv no longer gives this effect; {AGAIN}"
            continue
        for column in ("yi", "vi"):
            stored, new = _shown(row[column]), _shown(now[column])
            if stored != new:
                yield f"{row['effect_id']}: {column} is {stored}, {new} from records.csv; {AGAIN}"


def _combined(
    effect: Mapping[str, Any], again: pd.DataFrame, rho: float | None
) -> Mapping[str, Any] | None:
    """Several effects of a trial combined anew; None where it is not made of several."""
    names = EFFECT_IDS.read(effect["effect_id"])
    rows = again[again["effect_id"].isin(names) & (again["variant"].astype(str) == "")]
    if rho is None or len(rows) < 2 or rows["effect_id"].nunique() < len(names):
        return None
    # Effects are combined as effects.csv holds them.
    yi, vi = ([float(tables.cell(value)) for value in rows[name]] for name in ("yi", "vi"))
    one = put_together(rows.assign(yi=yi, vi=vi), rows["trial_id"].tolist(), rho=rho)
    return {"yi": float(one.yi[0]), "vi": float(one.vi[0])}


def _name(effect: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(effect["effect_id"]), tables.cell(effect["variant"]), tables.cell(effect["part"])


def _changed(effects: pd.DataFrame, rows: pd.DataFrame, raw: Mapping[str, Sheet]) -> Iterator[str]:
    clean = by_raw_row(rows)
    named = [at for cell in effects["records"] for at in RAW_ROWS.read(cell)]
    for at in dict.fromkeys(named):
        sheet = raw[at.table]
        if at.table == INSTRUMENTS.name:
            yield from _other_sd(at, rows, sheet)
            continue
        where = f"{sheet.file} row {at.row}"
        cleaned, typed = clean.get(at), raw_row(sheet, at.row)
        if cleaned is None:
            yield f"{where}: not in records.csv; {AGAIN}"
        elif typed is None:
            yield f"{where}: the raw row is gone; {AGAIN}"
        else:
            record = cleaned[1]
            filled = computed(sheet, typed, record) if computed_how(record) else []
            skipped = {column.name for column in filled}
            for name in sheet.table.names:
                # Both sides as they would be written; the cell itself is shown as typed. A column
                # that the raw table may lack is blank where records.csv was written without it.
                was = record.get(name)
                if name in skipped or tables.cell(was) == tables.cell(typed[name]):
                    continue
                now = sheet.text(typed, name) or "blank"
                yield (
                    f"{where}: the raw row has changed since: {name} was "
                    f"{_shown(was)}, is {now}; {AGAIN}"
                )


def _other_sd(at: RawRow, rows: pd.DataFrame, sheet: Sheet) -> Iterator[str]:
    """Whether the reference SD that records.csv has is still that of instruments.csv."""
    typed = raw_row(sheet, at.row)
    now = None if typed is None else typed["reference_sd"]
    was = rows.loc[rows["reference_row"] == at.row, "reference_sd"].iloc[0]
    if tables.cell(was) != tables.cell(now):
        yield (
            f"{sheet.file} row {at.row}: reference_sd was {_shown(was)}, is {_shown(now)}; {AGAIN}"
        )
