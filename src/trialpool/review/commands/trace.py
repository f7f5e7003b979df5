"""`trialpool trace`: from a pooled number or an effect to the raw cells and their sources."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from trialpool import tables, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.phrases import short_measure
from trialpool.results import TrialpoolError
from trialpool.review.accounts.trace import chain, effect_chain, raw_tables
from trialpool.review.accounts.trace_checks import TraceCheck, check_analysis, check_effects
from trialpool.review.commands.added import added_columns
from trialpool.review.effects.records import Records
from trialpool.review.extraction.read import Sheet
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema import files
from trialpool.review.schema.added import Added
from trialpool.words import intervals, is_bayesian, text

PROTOCOL = Path("config", "review.yaml")  # within a review
TRY = (
    "Give a folder such as results/ptsd/symptoms_24h or a file in it, results/summary.csv, or "
    "data/processed/ptsd/effects.csv"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("path", type=Path, help="an analysis' folder or file, or effects.csv")
    parser.add_argument("--study", help="one study of the analysis, by its trial_id or label")
    parser.add_argument("--effect", help="an effect of effects.csv, by its effect_id")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(options: argparse.Namespace) -> int:
    """Print the chain, and whether it holds.

    Returns
    -------
    0 when every link agrees, 1 when one differs or there is nothing to trace
    """
    try:
        traced = _find(options.path, options.study, options.effect)
    except ValidationError:
        print(f"{options.path}: made by another version; run the review again", file=sys.stderr)
        return 1
    except (TrialpoolError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    text = "\n".join(traced.lines())
    if options.json:
        text = json.dumps(traced.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # The reader, `head` for one, has seen enough; nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(any(check.differences for check in traced.checks))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traced:
    """What a path leads to: names to choose from, or a chain with its checks."""

    title: str
    names: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    checks: Sequence[TraceCheck] = ()

    def as_dict(self) -> dict[str, Any]:
        if self.table is None:
            return {"title": self.title, "names": list(self.names)}
        checks = [asdict(check) | {"verdict": check.verdict} for check in self.checks]
        lines = tables.records(self.table)
        for line in lines:
            line["row"] = None if isnan(line["row"]) else int(line["row"])
        return {"title": self.title, "checks": checks, "chain": tables.plain(lines)}

    def lines(self) -> Iterator[str]:
        yield self.title
        yield from self.names
        if self.table is not None:
            yield from _checked(self.checks)
            yield from _in_words(self.table)


def _find(path: Path, study: str | None, effect: str | None) -> _Traced:
    """What there is to trace at a path.

    Raises
    ------
    TrialpoolError
        in one line, when there is nothing, or a file of the chain is missing
    """
    if not path.exists():
        raise TrialpoolError(f"{path}: no such file or folder. {TRY}.")
    folder = path if path.is_dir() else path.parent
    if (folder / "effects.csv").exists():
        if study:
            raise TrialpoolError("--study goes with an analysis; use --effect with effects.csv.")
        return _effects(folder, effect)
    if effect:
        raise TrialpoolError("--effect goes with effects.csv; use --study with an analysis.")
    if (folder / "model.json").exists():
        return _analysis(folder, study)
    if (folder / "summary.csv").exists() and not study:
        return _summary(folder)
    raise TrialpoolError(f"{path}: nothing to trace here. {TRY}.")


def _summary(folder: Path) -> _Traced:
    """The analyses that can be traced, one line each."""
    names = []
    for row in tables.records(_table(folder / "summary.csv")):
        home = folder / row["condition"]
        where = (home if home.exists() else folder) / row["analysis"]
        shown = _interval({name: tables.cell(row[name]) for name in _LIMITS}, text(row["model"]))
        names.append(f"{where}: {row['measure']} {shown or 'no estimate'}, k = {row['k']:.0f}")
    return _Traced(title="Can be traced:", names=tuple(names))


def _analysis(folder: Path, study: str | None) -> _Traced:
    result, root = _result(folder / "model.json"), _root(folder)
    added = added_columns(root / PROTOCOL)
    studies = _table(folder / "studies.csv", added)
    records, raw = _evidence(root, result.condition, added)
    checks = check_analysis(result, studies, records, raw)
    table = chain(result, studies, records.rows, raw)
    if study:
        study_rows = studies[(studies["trial_id"] == study) | (studies["study"] == study)]
        if study_rows.empty:
            known = ", ".join(studies["trial_id"]) or "none"
            raise TrialpoolError(f"{folder}: no study {study}. Its studies are: {known}.")
        table = table[(table["level"] == "pooled") | table["study"].isin(study_rows["study"])]
    name = f"{result.condition}/{result.analysis}"
    return _Traced(
        title=f"{name}: {result.title} ({short_measure(result)})", table=table, checks=checks
    )


def _effects(folder: Path, effect: str | None) -> _Traced:
    effects = _table(folder / "effects.csv")
    if effect is None:
        names = tuple(dict.fromkeys(effects["effect_id"]))
        return _Traced(title="Give one of these with --effect:", names=names)
    effect_rows = effects[effects["effect_id"] == effect]
    if effect_rows.empty:
        where = folder / "effects.csv"
        raise TrialpoolError(f"{where}: no effect {effect}. Without --effect all are listed.")
    root, condition = _root(folder), folder.resolve().name
    review = read_protocol(root / PROTOCOL)
    records, raw = _evidence(root, condition, review.added)
    return _Traced(
        title=str(effect_rows["effect_id"].iloc[0]),
        table=effect_chain(effect_rows, condition, records.rows, raw),
        checks=check_effects(
            effect_rows, records, raw, review.defaults, review.changes(condition), rho=None
        ),
    )


def _root(folder: Path) -> Path:
    """The review's folder, which holds results/{condition}/{analysis}, data/ and config/."""
    above = folder.resolve().parents
    if len(above) < 3:
        raise TrialpoolError(f"{folder}: not inside a review. {TRY}.")
    # Relative where that is shorter to read.
    here = Path.cwd()
    return above[2].relative_to(here) if above[2].is_relative_to(here) else above[2]


def _evidence(root: Path, condition: str, added: Added) -> tuple[Records, dict[str, Sheet]]:
    """The clean and the raw tables of a condition."""
    processed = root / "data" / "processed" / condition
    names = ("trials", "arms", "records", "flags")
    records = Records(*(_table(processed / f"{name}.csv", added) for name in names))
    return records, raw_tables(root / "data" / "raw" / condition, added)


def _table(path: Path, added: Added | None = None) -> pd.DataFrame:
    if not path.exists():
        raise TrialpoolError(f"{path}: the file is missing; run the review again")
    try:
        return files.read(path, added)
    except ValueError as error:
        raise TrialpoolError(f"{path}: not readable ({error}); run the review again") from None


def _result(path: Path) -> AnalysisResult:
    try:
        return typed_json.read(path, AnalysisResult)
    except TrialpoolError as error:
        raise TrialpoolError(f"{error}; run the review again") from None


def _checked(checks: Sequence[TraceCheck]) -> Iterator[str]:
    for check in checks:
        yield f"  {check.link}: {check.verdict}"
        yield from (f"    {difference}" for difference in check.differences)


def _in_words(table: pd.DataFrame) -> Iterator[str]:
    """The chain in words: each level's numbers in a line, its remarks below."""
    rows = [{k: tables.cell(v) for k, v in row.items()} for row in tables.records(table)]
    for (level, study, effect, file, row), group in groupby(rows, key=_place):
        lines = list(group)
        values = {line["quantity"]: line["value"] for line in lines}
        if level == "pooled":
            yield from _pooled(values, lines[0])
        elif level == "effect":
            yield ""
            yield f"{study}: {effect}"
            yield f"  {file} row {row}: {_listed(values, _REMARKS)}"
            if lines[0]["how"]:
                yield f"  formula: {lines[0]['how']}"
            yield from _remarks(values, "  ")
        elif level == "record":
            yield f"  computed for the row below: {_listed(values, ())}; {lines[0]['how']}"
        else:
            yield f"  {file} row {row}: {_listed(values, _REMARKS) or lines[0]['how']}"
            used = [line["quantity"] for line in lines if line["how"] == "used"]
            yield from (f"    used: {', '.join(used)}",) if used else ()
            yield from _remarks(values, "    ")
            yield from _source(lines[0])


_LIMITS = ("estimate", "ci_low", "ci_high")
_REMARKS = ("design", "variant", "reason", "imputed", "derived", "flags", "adjusted_for", "checked",
            "notes")  # fmt: skip


def _place(line: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(line[name] for name in ("level", "study", "effect_id", "file", "row"))


def _pooled(values: Mapping[str, str], first: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield f"{_interval(values, first['how']) or 'no estimate'}: {first['how']}"
    rest = {name: value for name, value in values.items() if name not in _LIMITS}
    yield f"  {_listed(rest, ())}"


def _interval(values: Mapping[str, str], model: str) -> str:
    if not values["estimate"]:
        return ""
    limits = intervals([is_bayesian(model)])
    return f"{values['estimate']} ({limits} {values['ci_low']} to {values['ci_high']})"


def _listed(values: Mapping[str, str], without: Sequence[str]) -> str:
    return ", ".join(f"{k} = {v}" for k, v in values.items() if v and k not in without)


def _remarks(values: Mapping[str, str], indent: str) -> Iterator[str]:
    yield from (f"{indent}{name}: {values[name]}" for name in _REMARKS if values.get(name))


def _source(line: Mapping[str, str]) -> Iterator[str]:
    if not line["source_url"]:
        yield from (f"    source: {line['locator']}",) if line["locator"] else ()
        return
    at = f" ({line['locator']})" if line["locator"] else ""
    yield f"    source: {line['source_url']}{at}"
    who, when = (line[name] or "not recorded" for name in ("extracted_by", "extracted_on"))
    yield f"    {line['confidence']}; extracted by: {who}; on: {when}"
