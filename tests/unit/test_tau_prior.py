"""The prior of tau of differences in points: that of standard deviations in their units."""

from __future__ import annotations

from math import isnan, nan

import pandas as pd
import pytest
from cases import case
from small import SmallReview

from trialpool.bayes import normal_normal
from trialpool.effects import MEASURES
from trialpool.review.accounts.trace import raw_tables
from trialpool.review.accounts.trace_checks import check_analysis
from trialpool.review.accounts.verify import verify
from trialpool.review.fitting.fit import leading
from trialpool.review.fitting.prior import sds_of, tau_prior
from trialpool.review.protocol.settings import FewTrials, Model
from trialpool.review.trust.beliefs import beliefs, posterior
from trialpool.review.trust.next_trial import next_trial

# In standard deviations; in points of a scale with a reference SD of 5.1.
Y, V, SD = [-0.30, -0.22, -0.31], [0.018, 0.026, 0.015], 5.1
STUDIES = pd.DataFrame(
    {
        "trial_id": ["A", "B", "C"],
        "yi": [y * SD for y in Y],
        "vi": [v * SD**2 for v in V],
        "comparator_class": "placebo",
    }
)


@pytest.mark.parametrize(
    ("measure", "sds", "scale"),
    [
        ("SMD", {}, 0.5),
        ("SMD", {"GAD-7": 5.1, "STAI": 9.74}, 0.5),
        ("RR", {}, 0.5),
        ("MD", {"GAD-7": 5.1}, 2.55),
        ("MD", {"HAM-D": 9.15, "HRSD": 9.15}, 4.575),  # one scale under two names
    ],
)
def test_the_scale_is_in_the_units_of_the_effects(
    measure: str, sds: dict[str, float], scale: float
) -> None:
    prior = tau_prior(measure, 0.5, sds)
    assert prior.scale == pytest.approx(scale)
    assert prior.why_not == ""
    assert prior.scale / prior.unit == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("measure", "sds", "why"),
    [
        ("MD", {"BAI": nan}, "BAI has no reference SD in instruments.csv"),
        ("MD", {"BAI": nan, "GAD-7": 5.1}, "BAI has no reference SD in instruments.csv"),
        ("MD", {"GAD-7": 5.1, "STAI": 9.74},
         "the trials are on instruments with different reference SDs (GAD-7, STAI)"),
        ("RD", {}, "no prior of tau fits differences of risks or rates"),
    ],
)  # fmt: skip
def test_without_a_scale_the_reason_says_so(measure: str, sds: dict[str, float], why: str) -> None:
    prior = tau_prior(measure, 0.5, sds)
    assert isnan(prior.scale)
    assert why in prior.why_not
    how = leading(Model(), measure, tau_scale=0.5, effects="one", reference_sds=sds)
    assert how.no_bayes == prior.why_not
    assert not isinstance(how.of(3), FewTrials)


def test_points_are_led_as_standard_deviations_are() -> None:
    """Effects and prior in other units: every number is 5.1 times that of the SMDs."""
    how = leading(Model(), "MD", tau_scale=0.5, effects="one", reference_sds={"GAD-7": SD})
    made, plain = how.fit(STUDIES, "MD"), normal_normal(Y, V, tau_scale=0.5)
    shown = [made.estimate, made.ci_low, made.ci_high, made.pi_low, made.pi_high]
    wanted = [plain.mu, plain.mu_lb, plain.mu_ub, plain.new_lb, plain.new_ub]
    assert shown == pytest.approx([SD * value for value in wanted], rel=1e-7)
    assert made.policy.bayesian
    assert made.words == "Bayesian random effects, half-normal(2.55) prior of tau"


def test_the_table_of_priors_is_in_points_and_says_of_what() -> None:
    """0.25, 0.5 and 1 times 5.1; no empirical prior is in points."""
    asked = case("MD", reference_sds={"GAD-7": SD})
    table = beliefs(asked, STUDIES)
    assert table["prior"].tolist() == [
        "tau half-normal(1.275)", "tau half-normal(2.55)", "tau half-normal(5.1)", "empirical",
    ]  # fmt: skip
    assert table["protocol"].tolist() == ["no", "yes", "no", "no"]
    assert table["note"].tolist()[1] == "0.5 times the reference SD, 5.1"
    made = posterior(asked, STUDIES)
    assert made is not None
    assert made.mu == pytest.approx(table.loc[1, "mu"])
    assert posterior(case("MD", reference_sds={"BAI": nan}), STUDIES) is None


def test_a_next_trial_of_points_is_asked_with_the_same_prior() -> None:
    sizes = dict.fromkeys(("n_experimental", "n_control"), 100.0)
    spread = dict.fromkeys(("sd_experimental", "sd_control"), SD)
    asked = case("MD", reference_sds={"GAD-7": SD})
    _, facts = next_trial(asked, STUDIES.iloc[:2].assign(**sizes, **spread))
    assert getattr(facts, "tau_scale", None) == pytest.approx(2.55)


def test_every_measure_that_compares_says_whether_it_has_a_prior() -> None:
    """In points the instrument decides; of risks and rates there is none."""
    without = {code for code, each in MEASURES.items() if each.no_prior and each.null is not None}
    assert {"RD", "IRD", "VR"} <= without
    assert not without & {"MD", "SMD", "OR", "RR", "HR", "ROM"}


def in_points(small: SmallReview) -> None:
    path = small.folder / "config/review.yaml"
    text = path.read_text(encoding="utf-8")
    extra = "      points: {title: Points, outcome: mood, measure: MD, instruments: [SCALE]}\n"
    harm = "      harm: {title: Any harm, outcome: harm, measure: RR}\n"
    path.write_text(text.replace(harm, harm + extra, 1), encoding="utf-8")


def test_a_review_takes_the_reference_sd_of_its_instrument(small: SmallReview) -> None:
    """SCALE has 8.0: half-normal(4), in the fit, the multiverse, and both ways of checking it."""
    in_points(small)
    made = small.result("blue", "points")
    result, studies = made.result, made.studies
    assert 2 <= result.k <= 4
    assert "half-normal(4) prior" in result.model
    assert result.specification["reference_sd"] == {"SCALE": 8.0}
    led = normal_normal(studies["yi"], studies["vi"], tau_scale=4.0)
    assert result.display.estimate == pytest.approx(led.mu, rel=1e-6)
    notes = made.trust["multiverse"]["note"].dropna()
    assert notes.str.contains("half-normal(4)", regex=False).any()
    second = verify(result, studies).set_index("quantity")["verdict"]
    assert second[["estimate", "ci_low", "ci_high", "pi_low", "pi_high"]].eq("agree").all()
    raw = raw_tables(small.folder / "data/raw/blue", {})
    checks = check_analysis(result, studies, small.records(), raw)
    assert checks[0].differences == ()


def test_without_a_reference_sd_the_review_takes_that_of_its_trials(small: SmallReview) -> None:
    in_points(small)
    for column in ("reference_sd", "reference_sd_source"):
        small.set("instruments", 2, column, "")
    result = small.result("blue", "points").result
    assert result.policy.bayesian
    assert "reference_sd" not in result.specification
    (sd,) = result.specification["sd_within_groups"].values()
    assert 7 < sd < 10  # the groups' own lie there
    table = beliefs(small.case("blue", "points"), small.result("blue", "points").studies)
    assert f"0.5 times the SD within the groups of the trials, {sd:g}" in table["note"].tolist()
    assert "SD within the groups of the trials" in result.important_reason


def test_without_a_reference_sd_the_trials_own_is_pooled() -> None:
    """Four groups: (10 x 4^2 + 20 x 5^2 + 30 x 6^2 + 40 x 7^2) / 100 = 37."""
    effects = pd.DataFrame({
        "instrument": ["SCALE", "SCALE"], "reference_sd": [None, None],
        "sd_experimental": [4.0, 6.0], "n_experimental": [11, 31],
        "sd_control": [5.0, 7.0], "n_control": [21, 41],
    })  # fmt: skip
    sds, named = sds_of(effects)
    assert sds["SCALE"] == pytest.approx(37.0**0.5)
    assert named == "SD within the groups of the trials"
    known, reference = sds_of(effects.assign(reference_sd=8.0))
    assert known == {"SCALE": 8.0}
    assert reference == "reference SD of the instrument"


def test_groups_without_an_sd_leave_none() -> None:
    effects = pd.DataFrame({
        "instrument": ["SCALE"], "reference_sd": [float("nan")],
        "sd_experimental": [None], "n_experimental": [11], "sd_control": [5.0], "n_control": [1],
    })  # fmt: skip
    sds, _ = sds_of(effects)
    assert isnan(sds["SCALE"])
    assert "its trials give none" in tau_prior("MD", 0.5, sds).why_not
