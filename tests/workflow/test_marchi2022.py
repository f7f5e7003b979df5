"""The published pooled effects of Marchi 2022 from the raw tables, with that paper's choices.

Marchi M and others, Front Neurosci 2022;16:1011103: DerSimonian-Laird, normal quantile, RevMan's
SMD and its variance, Taylor 2018 (a crossover) taken as two independent groups. Printed: anxiety
-0.42 (-0.84 to 0.003), without ECT -0.58 (-1.07 to -0.09), depression -0.61 (-1.06 to -0.16).

The review itself does not use all rows of that paper's tables: some are changes from baseline taken
for scores, some hold numbers that cannot be. Here they are put back, as that paper had them.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from small import ROOT, cleaned_tables, tables_of

from trialpool.review.analysis import analyse
from trialpool.review.case import Case
from trialpool.review.extraction.checking import load
from trialpool.review.extraction.read import RawData
from trialpool.review.protocol.protocol import Review, read_protocol, resolve
from trialpool.review.schema.raw import CONFIDENCE
from trialpool.review.trust.main_result import MainResult, main_result

if "depression" not in read_protocol(ROOT / "config/review.yaml").conditions:
    pytest.skip("another review than the one that ships", allow_module_level=True)

POOLING = {
    "model": {"method": "IV", "tau2": "DL", "test": "z"},
    "crossover": {"handling": "parallel"},
    "change": {"standardise": "leave_out"},  # of trials that the paper does not have
}
REVMAN = {"variance": "RevMan", "correction": "approx"}
UNBIASED = {"variance": "UB", "correction": "exact"}

# estimate, lower and upper limit as printed
PUBLISHED = {
    "symptoms": (-0.42, -0.84, 0.00),
    "symptoms_without_ect": (-0.58, -1.07, -0.09),
    "depression": (-0.61, -1.06, -0.16),
}


def case(review: Review, condition: str, name: str) -> Case:
    """The steps of the pipeline up to an analysis, in memory, with every row of that paper."""
    rules = review.outcome_rules()
    data, warnings = load(ROOT / "data/raw", condition, rules, CONFIDENCE, review.added)
    all_as_scores(data)
    tables = cleaned_tables(data, warnings, review.confidence_order)
    return Case.of(review, condition, name, tables_of(review, condition, tables))


def all_as_scores(data: RawData) -> None:
    """Every row of that paper's table, and a change from baseline as if it were a score."""
    for row in data["results"].rows:
        if row["source"] == "marchi2022":
            row |= {"exclude_reason": None, "outcome_type": "msd"}


def shipped() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "config/review.yaml").read_text("utf-8"))
    for condition in config["conditions"].values():
        condition.pop("side_by_side", None)  # by a moderator, which that paper has not
    return config


def as_in_the_paper(config: dict[str, Any], smd: dict[str, str]) -> Review:
    """That paper's choices; where two sources differ, the numbers that paper used."""
    order = ["secondary", "primary", "abstract"]
    return resolve({**config, "defaults": {**POOLING, "smd": smd}, "confidence_order": order})


def published(name: str, smd: dict[str, str]) -> MainResult:
    """One of the three pooled results, with that paper's choices."""
    review = as_in_the_paper(shipped(), smd)
    if name == "depression":
        return main_result(case(review, "depression", "symptoms"))
    asked, ect = case(review, "anxiety", "symptoms"), {"concomitant": ("ect",)}
    return main_result(asked.but(exclude=ect) if name == "symptoms_without_ect" else asked)


def numbers(result: MainResult) -> tuple[float, float, float]:
    return (result.fit.estimate, result.fit.ci_low, result.fit.ci_high)


@pytest.mark.parametrize(
    ("name", "k"), [(n, k) for n, k in zip(PUBLISHED, (6, 5, 17), strict=True)]
)
def test_pooled_effects_as_published(name: str, k: int) -> None:
    """RevMan's SMD: the pooled effects to two decimals, the limits to within 0.006.

    One limit misses the second decimal: without ECT ours is -0.085, printed -0.09.
    """
    result = published(name, REVMAN)
    assert len(result.studies) == k
    assert round(numbers(result)[0], 2) == PUBLISHED[name][0]
    assert numbers(result) == pytest.approx(PUBLISHED[name], abs=0.006)


@pytest.mark.parametrize("name", PUBLISHED)
def test_all_limits_as_published_with_the_unbiased_variance(name: str) -> None:
    """The exact, unbiased SMD variance gives every printed digit: that is what was used."""
    found = numbers(published(name, UNBIASED))
    assert tuple(round(value, 2) for value in found) == PUBLISHED[name]
    if name == "symptoms":
        assert round(found[2], 3) == 0.003


def test_pairing_taylor_moves_the_published_result_past_zero() -> None:
    """The unit-of-analysis error of the paper, and its size.

    Taylor 2018 has 17 people seen twice, not 35 people. Paired (correlation assumed 0.5), with
    all other choices of the paper kept, its standard error falls from 0.348 to 0.257, its weight
    rises from 15.8 to 18.8 %, and the pooled limits move from (-0.841, 0.003) to (-0.833, -0.013).
    """
    defaults = {**POOLING, "smd": UNBIASED, "crossover": {"handling": "paired"}}
    order = ["secondary", "primary", "abstract"]
    review = resolve({**shipped(), "defaults": defaults, "confidence_order": order})
    result = main_result(case(review, "anxiety", "symptoms"))
    taylor = result.studies.set_index("trial_id").loc["Taylor2018"]
    assert (taylor["design"], taylor["n"]) == ("crossover, paired", 17)
    assert taylor["vi"] ** 0.5 == pytest.approx(0.257, abs=0.001)
    assert taylor["weight"] == pytest.approx(18.8, abs=0.05)
    assert numbers(result) == pytest.approx((-0.423, -0.833, -0.013), abs=0.001)


def test_the_review_pairs_taylor_and_shows_the_other_choice_beside_it() -> None:
    """With the review's own model, on that paper's rows, it moves the estimate by 0.002."""
    config = shipped()
    config["defaults"]["change"] = POOLING["change"]
    own = analyse(case(resolve(config), "anxiety", "symptoms"))
    parallel = own.sensitivity.set_index("label").loc["as parallel"]
    assert own.studies.set_index("trial_id").loc["Taylor2018"]["design"] == "crossover, paired"
    moved = own.result.display.estimate - parallel["estimate"]
    assert moved == pytest.approx(0.0016, abs=0.0001)
