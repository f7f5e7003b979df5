"""Effects of a trial between which no rule of the protocol decides: found before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from trialpool.review.case import Case, Tables
from trialpool.review.choosing.preference import UndecidedError
from trialpool.review.effects.comparisons import build_effects
from trialpool.review.effects.records import Records, marked
from trialpool.review.extraction.clean import clean
from trialpool.review.extraction.read import RawData
from trialpool.review.protocol.problems import ProtocolProblem
from trialpool.review.protocol.protocol import Review
from trialpool.review.questions.network_data import gather
from trialpool.review.schema import files
from trialpool.review.schema.processed import UNIVERSES


def undecided(review: Review, data: Mapping[str, RawData]) -> Iterator[ProtocolProblem]:
    """Each analysis and network in which effects of a trial tie, with the two ways out.

    Parameters
    ----------
    data : the checked raw tables of each condition
    """
    for condition, raw in data.items():
        known, records = _prepared(review, condition, raw)
        asked = review.conditions[condition]
        for name in asked.analyses:
            try:
                Case.of(review, condition, name, known).chosen()
            except UndecidedError as error:
                yield _problem(f"conditions.{condition}.analyses.{name}", error)
        for name, network in asked.networks.items():
            try:
                gather(known, records, network, review)
            except UndecidedError as error:
                yield _problem(f"conditions.{condition}.networks.{name}", error)


def _problem(key: str, error: UndecidedError) -> ProtocolProblem:
    return ProtocolProblem(key=key, rule=error.words, fix=error.fix)


def _prepared(review: Review, condition: str, raw: RawData) -> tuple[Tables, Records]:
    """The tables that effects are chosen from, as the steps of a run read them."""
    cleaned = clean(raw, review.confidence_order).all_tables()
    with TemporaryDirectory() as folder:

        def as_read(name: str, table: pd.DataFrame) -> pd.DataFrame:
            path = Path(folder) / f"{name}.csv"
            files.write(path, table, review.added)
            return files.read(path, review.added)

        read = {name: as_read(name, table) for name, table in cleaned.items()}
        records = Records(read["trials"], read["arms"], read["records"], marked([]))
        effects = build_effects(
            records,
            review.measures(condition),
            review.defaults,
            review.changes(condition),
            vary=False,
        )
        known = {"effects": as_read("effects", effects), "universes": UNIVERSES.frame()}
        return Tables(**{f.name: (known | read)[f.name] for f in fields(Tables)}), records
