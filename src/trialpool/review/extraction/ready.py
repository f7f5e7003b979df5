"""Is the review ready to run: the protocol, the raw data, and whether they speak of the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialpool import notes
from trialpool.review.extraction import claims, other_reviews
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import RawData, optional_file, raise_errors
from trialpool.review.protocol.eligibility import Eligibility, Filter
from trialpool.review.protocol.problems import ProtocolError, ProtocolProblem
from trialpool.review.protocol.protocol import Review, load_yaml, resolve
from trialpool.review.protocol.settings import Moderator
from trialpool.review.schema.processed import FLAGS, MARKS

# What the checks said when they were last asked.
NOTES = notes.FOLDER / "checks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A review that can run: its protocol, and by condition what the checks warn about.

    `flags` are rows of flags.csv as plain values; `marks` is what of them effects depend on: raw
    table, row and name of the check, not the words.
    """

    review: Review
    flags: Mapping[str, list[list[Any]]]

    def marks(self, condition: str) -> list[list[Any]]:
        """Which rows of which table are marked by which check."""
        at = [FLAGS.names.index(name) for name in MARKS]
        return [[row[i] for i in at] for row in self.flags[condition]]


def ready(
    config: Mapping[str, Any],
    files: Sequence[str | Path],
    folder: Path,
    code: str,
    last: Callable[[Review, Mapping[str, RawData]], Iterable[ProtocolProblem]],
) -> Ready:
    """Resolve the protocol and check everything before anything is written.

    Parameters
    ----------
    config : the configuration as Snakemake merged it
    files : the files it came from; only there can a key that stands twice be seen
    folder : the raw data folder
    code : digest of what checks: tables that were in order under the same code and protocol are
        not checked again
    last : a check of the protocol against tables that are in order

    Raises
    ------
    ProtocolError, DataError
        listing all problems of the protocol, or else of the raw data
    """
    for file in files:
        load_yaml(file)
    review = resolve(config)
    seen = _seen(review, folder, code)
    flags = notes.recall(NOTES).get(seen)
    if flags is None:
        # Not at the top: the checks take longer to import than to plan a run that has nothing new.
        from trialpool.review.extraction.checking import flag_rows

        data, warnings = check(review, folder)
        if problems := list(last(review, data)):
            raise ProtocolError.of(problems)
        flags = {name: flag_rows(raw, warnings[name]) for name, raw in data.items()}
        notes.note(NOTES, {seen: flags})
    return Ready(review=review, flags=flags)


def _seen(review: Review, folder: Path, code: str) -> str:
    """A digest of all that the checks look at."""
    digest = hashlib.sha256(f"{code}\n{review.model_dump_json()}\n".encode())
    for path in sorted(folder.rglob("*.csv")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.as_posix()} {content}\n".encode())
    return digest.hexdigest()


def check(review: Review, folder: Path) -> tuple[dict[str, RawData], dict[str, list[Problem]]]:
    """Check the raw data against the protocol, and the protocol against the raw data.

    Returns
    -------
    By condition, the raw data and the warnings

    Raises
    ------
    DataError
        listing the errors of all raw tables
    ProtocolError
        when the tables are in order but the protocol names what they do not hold
    """
    from trialpool.review.extraction.checking import look_at_all, problems_in

    looked = look_at_all(
        folder,
        review.names(),
        review.outcome_rules(),
        review.confidence_order,
        review.added,
    )
    data = {condition: raw for condition, (raw, _) in looked.items()}
    named = claims.known_names(review.names(), review.questions())
    raise_errors(
        problems_in(looked)
        + other_reviews.problems(folder, review, data)
        + claims.claims(optional_file(folder, "claims"), named)[1]
    )
    if unknown := list(unknown_names(review, data)):
        raise ProtocolError.of(unknown)
    return data, {condition: warnings for condition, (_, warnings) in looked.items()}


def unknown_names(review: Review, data: Mapping[str, RawData]) -> Iterator[ProtocolProblem]:
    """Names in the protocol that no table holds: a typing error would empty an analysis.

    What the review's defaults name need not be in every condition, but in one.
    """
    for called, moderator in review.defaults.moderators.items():
        yield from _unknown_levels(f"defaults.moderators.{called}", moderator, *data.values())
    for condition, raw in data.items():
        yield from _unknown_in(review, condition, raw)
        yield from _unknown_targets(review, condition, data)


def _unknown_in(review: Review, condition: str, raw: RawData) -> Iterator[ProtocolProblem]:
    asked = review.conditions[condition]
    for name, network in asked.networks.items():
        yield from _not_eligible(f"conditions.{condition}.networks.{name}", network, raw)
    for name, analysis in asked.analyses.items():
        where = f"conditions.{condition}.analyses.{name}"
        yield from _not_eligible(where, analysis, raw)
        for subset in analysis.subsets:
            yield from _unknown_codes(f"{where}.subsets.{subset.label}", subset, raw)
        for called, moderator in analysis.moderators.items():
            yield from _unknown_levels(f"{where}.moderators.{called}", moderator, raw)


def _unknown_targets(
    review: Review, condition: str, data: Mapping[str, RawData]
) -> Iterator[ProtocolProblem]:
    """A target may be of people and drugs of which another condition alone has trials."""
    asked, where = review.conditions[condition], f"conditions.{condition}"
    named = {where: asked.target}
    named |= {f"{where}.analyses.{name}": one.target for name, one in asked.analyses.items()}
    for key, target in named.items():
        if target is None:
            continue
        parts = {("drug", "arms", "drug"): target.drug}
        for kind, columns in (("include", target.include), ("exclude", target.exclude)):
            parts |= {(f"{kind}.{name}", "trials", name): v for name, v in columns.items()}
        for (part, table, column), values in parts.items():
            sheets = [raw[table] for raw in data.values()]
            known = {str(row[column]) for sheet in sheets for row in sheet.rows}
            for value in values:
                if sheets[0].table[column].kind == "id" and value not in known:
                    yield ProtocolProblem(
                        key=f"{key}.target.{part}",
                        value=value,
                        rule=f"no row of any {table}.csv has it",
                        fix=f"use one of {', '.join(sorted(known))}",
                    )


def _not_eligible(where: str, asked: Eligibility, raw: RawData) -> Iterator[ProtocolProblem]:
    for instrument in asked.instruments:
        if instrument not in raw.instruments():
            yield ProtocolProblem(
                key=f"{where}.instruments",
                rule=f"{instrument} is not in data/raw/instruments.csv",
                fix="add it there or fix the spelling",
            )
    yield from _unknown_codes(where, asked, raw)


def _unknown_codes(where: str, rule: Filter, raw: RawData) -> Iterator[ProtocolProblem]:
    trials = raw["trials"]
    for kind, values in (("include", rule.include), ("exclude", rule.exclude)):
        for column, wanted in values.items():
            present = {str(row[column]) for row in trials.rows}
            for value in wanted:
                if trials.table[column].kind == "id" and value not in present:
                    yield ProtocolProblem(
                        key=f"{where}.{kind}.{column}",
                        rule=f"no trial has {value}",
                        fix=f"those in {trials.file} are {', '.join(sorted(present))}",
                    )


def _unknown_levels(where: str, moderator: Moderator, *data: RawData) -> Iterator[ProtocolProblem]:
    if moderator.table not in ("trials", "arms"):
        return
    sheets = [raw[moderator.table] for raw in data]
    if sheets[0].table[moderator.column].kind in ("choice", "yes_no"):
        return
    present = {str(row[moderator.column]) for sheet in sheets for row in sheet.rows}
    files = " or ".join(sheet.file for sheet in sheets)
    for level, values in moderator.levels.items():
        for value in values:
            if value not in present:
                yield ProtocolProblem(
                    key=f"{where}.levels.{level}",
                    rule=f"no row of {files} has {moderator.column} = {value}",
                    fix="fix the spelling or remove it",
                )
