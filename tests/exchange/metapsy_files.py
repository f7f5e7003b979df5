"""Metapsy files for tests: where the shared databases are, and how to make a small one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from small import ROOT

from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.metapsy.read import read
from trialpool.review.extraction.checking import load
from trialpool.review.extraction.read import RawData
from trialpool.review.schema.raw import CONFIDENCE

SHARED = ROOT.parent / "shared" / "metapsy"
CONDITIONS = ("ptsd", "panic", "generalized_anxiety")
FILES = tuple((condition, name) for condition in CONDITIONS for name in ("data", "database"))

# Made up: one trial of two arms with scores, as the standard writes it.
SOUND = {
    "study": "Doe, 2020", "condition_arm1": "cbt", "condition_arm2": "wl", "multi_arm1": "NA",
    "multi_arm2": "NA", "outcome_type": "msd", "instrument": "BDI", "time": "post",
    "time_weeks": "8", "rating": "self-report", "mean_arm1": "10", "sd_arm1": "4", "n_arm1": "20",
    "mean_arm2": "14", "sd_arm2": "5", "n_arm2": "25", "event_arm1": "NA", "event_arm2": "NA",
    "totaln_arm1": "NA", "totaln_arm2": "NA", "dich_type": "NA", "precalc_g": "NA",
    "precalc_g_se": "NA", "precalc_log_rr": "NA", "precalc_log_rr_se": "NA", "year": "2020",
    ".g": "0.8571", ".g_se": "0.3138",
}  # fmt: skip
NO_SCORES = dict.fromkeys(
    ("mean_arm1", "sd_arm1", "n_arm1", "mean_arm2", "sd_arm2", "n_arm2"), "NA"
)


def shared(condition: str, name: str) -> Path:
    """A file of the shared databases; the test is skipped where they are not."""
    path = SHARED / condition / f"{name}.csv"
    if not path.exists():
        pytest.skip("the shared Metapsy databases are not beside this repository")
    return path


def make(path: Path, *changes: Mapping[str, str], separator: str = ",") -> Path:
    """Write a file with one row per set of changes to the sound row."""
    rows = [{**SOUND, **change} for change in changes] or [SOUND]
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, *([row.get(name, "NA") for name in names] for row in rows)]
    text = "\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def imported(folder: Path, *changes: Mapping[str, str], **options: Any) -> Imported:
    """The raw tables of such a file."""
    return read(make(folder / "made.csv", *changes), ImportOptions(condition="made", **options))


def loaded(tables: Imported, folder: Path, condition: str = "made") -> RawData:
    """The tables as the pipeline reads them; fails if it would refuse them."""
    tables.write(folder, condition)
    raw, _ = load(folder, condition, tables.outcomes, CONFIDENCE, {})
    return raw


def reasons(tables: Imported) -> Sequence[str]:
    """What was left, but for the columns metapsyTools computes."""
    return [f"{entry.where}: {entry.what} = {entry.value}: {entry.why}" for entry in tables.left
            if "computed by metapsyTools" not in entry.why]  # fmt: skip
