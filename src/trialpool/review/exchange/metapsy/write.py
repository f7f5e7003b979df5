"""A condition as a file in the Metapsy data standard."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from trialpool.review.exchange.formats import Export, Exported
from trialpool.review.exchange.imported import Left
from trialpool.review.exchange.metapsy.columns import EXPORTED, NO_CELLS, NUMBERS, RESULT_CELLS
from trialpool.review.exchange.metapsy.from_effects import from_effects
from trialpool.review.exchange.metapsy.rows import Out, RowsOut, identifier
from trialpool.review.extraction.problems import DataError
from trialpool.review.extraction.read import RawData, read_condition
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

# What a row of the file says, by our tables; other columns that hold something are listed as left.
_WRITTEN = {
    "instruments": {"instrument", "name", "rating", "outcome", "better", "notes"},
    "trials": {"trial_id", "study", "year", "citation", "doi", "country", "n_randomised",
               "mean_age", "percent_women", "diagnosis", "notes"},
    "arms": {"trial_id", "arm_id", "arm", "role", "drug", "n_randomised", "notes"},
    "results": {"trial_id", "arm_id", "outcome", "instrument", "definition", "time_days",
                "timepoint", "outcome_type", "analysis_set", "n", "mean", "sd", "event", "totaln",
                "notes"},
    "contrasts": {"trial_id", "experimental_arm", "control_arm", "outcome", "instrument",
                  "definition", "time_days", "timepoint", "effect_measure", "contrast",
                  "analysis_set", "estimate", "se", "notes"},
    "risk_of_bias": {"trial_id", "domain", "outcome", "instrument", "judgement"},
}  # fmt: skip
_WITHOUT_PLACE = ("missing_results", "excluded", "search")
_COMPUTED = tuple(name for name in EXPORTED if name.startswith("."))


def write(path: Path, export: Export) -> Exported:
    """Write one row per pair of arms, or per comparison of effects.csv where that is given.

    The sign is arm 1 minus arm 2, the experimental arm being arm 1. Without effects, `.g` is
    computed as metapsyTools does.

    Raises
    ------
    DataError
        when the raw tables cannot be read
    TrialpoolError
        when the effects do not belong to them
    """
    raw, problems = read_condition(export.raw, export.condition, export.added)
    if problems:
        raise DataError(problems)
    rows = RowsOut(raw)
    left: list[Left] = []
    assumed = ["`.g` and `.log_rr` are arm 1 minus arm 2; arm 1 is the experimental arm"]
    if export.effects is None:
        out = rows.from_pairs()
        assumed.append("`.g` is computed pair by pair as metapsyTools does")
    else:
        out, said, left = from_effects(rows, export.effects)
        assumed += said
    semicolons = _clean(out)
    if semicolons:
        assumed.append(f"semicolons in {semicolons} cells became commas: the standard has none")
    left += _unused_rows(rows, raw) + _unused_columns(raw)
    _write(path, out, export.decimal_comma)
    return Exported(rows={"rows": len(out)}, assumed=tuple(assumed), left=tuple(left))


def _clean(rows: list[Out]) -> int:
    """Give each row its id; take semicolons out of cells. Returns how many there were."""
    count = 0
    for row in rows:
        for name, cell in row.items():
            count += ";" in cell
            row[name] = cell.replace(";", ",").strip()
    seen: Counter[str] = Counter()
    for row in rows:
        name = identifier(row)
        seen[name] += 1
        row[".id"] = name if seen[name] == 1 else f"{name}_{seen[name]}"
    return count


def _unused_rows(rows: RowsOut, raw: RawData) -> list[Left]:
    """Raw rows that no row of the file speaks of."""
    left = []
    for table in CONDITION_TABLES:
        name = table.name
        sheet = raw[name]
        if name in _WITHOUT_PLACE:
            if sheet.rows:
                why = "the standard has results only"
                left.append(Left(f"{name}.csv", "table", f"{len(sheet.rows)} rows", why))
            continue
        for row in sheet.rows:
            if (name, int(row["row"] or 0)) not in rows.used:
                kind = row.get("outcome_type")
                why = _WHY[name] if kind in (None, *RESULT_CELLS) else NO_CELLS
                why = str(row.get("exclude_reason") or why)
                left.append(Left(f"{name}.csv row {row['row']}", "row", str(row["trial_id"]), why))
    return left


_WHY = {
    "trials": "no comparison of this trial can be written",
    "arms": "no comparison with this arm can be written",
    "results": "no comparison is made of it",
    "contrasts": "not a Hedges' g, or no effect was made of it",
    "risk_of_bias": "a judgement the standard has no word for, or of a result without comparison",
}


def _unused_columns(raw: RawData) -> list[Left]:
    """Columns of ours that hold something and have no place."""
    left = []
    for table in (INSTRUMENTS, *CONDITION_TABLES):
        for name in raw[table.name].table.names:
            if table.name in _WITHOUT_PLACE or name in _WRITTEN[table.name]:
                continue
            if count := sum(row[name] is not None for row in raw[table.name].rows):
                why = "no column of the Metapsy data standard"
                left.append(Left(f"{table.name}.{name}", "column", f"{count} values", why))
    return left


def _write(path: Path, rows: list[Out], decimal_comma: bool) -> None:
    """The standard's own style has semicolons and decimal commas; blanks are NA in both."""
    numbers = NUMBERS | set(_COMPUTED) - {".id"}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";" if decimal_comma else ",", lineterminator="\n")
        writer.writerow(EXPORTED)
        for row in rows:
            cells = []
            for name in EXPORTED:
                cell = row.get(name, "")
                comma = decimal_comma and name in numbers
                cells.append((cell.replace(".", ",") if comma else cell) or "NA")
            writer.writerow(cells)
