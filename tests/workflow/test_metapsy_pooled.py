"""The published pooled effects of three Metapsy databases: a review's protocol, and no code.

Harrer and others 2023 (../shared/metapsy): imported by `trialpool import`, pooled by the steps of
the pipeline, each row of published_pooled_effects.csv one analysis. Where our number is another
one it is pinned, with the reason. docs/published_reviews.md shows the same table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
import yaml
from filled import given
from small import ROOT, cleaned_tables, tables_of

from trialpool.effects.needed_to_treat import nnt_furukawa
from trialpool.pooling.i2_interval import i2_interval
from trialpool.pooling.inference import half_width
from trialpool.review.case import Case, Tables
from trialpool.review.exchange.formats import FORMATS, ImportOptions
from trialpool.review.exchange.starter import starter
from trialpool.review.extraction.checking import load
from trialpool.review.protocol.protocol import Review, resolve
from trialpool.review.schema.raw import CONFIDENCE
from trialpool.review.trust.main_result import MainResult, main_result
from trialpool.review.trust.sensitivity import sensitivity

SHARED = ROOT.parent / "shared" / "metapsy"
CONDITIONS = ("ptsd", "panic", "generalized_anxiety")
PAGE = ROOT / "docs" / "published_reviews.md"
pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="the shared Metapsy databases are not beside this repository"
)

COMBINED = {"effects": "combined", "within": "arm", "rho": 0.6}
# Lower is better here and effects are turned: their lowest benefit is our highest difference.
ANALYSES: dict[str, dict[str, Any]] = {
    "Overall": {"effects": "all"},
    "One ES/study (lowest)": {"effects": "highest"},
    "One ES/study (highest)": {"effects": "lowest"},
    "Outliers removed": {**COMBINED, "without": "outliers"},
    "Influence Analysis": {**COMBINED, "without": "influential"},
    # Found by trying: of this row alone the prediction interval has k - 2 degrees of freedom.
    "Only rob > 0": {
        **COMBINED,
        "risk_of_bias": ["low", "some_concerns"],
        "model": {"tau2": "REML", "test": "knha", "prediction": "k-2"},
    },
    "Combined": COMBINED,
    "Three-Level Model (CHE)": {"effects": "che", "rho": 0.6},
}
CHE = "Three-Level Model (CHE)"
# Not printed; the one value with which every NNT of a database comes out.
CONTROL_EVENT_RATE = {"ptsd": 0.10, "panic": 0.14, "generalized_anxiety": 0.14}
# Their prediction interval has t on the number of effects less one; ours counts trials.
EXPLAINED: dict[tuple[str, str, str], tuple[float, ...]] = {
    ("panic", CHE, "prediction.ci"): (-0.24627, 1.90613),
    ("generalized_anxiety", CHE, "prediction.ci"): (-0.19410, 1.91581),
}
COLUMNS = ("k", "g", "g.ci", "p", "i2", "i2.ci", "prediction.ci", "nnt")
ROWS = [(condition, label) for condition in CONDITIONS for label in ANALYSES]
NUMBER = re.compile(r"-?\d+\.?\d*")


def name_of(label: str) -> str:
    return re.sub(r"[^a-z]+", "_", label.lower()).strip("_")


def protocol(condition: str, text: str) -> Review:
    """The protocol `trialpool import` writes, with the published rows as its analyses."""
    config: dict[str, Any] = yaml.safe_load(text)
    config["defaults"]["model"] = {"tau2": "REML", "test": "knha"}
    analyses = config["conditions"][condition]["analyses"]
    own = {name_of(label): {**analyses["symptoms"], **keys} for label, keys in ANALYSES.items()}
    if condition == "generalized_anxiety":
        # Its number for "low risk" is 1, for all else 0.
        own["only_rob"]["risk_of_bias"] = ["low"]
    config["conditions"][condition]["analyses"] = own
    return resolve(config)


def as_published(raw: Path, condition: str) -> None:
    """Two things their analysis has and the import, rightly, has not.

    Arms without a label of the file count as one; the numbers 0 and 1 in which the panic file has
    risk of bias, without a key, count as high and low.
    """
    arms = pd.read_csv(raw / "arms.csv", dtype=str, keep_default_na=False)
    arms.loc[~arms["notes"].str.contains("multi_arm: "), "arm"] = "without a label"
    arms.to_csv(raw / "arms.csv", index=False, lineterminator="\n")
    if condition == "panic":
        file = pd.read_csv(SHARED / condition / "data.csv", low_memory=False)
        low = dict(zip(file["study"], file["rob"] == 1, strict=True))
        trials = pd.read_csv(raw / "trials.csv", dtype=str, keep_default_na=False)
        rows = pd.DataFrame({"trial_id": trials["trial_id"], "domain": "overall"})
        rows["judgement"] = ["low" if low[study] else "high" for study in trials["study"]]
        rows["reason"], rows["source_url"] = "a code of the file", trials["source_url"]
        rows.to_csv(raw / "risk_of_bias.csv", index=False, lineterminator="\n")


@cache
def imported(condition: str, *, corrected: bool = True) -> tuple[Review, Tables]:
    """A database as the steps of the pipeline have it."""
    options = ImportOptions(condition=condition, effects="reported")
    form = FORMATS["metapsy"]
    with TemporaryDirectory() as folder:
        tables = form.read(SHARED / condition / "data.csv", options)
        tables.write(Path(folder), condition)
        if corrected:
            as_published(Path(folder) / condition, condition)
        review = protocol(condition, starter(tables, condition, form.file, form.smd))
        raw, warnings = load(Path(folder), condition, review.outcome_rules(), CONFIDENCE, {})
    made = cleaned_tables(raw, warnings, review.confidence_order)
    return review, tables_of(review, condition, made)


def case(condition: str, label: str) -> Case:
    review, read = imported(condition)
    return Case.of(review, condition, name_of(label), read)


@cache
def result(condition: str, label: str) -> MainResult:
    return main_result(case(condition, label))


def published(condition: str, label: str) -> Mapping[str, str]:
    """A row of the authors, every cell as printed."""
    path = SHARED / condition / "published_pooled_effects.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    (row,) = table[table["label"] == label].to_dict("records")
    return {str(column): str(cell) for column, cell in row.items()}


@cache
def ours(condition: str, label: str) -> Mapping[str, tuple[float, ...]]:
    """The cells of a row; positive is benefit, as they print it."""
    shown = result(condition, label).fit
    pooled = given(shown.pooled)
    g, rate = -shown.estimate, CONTROL_EVENT_RATE[condition]
    che = label == CHE
    return {
        "k": (pooled.k,),
        "g": (g,),
        "g.ci": (-shown.ci_high, -shown.ci_low),
        "p": (shown.p_value,),
        "i2": (pooled.i2 if che else pooled.i2_q,),
        "i2.ci": () if che else i2_interval(pooled.q, pooled.k)[1:],
        "prediction.ci": (-shown.pi_high, -shown.pi_low),
        "nnt": (nnt_furukawa(g, rate),),
    }


def agrees(printed: str, value: float) -> bool:
    """Whether a value rounds to what is printed; a last 0 is not printed, so two digits at least.

    I2 of the three-level model is printed to one.
    """
    digits = max(2, len(printed.partition(".")[2]))
    return abs(value - float(printed)) <= 0.5 * 10.0**-digits + 1e-12


@pytest.mark.parametrize(("condition", "label"), ROWS)
def test_a_row_is_reproduced_to_its_printed_digits(condition: str, label: str) -> None:
    """Or its cell is in the table of explained differences, with our number pinned."""
    row, mine = published(condition, label), ours(condition, label)
    for column in COLUMNS:
        cell, values = row[column], mine[column]
        told = EXPLAINED.get((condition, label, column))
        printed = NUMBER.findall(cell)
        if cell.startswith("<"):
            assert values[0] < float(cell[1:])
            continue
        assert len(printed) == len(values), column
        if label == CHE and column == "i2":
            assert abs(values[0] - float(cell)) <= 0.05
            continue
        same = all(agrees(p, v) for p, v in zip(printed, values, strict=True))
        assert same == (told is None), f"{column}: printed {cell}, ours {values}"
        if told is not None:
            assert values == pytest.approx(told, abs=1e-4), column


@pytest.mark.parametrize("condition", CONDITIONS)
def test_their_prediction_interval_counts_effects(condition: str) -> None:
    """With t on the effects less one, all six ends of the three-level models come out."""
    pooled = given(result(condition, CHE).fit.pooled)
    reach = float(half_width(0.95, pooled.k - 1)) * math.sqrt(pooled.tau2 + pooled.se**2)
    ends = (-pooled.beta - reach, -pooled.beta + reach)
    printed = NUMBER.findall(published(condition, CHE)["prediction.ci"])
    assert all(agrees(p, v) for p, v in zip(printed, ends, strict=True))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_variance_components(condition: str) -> None:
    """Between and within studies, and their shares: all printed digits."""
    table = pd.read_csv(SHARED / condition / "published_variance_components.csv")
    levels = given(result(condition, CHE).fit.levels)
    between, within = levels.sigma2_between, levels.sigma2_within
    shares = (levels.i2_between, levels.i2_within)
    tau2 = [between, within, between + within]
    assert tau2 == pytest.approx(table["tau2"].tolist(), abs=5e-5)
    assert [*shares, sum(shares)] == pytest.approx(table["i2"].tolist(), abs=0.05)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_is_left_out_are_the_studies_they_name(condition: str) -> None:
    """Outliers, influential studies and those of high risk, by name where they print names."""
    for label in ("Outliers removed", "Influence Analysis"):
        cell = published(condition, label)["excluded"].replace("removed as influential cases: ", "")
        found = result(condition, label).selection.rejected
        gone = found[found["reason"].astype(str).str.contains("first fit")]
        # An arm follows the study's name after its year.
        named = [re.sub(r"(?<=\d{4}[a-z]) .*|(?<=\d{4}) .*", "", each) for each in cell.split("; ")]
        assert sorted(gone["study"]) == sorted(n for n in named if n != "none"), label


def test_arms_that_the_file_does_not_label_stay_apart_unless_told() -> None:
    """Generalised anxiety by the import's own labels: 63 effects, not 62."""
    review, held = imported("generalized_anxiety", corrected=False)
    shown = main_result(Case.of(review, "generalized_anxiety", "combined", held)).fit
    found = (given(shown.pooled).k, shown.estimate, shown.ci_low, shown.ci_high)
    assert found == pytest.approx((63, -0.8299, -0.9789, -0.6809), abs=1e-4)


def test_the_sensitivity_table_sets_the_handlings_side_by_side() -> None:
    """Of the main analysis a reader sees what each other handling gives."""
    table = sensitivity(case("ptsd", CHE), result("ptsd", CHE))
    rows = table[table["group"] == "several effects"].set_index("label")
    assert len(rows) == 4
    assert rows.loc["every effect, as if independent", "estimate"] == pytest.approx(
        result("ptsd", "Overall").fit.estimate
    )


@pytest.mark.parametrize(("condition", "label"), ROWS)
def test_the_page_shows_this_row(condition: str, label: str) -> None:
    """docs/published_reviews.md has the same numbers, or is corrected with these tests."""
    assert line(condition, label) in PAGE.read_text(encoding="utf-8")


def line(condition: str, label: str) -> str:
    """A row of the page: what is printed, what ours is, and the columns that differ."""
    row, mine = published(condition, label), ours(condition, label)
    cells = [condition.replace("_", " "), label, row["k"], f"{row['g']} {row['g.ci']}"]
    cells += ["{:.3f} [{:.3f}; {:.3f}]".format(*mine["g"], *mine["g.ci"])]
    cells += [row["prediction.ci"], "[{:.2f}; {:.2f}]".format(*mine["prediction.ci"])]
    cells += [row["i2"], f"{mine['i2'][0]:.2f}", row["nnt"], f"{mine['nnt'][0]:.2f}"]
    different = [c for c in COLUMNS if (condition, label, c) in EXPLAINED]
    cells.append("prediction interval" if different else "none")
    return "| " + " | ".join(cells) + " |"
