"""Is the review ready to run: the protocol, the raw data, and whether they speak of the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialpool.review.extraction.clean import check_all
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import RawData
from trialpool.review.protocol.eligibility import Eligibility, Filter
from trialpool.review.protocol.problems import ProtocolError, ProtocolProblem
from trialpool.review.protocol.protocol import Review, load_yaml, resolve
from trialpool.review.protocol.settings import Moderator


def ready(config: Mapping[str, Any], files: Sequence[str | Path], folder: Path) -> Review:
    """Resolve the protocol and check everything before anything is written.

    Parameters
    ----------
    config : the configuration as Snakemake merged it
    files : the files it came from; only there can a key that stands twice be seen
    folder : the raw data folder

    Raises
    ------
    ProtocolError, DataError
        listing all problems of the protocol, or else of the raw data
    """
    for file in files:
        load_yaml(file)
    review = resolve(config)
    check(review, folder)
    return review


def check(review: Review, folder: Path) -> tuple[dict[str, RawData], list[Problem]]:
    """Check the raw data against the protocol, and the protocol against the raw data.

    Returns
    -------
    The raw data by condition, and the warnings

    Raises
    ------
    DataError
        listing the errors of all raw tables
    ProtocolError
        when the tables are in order but the protocol names what they do not hold
    """
    data, warnings = check_all(
        folder,
        list(review.conditions),
        review.outcome_rules(),
        review.confidence_order,
        review.added,
    )
    if unknown := list(unknown_names(review, data)):
        raise ProtocolError.of(unknown)
    return data, warnings


def unknown_names(review: Review, data: Mapping[str, RawData]) -> Iterator[ProtocolProblem]:
    """Names in the protocol that no table holds: a typing error would empty an analysis.

    What the review's defaults name need not be in every condition, but in one.
    """
    for called, moderator in review.defaults.moderators.items():
        yield from _unknown_levels(f"defaults.moderators.{called}", moderator, *data.values())
    for condition, raw in data.items():
        yield from _unknown_in(review, condition, raw)


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
