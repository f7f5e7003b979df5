"""Every figure of an analysis from its written tables, for one trial and for sixty."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import outside, overlaps
from matplotlib.figure import Figure

from trialpool import typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.effects import effect_size
from trialpool.figures.catalogue import CAPTIONS, FOREST
from trialpool.figures.chart import Withheld
from trialpool.review.analysis import analyse
from trialpool.review.case import Case, Tables
from trialpool.review.protocol.protocol import Review, resolve
from trialpool.review.report import drawing, sheets
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.figure_lists import gone
from trialpool.review.report.moderator_tables import moderator_grids
from trialpool.review.report.moderator_words import moderator_words
from trialpool.review.report.trust_tables import trust_grids
from trialpool.review.report.trust_words import trust_words
from trialpool.review.schema import files
from trialpool.review.schema.processed import CLEANED, EFFECTS, FLAGS, UNIVERSES
from trialpool.review.schema.trust import TRUST_TABLES

SIZES = (1, 2, 3, 6, 60)


def review(measure: str) -> Review:
    kind = "continuous" if measure == "SMD" else "binary"
    return resolve({
        "title": "Made up", "question": "Does it help?", "version": "1", "data_until": "never",
        "experimental": "drug", "notice": "No advice.", "built_from": ["nothing"],
        "defaults": {"moderators": {
            "country": {"title": "country", "kind": "group", "column": "country"},
            "age": {"title": "mean age", "kind": "covariate", "column": "mean_age",
                    "unit": "years", "per": 10},
            "women": {"title": "share of women", "kind": "covariate", "column": "percent_women",
                      "unit": "%"}}},
        "outcomes": {"mood": {"title": "mood", "kind": kind, "better": "lower"}},
        "conditions": {"blue": {"title": "Blue", "question": "Why?", "analyses": {
            "mood": {"title": "Mood", "outcome": "mood", "measure": measure}}}},
    })  # fmt: skip


def material(k: int, measure: str) -> Tables:
    """K trials of growing size, one missing trial, judgements of all."""
    i = np.arange(k)
    n1, n2 = 20 + 3 * i, 22 + 3 * i
    ids = [f"Trial{x}" for x in i]
    rows: dict[str, Any] = dict.fromkeys(EFFECTS.names) | {
        "effect_id": [f"{name}|a-b" for name in ids], "trial_id": ids,
        "study": [f"Investigator {x} and others" for x in i], "year": 1990 + i % 30,
        "comparison": "drug v placebo", "comparator_class": "placebo", "outcome": "mood",
        "instrument": "SCALE", "time_days": 7.0, "outcome_type": "msd", "design": "parallel",
        "basis": "arms", "measure": measure, "n_experimental": n1, "n_control": n2, "n": n1 + n2,
        "confidence": "primary", "records": "results.csv:2", "cells": "", "source_url": "https://x.y",
    }  # fmt: skip
    names: tuple[str, ...]
    if measure == "SMD":
        numbers = {"m1i": 18 - 3 * np.sin(i), "sd1i": 8.0 + 0 * i, "n1i": n1,
                   "m2i": 20 + np.cos(i), "sd2i": 9.0 + 0 * i, "n2i": n2}  # fmt: skip
        names = (
            "mean_experimental",
            "sd_experimental",
            "",
            "mean_control",
            "sd_control",
            "",
        )
    else:
        numbers = {"ai": 3 + i % 4, "n1i": n1, "ci": 6 + i % 5, "n2i": n2}
        names = ("event_experimental", "totaln_experimental", "event_control", "totaln_control")
    sizes = effect_size(measure, **numbers)
    rows |= {name: held for name, held in zip(names, numbers.values(), strict=True) if name}
    rows |= {"yi": sizes.yi, "vi": sizes.vi, "formula": sizes.formula}
    trials = pd.DataFrame({
        "trial_id": [*ids, "Gone"], "study": [*rows["study"], "Gone 2021"],
        "year": [*rows["year"], 2021], "design": "parallel",
        "country": [*("a country with a rather long name" if x % 3 else "Chad" for x in i), None],
        "mean_age": [*(40 + 7 * np.cos(i)), None], "percent_women": [*(50 + i % 7), None],
    })  # fmt: skip
    missing = pd.DataFrame([{
        "trial_id": "Gone", "outcome": "mood", "status": "completed_unpublished",
        "period": "whole", "time_from_days": 7.0, "time_to_days": 7.0, "n_experimental": 50.0,
        "n_control": 50.0, "n_total": None, "reported": None, "reason": "nothing found",
        "what_if": "yes", "what_if_reason": None, "source_url": "https://x.y",
    }])  # fmt: skip
    arms = pd.DataFrame(columns=["trial_id", "arm_id", "role", "comparator_class"])
    judged = {"trial_id": ids, "domain": "overall", "judgement": ["low", "high"][k % 2]}
    return Tables(
        effects=pd.DataFrame(rows, columns=list(EFFECTS.names)),
        universes=UNIVERSES.frame(),
        trials=trials,
        arms=arms,
        missing_results=missing,
        risk_of_bias=pd.DataFrame(judged, columns=list(CLEANED["risk_of_bias"].names)),
    )


@cache
def written(k: int, measure: str) -> tuple[AnalysisTables, dict[str, pd.DataFrame]]:
    """An analysis as the next steps read it from its files."""
    with TemporaryDirectory() as folder:
        return _written(k, measure, Path(folder))


def _written(k: int, measure: str, folder: Path) -> tuple[AnalysisTables, dict[str, pd.DataFrame]]:
    source = material(k, measure)
    made = analyse(Case.of(review(measure), "blue", "mood", source))
    own = {name: getattr(made, name) for name in ("studies", "missing", "sensitivity")}
    held = {}
    about = {"risk_of_bias": source.risk_of_bias, "flags": FLAGS.frame()}
    for name, table in (own | dict(made.trust) | about).items():
        files.write(folder / f"{name}.csv", table, {})
        held[name] = files.read(folder / f"{name}.csv", {})
    typed_json.write(folder / "model.json", made.result)
    trust = {name: held[name] for name in TRUST_TABLES}
    parts = {name: held[name] for name in own}
    result = typed_json.read(folder / "model.json", AnalysisResult)
    return AnalysisTables(result=result, **parts, trust=trust), held


@pytest.mark.parametrize("measure", ["SMD", "RR"])
@pytest.mark.parametrize("k", SIZES)
def test_every_figure_is_whole_at_any_number_of_trials(k: int, measure: str) -> None:
    """Nothing overlaps, nothing is cut; what k does not allow has no sheet and a reason."""
    analysis, held = written(k, measure)
    drawn = set()
    made = dict(sheets.sheets(analysis.result, held))
    assert list(made) == list(CAPTIONS)
    for name, sheet in made.items():
        if isinstance(sheet, Withheld):
            assert sheet.reason
            continue
        drawn.add(name)
        assert not overlaps(sheet), name
        assert not outside(sheet), name
    always = {"forest", "missing_effect", "next_trial", "specification_curve"}
    expected = always | ({"cumulative", "priors"} if k > 1 else set())
    if k >= 5:
        expected |= {"leave_one_out", "baujat", "gosh", "funnel", "subgroups"}
    if k >= 10:
        expected |= {"bubble"}
    assert drawn == expected


def test_the_list_of_figures_and_the_drawings_are_the_same(tmp_path: Path) -> None:
    """What is not drawn any more is removed; the list says why, and how large each drawing is."""
    (tmp_path / "funnel.svg").write_text("of ten trials")
    (tmp_path / "renamed.svg").write_text("of an older version")
    paper = Figure(figsize=(2, 1.5))
    made: list[tuple[str, Figure | Withheld]] = [
        (FOREST, paper),
        ("funnel", Withheld(reason="k = 4")),
        ("gosh", paper),
    ]
    drawing.write(tmp_path, made, CAPTIONS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "figures.csv", "forest.pdf", "forest.png", "forest.svg", "gosh.svg",
    ]  # fmt: skip
    assert gone([str(tmp_path), str(tmp_path / "not drawn yet")]) == []
    (tmp_path / "gosh.svg").unlink()
    assert gone([str(tmp_path)]) == [f"{tmp_path}/gosh.svg"]
    listed = files.read(tmp_path / "figures.csv")
    assert listed["figure"].tolist() == [FOREST, "funnel", "gosh"]
    assert listed["shows"].tolist() == [CAPTIONS[name] for name in listed["figure"]]
    assert listed["drawn"].tolist() == ["yes", "no", "yes"]
    assert listed["reason"].fillna("").tolist() == ["", "k = 4", ""]
    assert listed[["width", "height"]].dropna().to_numpy().tolist() == [[144, 108], [144, 108]]


@pytest.mark.parametrize("measure", ["SMD", "RR"])
@pytest.mark.parametrize("k", SIZES)
def test_verdict_words_and_tables_stand_for_any_number_of_trials(k: int, measure: str) -> None:
    """What a page says of trust needs no number of trials, and holds no missing number."""
    analysis, _ = written(k, measure)
    told = " ".join([analysis.result.verdict.line, *(c.text for c in trust_words(analysis))])
    assert "nan" not in told
    assert "None" not in told.replace("None of ", "")
    questions = {caveat.name for caveat in trust_words(analysis)}
    assert ("Does it hang on one trial?" in questions) == (k >= 5)
    assert ("Do small trials tell another story?" in questions) == (k >= 10)
    assert "What could missing trials change?" in questions
    kinds = moderator_words(analysis)
    told = " ".join(caveat.text for caveat in kinds)
    assert "nan" not in told
    assert "None" not in told
    asked = ["Country"] * (k >= 5) + ["Mean age", "Share of women"] * (k >= 10)
    assert [caveat.name for caveat in kinds] == asked
    by_kind = moderator_grids(analysis)
    assert ("The result by kind of trial" in by_kind) == (k >= 5)
    assert ("Effects against covariates" in by_kind) == (k >= 10)
    assert ("Kinds of trials that could not be compared" in by_kind) == (k < 10)
    for grid in by_kind.values():
        assert all(len(row) in (1, len(grid.columns)) for row in grid.rows)
    grids = trust_grids(analysis)
    assert ("Each trial left out in turn" in grids) == (k >= 5)
    assert all(len(row) == len(grid.columns) for grid in grids.values() for row in grid.rows)
