"""The paragraph per question of how far to trust a result: its words, and when it is left out."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from filled import analysis_result

from trialpool.analysis_result import AnalysisResult
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.trust_words import trust_words

NONE = pd.DataFrame()
HANGS = "Does it hang on one trial?"
RESTS = "What does it rest on?"
SMALL = "Do small trials tell another story?"
MISSING = "What could missing trials change?"
BENEFIT, HARM = "How likely is a benefit?", "How likely is a harm?"
KEEPS = "Does the interval keep its promise?"
OTHER = "Would another analysis say the same?"
NEXT = "What would a next trial change?"
PEOPLE = "How few people could turn it?"
BELOW = {"estimate": -0.6, "ci_low": -0.9, "ci_high": -0.3}
ACROSS = {"estimate": -0.2, "ci_low": -0.6, "ci_high": 0.2}
RATIO_ABOVE = {"estimate": 2.0, "ci_low": 1.2, "ci_high": 3.0}
RATIO_BELOW = {"estimate": 0.5, "ci_low": 0.2, "ci_high": 0.9}


def made(shown: dict[str, float] = BELOW, **changes: Any) -> AnalysisResult:
    """Six trials of 200 people, in which a drug is compared."""
    about = {"measure": "SMD", "outcome_title": "dropout", "better": "lower", "k": 6, "n": 200,
             "display": shown, "experimental_label": "Ketamine",
             "pooled": {"level": 0.95}}  # fmt: skip
    return analysis_result(**(about | changes))


def says(question: str, result: AnalysisResult, **trust: pd.DataFrame) -> str:
    """The answer to a question; blank where the page leaves it out."""
    tables = AnalysisTables(
        result=result, studies=NONE, missing=NONE, sensitivity=NONE, trust=trust
    )
    return {each.name: each.text for each in trust_words(tables)}.get(question, "")


def test_a_result_of_which_nothing_was_asked_has_no_words() -> None:
    analysis = AnalysisTables(result=made(), studies=NONE, missing=NONE, sensitivity=NONE)
    assert trust_words(analysis) == []


# -- one trial -------------------------------------------------------------------------------


def influence(turns: list[str], influential: list[str]) -> dict[str, Any]:
    """Three trials, the middle one in name without which the estimate is lowest."""
    without = {
        "Ash 2011": BELOW | {"estimate": -0.5},
        "Birch 2012": BELOW | {"estimate": -0.75},
        "Cedar 2013": ACROSS,
    }
    return {"influence": {"turns": turns, "influential": influential, "without": without}}


def test_leaving_out_names_the_trials_of_both_ends() -> None:
    assert says(HANGS, made(trust=influence([], []))) == (
        "No. Leaving out one trial at a time moves the estimate between −0.75 (without Birch 2012) "
        "and −0.20 (without Cedar 2013); the interval excludes no difference each time."
    )


def test_a_trial_that_turns_it_stands_with_what_it_then_is() -> None:
    text = says(HANGS, made(trust=influence(["Cedar 2013"], ["Cedar 2013", "Ash 2011"])))
    assert text.startswith("Yes. Leaving out one trial at a time")
    assert ", and without Cedar 2013 it is −0.20 (−0.60 to 0.20): another conclusion." in text
    assert text.endswith("Ash 2011 pulls the result by the usual measures of influence.")


def test_two_trials_that_pull_are_named_together() -> None:
    text = says(HANGS, made(trust=influence([], ["Ash 2011", "Birch 2012"])))
    assert "each time. Ash 2011 and Birch 2012 pull the result" in text


# -- what it rests on ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "k", "text"),
    [
        ({}, 6, ""),
        ({"flagged": 50.0, "imputed": 60.0}, 6,
         "Mostly on doubtful ground: 60 % of the weight on numbers that needed an assumption; "
         "50 % of the weight on numbers that a check marked."),
        ({"high risk of bias": 50.0}, 6,
         "Mostly on doubtful ground: 50 % of the weight on trials at high risk of bias."),
        ({"high risk of bias": 49.9}, 6,
         "In part on doubtful ground: 50 % of the weight on trials at high risk of bias."),
        ({"imputed": 0.4}, 6, "In part on doubtful ground: under 1 % of the weight on numbers that "
         "needed an assumption."),
        ({"high risk of bias": 100.0, "flagged": 100.0}, 1,
         "On a trial at high risk of bias and numbers that a check marked."),
        ({"risk of bias not assessed": 100.0}, 1,
         "On a trial whose risk of bias nobody has assessed."),
    ],
)  # fmt: skip
def test_what_the_weight_rests_on(weights: dict[str, float], k: int, text: str) -> None:
    assert says(RESTS, made(k=k, trust={"weights": weights})) == text


# -- small trials ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asymmetric", "turns", "text"),
    [
        ([], [], "None of three tests sees an asymmetric funnel; estimates that allow for "
         "small-study effects lie between −0.50 and −0.10, and none concludes otherwise."),
        (["Egger"], [], "The funnel is asymmetric by Egger; estimates that allow for small-study "
         "effects lie between −0.50 and −0.10, and none concludes otherwise."),
        (["Egger"], ["PET"], "The funnel is asymmetric by Egger; estimates that allow for "
         "small-study effects lie between −0.50 and −0.10, and 1 of 4 conclude otherwise: PET."),
        ([], ["PET", "limit"], "None of three tests sees an asymmetric funnel; estimates that "
         "allow for small-study effects lie between −0.50 and −0.10, and 2 of 4 conclude "
         "otherwise: PET and limit. With this few trials the tests often miss an asymmetry."),
    ],
)  # fmt: skip
def test_what_small_trials_say(asymmetric: list[str], turns: list[str], text: str) -> None:
    small = {"tests": 3, "asymmetric": asymmetric, "estimates": 4, "turns": turns,
             "lowest": -0.5, "highest": -0.1}  # fmt: skip
    assert says(SMALL, made(trust={"small_studies": small})) == text


# -- missing trials --------------------------------------------------------------------------


def gone(studies: list[str], *answers: dict[str, Any]) -> dict[str, Any]:
    return {"missing_effect": {"trials": studies, "studies": studies, "n": 138, "k": 7,
                               "important": -0.5, "answers": answers}}  # fmt: skip


EXCLUDED = "interval no longer excludes no difference"
REACHED = "estimate no longer reaches the important difference"


def test_what_a_missing_trial_would_need_to_find() -> None:
    at = {"question": EXCLUDED, "reached": True, "at_null": False, "assumed": 0.4}
    never = {"question": REACHED, "reached": False, "at_null": False, "assumed": None}
    assert says(MISSING, made(trust=gone(["Fir 2021"], at, never))) == (
        "Were Fir 2021 (n = 138) known, with whatever effect: the interval would cease to exclude "
        "no difference from 0.40 on; the estimate would never fall short of the difference that "
        "matters (−0.50)."
    )


def test_several_missing_trials_that_had_found_nothing() -> None:
    at_null = {"question": EXCLUDED, "reached": True, "at_null": True, "assumed": 0.0}
    two = made(trust=gone(["Fir 2021", "Gum 2022"], at_null))
    assert says(MISSING, two) == (
        "Were Fir 2021 and Gum 2022 (n = 138) known, each with the same effect: even had they "
        "found nothing, the interval would cease to exclude no difference."
    )
    assert "even had it found nothing" in says(MISSING, made(trust=gone(["Fir 2021"], at_null)))
    assert says(MISSING, made(trust=gone(["Fir 2021"]))) == ""


# -- beliefs ---------------------------------------------------------------------------------


def beliefs(**more: Any) -> dict[str, Any]:
    benefit = {"any": [0.9, 0.95], "matters": [0.5, 0.6]}
    harm = {"any": [0.05, 0.1], "matters": [0.01, 0.02]}
    threshold = more.pop("threshold", 0.5)
    return {"priors": {"benefit": benefit, "harm": harm, "priors": 3, "threshold": threshold,
                       **more}}  # fmt: skip


OF_ALL = " (three priors of the heterogeneity, a flat one of the effect)."


@pytest.mark.parametrize(
    ("result", "question", "says_so"),
    [
        (made(trust=beliefs()), BENEFIT, "that ketamine helps at all"),
        (made(RATIO_BELOW, measure="RR", trust=beliefs()), BENEFIT,
         "that dropout is less frequent with ketamine at all"),
        # More of what is wanted is a benefit; more of what nobody wants is a harm.
        (made(RATIO_ABOVE, measure="RR", better="higher", trust=beliefs()), BENEFIT,
         "that dropout is more frequent with ketamine at all"),
        (made(RATIO_ABOVE, measure="RR", trust=beliefs()), HARM,
         "that dropout is more frequent with ketamine at all"),
        # A score that rose is not called a harm of an event.
        (made({"estimate": 0.6, "ci_low": 0.3, "ci_high": 0.9}, trust=beliefs()), BENEFIT,
         "that ketamine helps at all"),
    ],
)  # fmt: skip
def test_whether_the_question_is_of_a_benefit_or_a_harm(
    result: AnalysisResult, question: str, says_so: str
) -> None:
    other = HARM if question == BENEFIT else BENEFIT
    assert says_so in says(question, result)
    assert ("5 to 10 %" in says(question, result)) == (question == HARM)
    assert says(other, result) == ""


def test_beliefs_name_the_difference_that_matters_and_the_missing_trials() -> None:
    sides = {"benefit": {"any": [0.7, 0.8], "matters": [0.2, 0.3]},
             "harm": {"any": [0.2, 0.3], "matters": None}}  # fmt: skip
    text = says(BENEFIT, made(trust=beliefs(if_missing_null=sides)))
    assert "50 to 60 % that it helps by more than 0.50 standard deviations" in text
    assert text.endswith(
        f"{OF_ALL} Had the missing trials that can be added found nothing: 70 to 80 % and 20 to "
        "30 %."
    )
    events = made(RATIO_ABOVE, measure="RR", trust=beliefs(threshold=1.25, if_missing_null=sides))
    text = says(HARM, events)
    assert "1 to 2 % that it is so by a ratio of more than 1.25 to 1" in text
    assert text.endswith("found nothing: 20 to 30 %.")
    plain = made(trust={"priors": {"benefit": {"any": [0.9, 0.9], "matters": None},
                                   "harm": {"any": [0.1, 0.1], "matters": None},
                                   "priors": 1}})  # fmt: skip
    assert "helps at all (one prior of the" in says(BENEFIT, plain)


# -- coverage --------------------------------------------------------------------------------


def covers(tau2: list[float] | None = None, **shares: list[float] | None) -> dict[str, Any]:
    return {"coverage": {"replicates": 10000, "tau2": tau2 or [0.0], **shares}}


@pytest.mark.parametrize(
    ("low", "words"),
    [
        (0.97, "more often than it promises"), (0.969, ": it keeps its promise"),
        (0.94, ": it keeps its promise"), (0.939, "it nearly keeps its promise"),
        (0.93, "it nearly keeps its promise"), (0.929, "less often than it promises"),
    ],
)  # fmt: skip
def test_the_promise_of_an_interval_is_judged_by_its_lowest_coverage(
    low: float, words: str
) -> None:
    assert words in says(KEEPS, made(trust=covers(confidence=[low, 0.99])))


def test_what_was_simulated_is_said_in_one_sentence() -> None:
    given = covers([0.0, 0.12], confidence=[0.95, 0.96], normal=[0.85, 0.9], prediction=[0.9, 0.91])
    assert says(KEEPS, made(trust=given)) == (
        "In 10,000 simulated reviews of six trials like these (τ² from 0 to 0.12) the shown 95 % "
        "interval held the true mean in 95 to 96 %: it keeps its promise; one with normal "
        "quantiles would have held it in 85 to 90 %; the prediction interval held a new trial’s "
        "true effect in 90 to 91 %."
    )


def test_an_interval_that_is_the_normal_one_is_told_once() -> None:
    same = says(KEEPS, made(trust=covers(confidence=[0.95, 0.95], normal=[0.95, 0.95])))
    assert "normal quantiles" not in same
    assert "τ²" not in same
    alone = says(KEEPS, made(trust=covers(normal=[0.85, 0.85])))
    assert "a random-effects interval with normal quantiles would have held it in 85 %." in alone
    assert says(KEEPS, made(trust=covers())) == ""


# -- the multiverse --------------------------------------------------------------------------


def tried(agree: int, of: int, **more: Any) -> dict[str, Any]:
    facts = {"specifications": 2000, "distinct": of, "lowest": -0.9, "highest": -0.1,
             "same_sign": {"count": of, "of": of}, "same_conclusion": {"count": agree, "of": of},
             "moved_most_by": "", "turned_most_by": ""}  # fmt: skip
    return {"multiverse": facts | more}


@pytest.mark.parametrize(
    ("agree", "start"),
    [
        (100, "Yes. In all of 100 different analyses out of 2,000 combinations the interval "
         "excludes no difference; the estimates go from −0.90 to −0.10."),
        (99, "Mostly. In 99 % of 100 different analyses"),
        (80, "Mostly. In 80 % of 100 different analyses"),
        (79, "Not reliably. In 79 % of 100 different analyses"),
    ],
)  # fmt: skip
def test_how_many_analyses_agree(agree: int, start: str) -> None:
    text = says(OTHER, made(trust=tried(agree, 100)))
    assert text.startswith(start)
    assert ("as here" in text) == (agree < 100)


@pytest.mark.parametrize(
    ("distinct", "words"),
    [(100, "combinations the"), (101, "(1 more has no estimate)"), (1200, "(1,100 more have no")],
)
def test_analyses_without_an_estimate_are_counted(distinct: int, words: str) -> None:
    assert words in says(OTHER, made(trust=tried(100, 100, distinct=distinct)))


def test_one_analysis_alone_says_nothing() -> None:
    assert says(OTHER, made(trust=tried(1, 1))) == ""
    assert says(OTHER, made(trust=tried(2, 2))) != ""


def test_estimates_on_the_other_side_are_told_of() -> None:
    sign = {"count": 90, "of": 100}
    text = says(OTHER, made(trust=tried(100, 100, same_sign=sign)))
    assert "−0.10, 90 % of them on the side shown here." in text


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.9, -0.9, "; the estimate is −0.90 in each."),
        # The interval is 0.6 wide, or of a ratio log 4.5: hardly is less than a tenth of it.
        (-0.65, -0.595, "; the estimate hardly moves (−0.65 to −0.59)."),
        (-0.65, -0.585, "; the estimates go from −0.65 to −0.58."),
    ],
)
def test_a_range_is_held_against_the_interval(low: float, high: float, words: str) -> None:
    assert words in says(OTHER, made(trust=tried(100, 100, lowest=low, highest=high)))


@pytest.mark.parametrize(("high", "hardly"), [(0.58, True), (0.582, False)])
def test_a_range_of_ratios_is_held_against_the_interval_in_logs(high: float, hardly: bool) -> None:
    """exp(log(4.5) / 10) is 1.1623."""
    result = made(RATIO_BELOW, measure="RR", trust=tried(9, 9, lowest=0.5, highest=high))
    assert ("hardly moves" in says(OTHER, result)) == hardly


@pytest.mark.parametrize(
    ("turned", "moved", "range_", "end"),
    [
        ("Test", "Model", 0.8, " Whether it excludes no difference hangs most on the choice of "
         "“test”, the size of the estimate on “model”."),
        ("Test", "Test", 0.8, " hangs most on the choice of “test”."),
        ("Test", "", 0.8, " hangs most on the choice of “test”."),
        ("Test", "Model", 0.01, " hangs most on the choice of “test”."),
        ("", "Model", 0.8, " The size of the estimate hangs most on the choice of “model”."),
        ("", "Model", 0.01, "the estimate hardly moves (−0.90 to −0.89)."),
        ("", "", 0.8, "the estimates go from −0.90 to −0.10."),
    ],
)  # fmt: skip
def test_which_choice_it_hangs_on(turned: str, moved: str, range_: float, end: str) -> None:
    more = {"turned_most_by": turned, "moved_most_by": moved, "highest": -0.9 + range_}
    assert says(OTHER, made(trust=tried(9, 9, **more))).endswith(end)


# -- a next trial ----------------------------------------------------------------------------


def next_trial(result: AnalysisResult, *rows: tuple[str, str, float, float]) -> str:
    names = ("target", "finds", "effect", "n_total")
    return says(NEXT, result, next_trial=pd.DataFrame(rows, columns=list(names)))


def asked(shown: dict[str, float], **more: Any) -> AnalysisResult:
    facts = {"reason": "", "k": 7, "searched": [20, 20000]}
    return made(shown, trust={"next_trial": facts}, **more)


EXCLUDE, INCLUDE = "interval excludes no difference", "interval includes no difference"
IT, MATTERS, NOTHING = "the estimate", "the important difference", "no difference"


def test_the_size_that_a_next_trial_needs() -> None:
    both = next_trial(asked(ACROSS), (EXCLUDE, IT, -0.2, 400.0), (EXCLUDE, MATTERS, -0.5, 90.0),
                      (EXCLUDE, NOTHING, 0.0, 60.0))  # fmt: skip
    assert both == (
        "For the interval to exclude no difference after one more trial: it needs 400 people if it "
        "finds the estimate (−0.20); it needs 90 people if it finds the important difference "
        "(−0.50)."
    )
    # The same effect twice is said once, and only these two effects are told of.
    alike = next_trial(asked(ACROSS), (EXCLUDE, IT, -0.5, 400.0), (EXCLUDE, MATTERS, -0.501, 90.0))
    assert alike.endswith("finds the estimate (−0.50).")
    assert next_trial(asked(ACROSS), (EXCLUDE, NOTHING, 0.0, 60.0)) == ""
    # What looks like no difference excludes none.
    assert next_trial(asked(ACROSS), (EXCLUDE, IT, -0.004, 60.0)) == ""


def test_a_result_that_excludes_no_difference_is_asked_when_it_would_not() -> None:
    text = next_trial(asked(BELOW), (INCLUDE, IT, -0.6, 80.0), (INCLUDE, NOTHING, 0.0, 120.0))
    assert text == (
        "For the interval to include no difference after one more trial: it needs 120 people if it "
        "finds no difference (0.00)."
    )


def test_sizes_at_the_ends_of_the_search() -> None:
    never = next_trial(asked(ACROSS), (EXCLUDE, IT, -0.2, math.nan))
    assert "no size up to 20,000 people would do if it finds the estimate (−0.20)." in never
    assert "it needs 21 people" in next_trial(asked(ACROSS), (EXCLUDE, IT, -0.2, 21.0))
    any_size = next_trial(asked(ACROSS), (EXCLUDE, IT, -0.2, 20.0))
    assert any_size.endswith(
        "one of any size would do if it finds the estimate (−0.20), since the number of trials, "
        "not of people, holds the interval back."
    )


def test_a_next_trial_is_not_told_of_other_targets() -> None:
    other = ("interval holds only important differences", IT, -0.6, 80.0)
    assert next_trial(asked(BELOW), other) == ""
    assert next_trial(made(trust={"next_trial": {"reason": "none"}}), other) == ""


# -- a few people ----------------------------------------------------------------------------


def few(index: int | None, n: int, shown: dict[str, float] = RATIO_ABOVE) -> str:
    fragility: dict[str, Any] = {"index": index, "n": n, "reason": "", "moved": []}
    return says(PEOPLE, made(shown, measure="RR", trust={"fragility": fragility}))


def test_how_few_people_turn_it() -> None:
    assert few(None, 200) == ""
    assert few(1, 200) == (
        "Another outcome in one person of 200 would make the interval no longer exclude no "
        "difference (an upper bound of the fewest)."
    )
    assert few(2, 200, {"estimate": 1.1, "ci_low": 0.8, "ci_high": 1.4}).startswith(
        "Another outcome in 2 people of 200 would make the interval exclude no difference"
    )
    # People who were in both arms are counted by their outcomes.
    assert "in 2 people, of 210 outcomes counted, would make" in few(2, 210)
