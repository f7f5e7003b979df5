"""Which effects count: one set of rules, whoever asks, and each rule from both of its sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import filled
import pandas as pd
import pytest
from cases import case, tables
from small import ROOT, SmallReview
from time_course_cases import analysis, asked, dense, effects

from trialpool.multilevel.aggregate import aggregate
from trialpool.review.analysis import analyse
from trialpool.review.case import Case, Tables
from trialpool.review.effects.crossover import AS_PARALLEL, FIRST, PAIRED
from trialpool.review.protocol.network_spec import NetworkQuestion
from trialpool.review.protocol.protocol import Review, read_protocol, resolve
from trialpool.review.protocol.settings import Model
from trialpool.review.protocol.time_dose_spec import Doses, TimeCourse
from trialpool.review.questions.dose import dose_tables
from trialpool.review.questions.network_data import gather
from trialpool.review.questions.time_course import time_course
from trialpool.review.trust.main_result import main_result
from trialpool.review.trust.multiverse import explore
from trialpool.review.trust.sensitivity import sensitivity
from trialpool.review.trust.what_if import what_if

IV = Doses(drug="drug", route="IV")
COMMON = Model(tau2="EE", test="z")


def arms(names: str) -> pd.DataFrame:
    """Both arms of each trial, trials named by one letter; doses rise with the letter."""
    about = {"dose": None, "dose_mg": None, "route": "IV", "arm": None, "comparator_class": None}
    return pd.DataFrame([
        about | {"trial_id": name, "arm_id": arm, "role": role, "drug": drug,
                 "dose_mg_kg": 0.1 * (i + 1)}
        for i, name in enumerate(names)
        for arm, role, drug in (("ket", "experimental", "drug"), ("mdz", "control", "other"))
    ])  # fmt: skip


def judged(**judgements: str) -> pd.DataFrame:
    return pd.DataFrame({
        "trial_id": list(judgements), "domain": "overall", "judgement": list(judgements.values()),
    })  # fmt: skip


def chosen(made: Case) -> list[str]:
    return sorted(set(made.chosen().chosen["trial_id"]))


def of_dose(made: Case) -> pd.DataFrame:
    return dose_tables(made, IV)[0]["dose_points"]


def of_course(made: Case) -> pd.DataFrame:
    return time_course(made, TimeCourse(), dense)[0]["time_points"]


# -- each rule from both sides ---------------------------------------------------------------------


@pytest.mark.parametrize(("day", "taken"), [(4.9, False), (5, True), (16, True), (16.1, False)])
def test_a_window_holds_both_its_ends(day: float, taken: bool) -> None:
    """Whole days or not; the rejected one says which day and which window."""
    found = asked(analysis(), effects([("A", day, -0.5)], n=31.0)).chosen()
    assert len(found.chosen) == taken
    told = [] if taken else [f"day {day:g} is outside day 5 to 16"]
    assert found.rejected["reason"].tolist() == told


@pytest.mark.parametrize("whole", [PAIRED, AS_PARALLEL])
def test_both_periods_come_before_the_first_alone(whole: str) -> None:
    """Even where the first period has more people and its name comes first."""
    both = effects([("A", 7.0, -0.5)], design=whole, effect_id="z", n=20.0)
    first = effects([("A", 7.0, -0.1)], design=FIRST, effect_id="a", n=60.0)
    found = asked(analysis(), pd.concat([first, both])).chosen()
    assert found.chosen["yi"].tolist() == [-0.5]
    assert found.rejected["reason"].tolist() == [
        f"another effect of the trial is used: {FIRST} comes after {whole}"
    ]
    alone = asked(analysis(), pd.concat([first, both.assign(yi=float("nan"))])).chosen()
    assert alone.chosen["yi"].tolist() == [-0.1]


@pytest.mark.parametrize("near", [6.9, 7.1])
def test_the_nearest_day_is_taken_on_either_side(near: float) -> None:
    """Before the source and the number of people are looked at."""
    far = effects([("A", 7.2, -0.9)], effect_id="a", n=90.0)
    table = pd.concat([far, effects([("A", near, -0.2)], effect_id="b", confidence="secondary")])
    assert asked(analysis(), table).chosen().chosen["yi"].tolist() == [-0.2]


# -- risk of bias ----------------------------------------------------------------------------------


@pytest.fixture
def low() -> Case:
    """A is at low risk, B at high risk, C is not assessed."""
    rows = effects([("A", 7.0, -0.5), ("A", 30.0, -0.3), ("B", 7.0, -0.8), ("C", 7.0, -0.2)])
    bias = judged(A="low", B="high")
    return asked(analysis(risk_of_bias=["low"]), rows, arms=arms("ABC"), risk_of_bias=bias)


def test_risk_of_bias_decides_in_every_question(low: Case) -> None:
    """Main result, dose, course at all its days, every specification and sensitivity row."""
    assert chosen(low) == ["A"]
    assert of_dose(low)["trial_id"].tolist() == ["A"]
    assert of_course(low)["day"].tolist() == [7.0, 30.0]
    assert set(of_course(low)["trial_id"]) == {"A"}
    made = explore(low)
    assert made.summary.withheld is None
    assert set(made.table["k"]) == {1}
    assert set(sensitivity(low, main_result(low))["k"]) == {1}
    reasons = low.chosen().rejected.set_index("trial_id")["reason"].to_dict()
    assert (reasons["B"], reasons["C"]) == ("risk of bias is high", "risk of bias is not assessed")


def test_without_the_key_all_trials_count(low: Case) -> None:
    every = low.but(risk_of_bias=())
    assert chosen(every) == ["A", "B", "C"]
    assert sorted(of_dose(every)["trial_id"]) == ["A", "B", "C"]
    assert set(of_course(every)["trial_id"]) == {"A", "B", "C"}
    assert max(explore(every).table["k"]) == 3


@pytest.mark.parametrize(("judgement", "missing"), [("low", True), ("high", False), (None, True)])
def test_a_missing_trial_judged_otherwise_is_not_missing(
    judgement: str | None, missing: bool
) -> None:
    """One that nobody judged may be."""
    gone = pd.DataFrame([{
        "trial_id": "M", "outcome": "ptsd_symptoms", "what_if": "yes", "what_if_reason": None,
        "time_from_days": 7.0, "time_to_days": 7.0, "period": "whole", "n_experimental": 20.0,
        "n_control": 22.0, "n_total": 42.0,
    }])  # fmt: skip
    bias = judged(A="low") if judgement is None else judged(A="low", M=judgement)
    known = tables(
        effects=effects([("A", 7.0, -0.5)]), missing_results=gone, risk_of_bias=bias,
        trials=pd.DataFrame({"trial_id": ["A", "M"], "study": ["A", "M"], "year": [2001, 2003]}),
    )  # fmt: skip
    made = case(analysis(risk_of_bias=["low"]), tables=known)
    found = what_if(made, made.chosen().chosen)
    assert list(found.added) == (["M"] if missing else [])


def test_a_network_can_ask_for_low_risk_of_bias(tmp_path: Path) -> None:
    """As an analysis does; the trials left out say so."""
    small = SmallReview(tmp_path)
    given: dict[str, Any] = {
        "title": "Mood", "outcome": "mood", "measure": "SMD", "reference": "saline",
        "nodes": {"drug": {"drug": ["drug"]}, "saline": {"drug": ["saline"]}},
        "time_days": (5, 10), "risk_of_bias": ["low", "some_concerns"],
    }  # fmt: skip
    spec = NetworkQuestion.model_validate(given)
    found = gather(small.tables(), small.records(), spec, small.review)
    assert sorted(found.contrasts["trial_id"]) == ["Ash", "Birch"]
    reasons = found.left_out.set_index("trial_id")["reason"]
    assert (reasons["Elm"], reasons["Cedar"]) == (
        "risk of bias is high", "risk of bias is not assessed",
    )  # fmt: skip


# -- without ---------------------------------------------------------------------------------------


def test_what_is_left_out_again_is_out_of_every_question() -> None:
    """F is an outlier on day 7; it is out of the dose, and of the course on day 30 too."""
    rows = [(name, 7.0, 0.01 * i) for i, name in enumerate("ABCDE")]
    table = effects([*rows, ("F", 7.0, 5.0), ("F", 30.0, 0.0), ("A", 30.0, 0.0)])
    spec = analysis(without="outliers")
    made = asked(spec, table, arms=arms("ABCDEF"), model=COMMON)
    assert chosen(made.but(without=None)) == list("ABCDEF")
    assert chosen(made) == list("ABCDE")
    assert sorted(of_dose(made)["trial_id"]) == list("ABCDE")
    assert sorted(set(of_course(made)["trial_id"])) == list("ABCDE")
    assert "F" in set(of_course(made.but(without=None))["trial_id"])
    main = main_result(made)
    assert sensitivity(made, main)["k"].max() == 5


# -- several effects -------------------------------------------------------------------------------

TWO = pd.concat([
    effects([("A", 7.0, -0.5), ("B", 7.0, -0.4), ("A", 14.0, -0.6)]),
    effects([("A", 7.0, -0.9), ("B", 7.0, -0.1)], instrument="PCL-5"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("handling", "taken", "on_day_7"),
    [
        ("one", {"A": -0.5, "B": -0.4}, {"A": -0.5, "B": -0.4}),
        ("lowest", {"A": -0.9, "B": -0.4}, {"A": -0.9, "B": -0.4}),
        ("highest", {"A": -0.5, "B": -0.1}, {"A": -0.5, "B": -0.1}),
    ],
)
def test_the_handling_of_several_effects_holds_in_every_question(
    handling: str, taken: dict[str, float], on_day_7: dict[str, float]
) -> None:
    """Lowest and highest of the window for the dose, of each day for the course."""
    made = asked(analysis(effects=handling), TWO, arms=arms("AB"))
    main = made.chosen().chosen.set_index("trial_id")["yi"].to_dict()
    assert main == taken
    assert of_dose(made).set_index("trial_id")["estimate"].to_dict() == taken
    course = of_course(made)
    day = course[course["day"] == 7].set_index("trial_id")["estimate"].to_dict()
    assert day == on_day_7


@pytest.mark.parametrize("handling", ["all", "combined", "che"])
def test_a_question_of_one_effect_combines_those_beside_each_other(handling: str) -> None:
    """With its own correlation: by trial for the dose, by trial and day for the course."""
    made = asked(analysis(effects=handling, rho=0.3), TWO, arms=arms("AB"))
    points = of_dose(made).set_index("trial_id")
    three = aggregate([-0.5, -0.6, -0.9], [0.1] * 3, ["A"] * 3, rho=0.3)
    assert points.loc["A", "estimate"] == pytest.approx(three.yi[0], rel=1e-5)
    assert list(points.index) == ["A", "B"]
    course = of_course(made)
    two = aggregate([-0.5, -0.9], [0.1] * 2, ["A"] * 2, rho=0.3)
    day = course[(course["trial_id"] == "A") & (course["day"] == 7)]
    assert day["estimate"].tolist() == pytest.approx(two.yi.tolist(), rel=1e-5)
    half = (day["ci_high"] - day["estimate"]).iloc[0] / 1.959964
    assert half**2 == pytest.approx(two.vi[0], rel=1e-5)


def test_effects_of_different_arms_have_no_dose_together() -> None:
    """Combined into one effect of the trial they are of two doses; said, not guessed."""
    table = pd.concat([
        effects([("A", 7.0, -0.5)]),
        effects([("A", 7.0, -0.9)], experimental_arms="high"),
    ])  # fmt: skip
    both = pd.concat([arms("A"), arms("A").iloc[:1].assign(arm_id="high", dose_mg_kg=0.9)])
    points = of_dose(asked(analysis(effects="che"), table, arms=both))
    assert points["in_model"].tolist() == ["no"]
    assert points["reason"].tolist() == [
        "its effects, which are combined, are not all of the same arms"
    ]


# -- the order of sources --------------------------------------------------------------------------


def test_the_protocols_order_of_sources_holds_in_every_row() -> None:
    """A secondary source says -0.9, the trial -0.1: of both periods and of the first alone."""
    parts = [
        effects([("A", 7.0, yi)], design=design, confidence=source, effect_id=f"{design} {source}")
        for design in (PAIRED, FIRST)
        for source, yi in (("secondary", -0.9), ("primary", -0.1))
    ]
    for order, expected in (
        (("secondary", "abstract", "primary"), -0.9),
        (("primary", "abstract", "secondary"), -0.1),
    ):
        made = asked(analysis(), pd.concat(parts), arms=arms("A"), confidence=order)
        main = main_result(made)
        rows = sensitivity(made, main).set_index("label")["estimate"]
        assert rows["as in the protocol"] == expected
        assert rows["first period only"] == expected
        assert set(explore(made).table["estimate"].dropna()) == {expected}
        assert of_dose(made)["estimate"].tolist() == [expected]
        assert of_course(made)["estimate"].tolist() == [expected]


# -- the shipped review ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Review:
    return read_protocol(ROOT / "config/review.yaml")


@pytest.mark.parametrize("condition", ["ptsd", "anxiety", "safety", "depression"])
def test_low_risk_of_bias_leaves_the_same_trials_to_a_dose(shipped: Review, condition: str) -> None:
    """PTSD keeps none; its dose question once kept 3 (anxiety 6, safety 4, depression 13)."""
    config = shipped.model_dump(mode="json")
    for spec in config["conditions"][condition]["analyses"].values():
        spec["risk_of_bias"] = ["low"]
    review, folder = resolve(config), ROOT / "data/processed" / condition
    paths = {name: folder / f"{name}.csv" for name in Tables.__dataclass_fields__}
    known = Tables.read(paths, review.added)
    for question in review.conditions[condition].doses.values():
        made = Case.of(review, condition, question.analysis, known)
        found, facts = dose_tables(made, question)
        assert set(found["dose_points"]["trial_id"]) == set(chosen(made))
        assert facts.k <= len(chosen(made))
        if condition == "ptsd":
            assert chosen(made) == []


def test_the_library_names_no_drug_of_the_shipped_review() -> None:
    """What is under study is the protocol's to say, and so is by which drug doses are compared."""
    given = set()
    for path in sorted((ROOT / "data/raw").glob("*/arms.csv")):
        table = pd.read_csv(path, dtype=str)
        given |= set(table.loc[table["role"] == "experimental", "drug"])
    assert "ketamine" in given
    texts = {path: path.read_text("utf-8").lower() for path in (ROOT / "src").rglob("*.py")}
    assert [path.name for path, text in texts.items() if any(drug in text for drug in given)] == []
    assert all(field.is_required() for name, field in Doses.model_fields.items()
               if name in ("drug", "route"))  # fmt: skip


def test_no_moderator_of_the_shipped_review_lists_trials(shipped: Review) -> None:
    """What tells trials apart is a column of theirs: a new trial needs no edit of the protocol."""
    trials = {
        row for path in (ROOT / "data/raw").glob("*/trials.csv")
        for row in pd.read_csv(path, dtype=str)["trial_id"]
    }  # fmt: skip
    for condition, name in shipped.pairs():
        for moderator in shipped.moderators_of(
            shipped.conditions[condition].analyses[name]
        ).values():
            assert moderator.column != "trial_id"
            assert not trials & {value for values in moderator.levels.values() for value in values}


def test_an_analysis_of_the_small_review_is_made_from_its_names(small: SmallReview) -> None:
    """All that decides, by the protocol: thresholds, sides, order, model."""
    made = small.case("green", "harm_odds")
    assert (made.condition, made.name, made.measure) == ("green", "harm_odds", "OR")
    assert (made.model.method, made.rules.counts) == ("MH", "Mantel-Haenszel")
    assert made.important == pytest.approx(0.22314355)  # log(1.25)
    assert made.confidence == ("primary", "abstract", "secondary")
    assert made.heading().favours_left == "favours drug"
    assert analyse(made).result.k == len(chosen(made))


def test_a_missing_trial_that_cannot_be_added_has_no_estimate_in_the_verdict(
    small: SmallReview,
) -> None:
    """Beside one that can: nothing is said of what it would have changed."""
    for table in ("trials", "missing_results"):
        rows = small.rows(table)
        small.write(table, [*rows, *([c.replace("Fir", "Oak") for c in row] for row in rows[1:]
                                     if row[0] == "Fir")])  # fmt: skip
    small.set("missing_results", 2, "what_if", "no")
    small.set("missing_results", 3, "n_experimental", "9")
    result = small.result("blue", "mood").result
    assert filled.given(result.largest_missing).study == "Fir 2021"
    assert filled.given(result.what_if).trials == ("Oak",)
    texts = [threat.text for threat in result.verdict.threats]
    assert any(
        "had the one trial that can be added found nothing" in text for text in texts
    ) or any("has no usable numbers" in text for text in texts)
    assert not any("would be –" in text for text in texts)
