"""The multiverse of an analysis: its data sets, against single fits made another way."""

from __future__ import annotations

from itertools import product
from math import atanh, exp, log, nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from cases import case
from small import ROOT, SmallReview, through_csv

from trialpool import effect_size, pool
from trialpool.bayes import normal_normal
from trialpool.bayes.counts import binomial_normal
from trialpool.diagnostics.multiverse_summary import Moves, QuestionSummary
from trialpool.figures import specification_curve
from trialpool.figures.chart import Withheld
from trialpool.review.effects.choices import AXES
from trialpool.review.protocol.multiverse_spec import MULTIVERSE, MultiverseSpec
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import read_protocol, resolve
from trialpool.review.trust.multiverse import AnalysisMultiverse, answer_of, explore
from trialpool.review.trust.multiverse_choices import TITLES


def run(small: SmallReview, analysis: str = "mood", condition: str = "blue") -> AnalysisMultiverse:
    return explore(small.case(condition, analysis))


def configure(small: SmallReview, change: dict[str, Any], analysis: str = "") -> None:
    """Set `defaults.multiverse`, or the `multiverse` of an analysis of blue."""
    path = small.folder / "config/review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    if analysis:
        config["conditions"]["blue"]["analyses"][analysis]["multiverse"] = change
    else:
        config.setdefault("defaults", {})["multiverse"] = change
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


def levels(found: AnalysisMultiverse) -> dict[str, list[str]]:
    return {factor.name: list(factor.levels) for factor in found.summary.factors}


def at(found: AnalysisMultiverse, **wanted: str) -> pd.Series:
    """The row of a specification; the protocol's own level of every factor that is not named."""
    table = found.table
    for name, known in levels(found).items():
        table = table[table[name] == wanted.get(name, known[0])]
    assert len(table) == 1, wanted
    return table.iloc[0]


def test_the_first_row_is_the_protocols_own_result(small: SmallReview) -> None:
    """The multiverse holds the result it is about, to the digit."""
    for condition, names in small.review.names().items():
        for name in names:
            found, result = run(small, name, condition), small.result(condition, name).result
            question = found.summary.questions[0]
            for field in ("estimate", "ci_low", "ci_high"):
                shown = pytest.approx(getattr(result.display, field), rel=1e-5)
                assert getattr(question, field) == shown
                assert found.table[field][0] == shown
            assert found.table["k"][0] == result.k


def test_single_steps_agree_with_the_sensitivity_table(small: SmallReview) -> None:
    """Two routes to one number: one choice changed at a time.

    Of four trials the model is the Bayesian one, so the table's other models have no row here.
    """
    found = run(small)
    table = small.result("blue", "mood").sensitivity.set_index("label")
    for label, wanted in {
        "r = 0.3": {"crossover": "paired, r = 0.3"},
        "r = 0.7": {"crossover": "paired, r = 0.7"},
        "as parallel": {"crossover": "as parallel"},
        "first period only": {"crossover": "first period only"},
        "variance Cochrane": {"paired_variance": "Cochrane"},
    }.items():
        row = at(found, **wanted)
        for field in ("estimate", "ci_low", "ci_high", "k"):
            assert row[field] == pytest.approx(table[field][label], rel=1e-4), label


def test_choices_meet_and_every_combination_is_what_pooling_it_alone_gives(
    small: SmallReview,
) -> None:
    """By hand: crossover x variance x risk of bias x missing, from the raw numbers."""
    found = run(small)
    crossed = {"paired, r = 0.5": 0.5, "paired, r = 0.3": 0.3, "as parallel": None}
    for crossover, variance, risk, missing in product(
        crossed, ("LS", "UB", "RevMan"), ("all trials", "without high risk"),
        ("not added", "added with no effect"),
    ):  # fmt: skip
        raw: dict[str, tuple[float, ...]] = {
            "Ash": (18, 8, 20, 24, 9, 19),
            "Birch": (20.5, 7.5, 31, 22, 8, 30),
            "Elm": (19, 9.5, 25, 21, 8.5, 26),
        }
        if crossed[crossover] is None:
            raw["Cedar"] = (15, 6, 16, 18.5, 6.5, 16)
        if risk != "all trials":
            del raw["Elm"]
        m1, sd1, n1, m2, sd2, n2 = (list(x) for x in zip(*raw.values(), strict=True))
        es = effect_size("SMD", m1i=m1, sd1i=sd1, n1i=n1, m2i=m2, sd2i=sd2, n2i=n2,
                         variance=variance)  # fmt: skip
        y, v = es.yi.tolist(), es.vi.tolist()
        if crossed[crossover] is not None:
            pair = effect_size("SMCRP", m1i=[15], sd1i=[6], m2i=[18.5], sd2i=[6.5], ni=[16],
                               ri=[crossed[crossover]])  # fmt: skip
            y, v = [*y, pair.yi[0]], [*v, pair.vi[0]]
        if missing != "not added":
            y, v = [*y, 0.0], [*v, 1 / 70 + 1 / 68]
        row = at(found, crossover=crossover, smd_variance=variance, risk_of_bias=risk,
                 missing=missing)  # fmt: skip
        if len(y) < 5:
            led = normal_normal(y, v, tau_scale=0.5)
            truth = (led.mu, led.mu_lb, led.mu_ub)
        else:
            own = pool(y, v, tau2="REML", test="hksj")
            truth = (own.beta, own.ci_lb, own.ci_ub)
        ours = (row["estimate"], row["ci_low"], row["ci_high"], row["k"])
        assert ours == pytest.approx((*truth, len(y)), rel=1e-4, abs=1e-5)


def test_an_effect_stands_under_the_levels_it_hangs_on_and_no_other(small: SmallReview) -> None:
    """Cedar hangs on its pairing; Ash only on the variance; counts on nothing."""
    table = small.tables().universes
    ash = table[table["effect_id"].str.startswith("Ash|experimental v control|mood|SCALE||day 7")]
    assert ash["smd_variance"].tolist() == ["LS", "RevMan", "UB"]
    assert ash[[axis for axis in AXES if axis != "smd_variance"]].isna().all(axis=None)
    cedar = table[table["effect_id"].str.startswith("Cedar|")]
    assert len(cedar) == 3 * 4 * 2
    assert set(cedar["crossover"]) == {"r = 0.3", "r = 0.5", "r = 0.7", "parallel"}
    assert not table["effect_id"].str.contains(r"\|harm\|").any()


def test_trials_without_a_first_period_drop_out(small: SmallReview) -> None:
    """Cedar reported both periods together: first period only and left out are one fit."""
    found = run(small)
    row = at(found, crossover="first period only")
    assert row["k"] == 3
    assert not (found.table["crossover"] == "left out").any()


def test_mantel_haenszel_is_a_model_of_counts(small: SmallReview) -> None:
    """A level of counts, never of scores; three trials are led by a posterior whatever it says."""
    found = run(small, "harm")
    counts = ([9, 4, 8], [20, 31, 25], [3, 0, 5], [19, 30, 26])
    truth = binomial_normal(*counts, measure="RR", each=False)
    row = at(found)
    assert row["note"].startswith("three trials: Bayesian random effects")
    assert row["estimate"] == pytest.approx(exp(truth.mu), rel=1e-5)
    assert row["ci_high"] == pytest.approx(exp(truth.mu_ub), rel=1e-5)
    assert "Mantel-Haenszel" in levels(found)["estimator"]
    assert "Mantel-Haenszel" not in levels(run(small))["estimator"]
    assert run(small, "harm_odds", "green").table["note"][0] != "no trial"


EVERY: dict[str, tuple[list[Any], list[str]]] = {
    "estimator": (["PM"], ["REML", "PM"]),
    "test": (["t"], ["Hartung-Knapp (hksj)", "t quantile"]),
    "smd_variance": (["Metapsy"], ["LS", "Metapsy"]),
    "crossover": ([0.9, "leave_out"], ["paired, r = 0.5", "paired, r = 0.9", "left out"]),
    "paired_variance": (["Cochrane"], ["SMCRP", "Cochrane"]),
    "several_arms": (["split", "covariance"], ["combined", "control split", "with covariance"]),
    "medians": (["QE"], ["LWS", "QE"]),
    "change_correlation": ([0.8], ["r = 0.5", "r = 0.8"]),
    "change_standardised": (["baseline_sd", "leave_out"],
                            ["by the reference SD", "by the SD at baseline", "left out"]),
    "instruments": (
        ["reversed", "each", ["OTHER", "SCALE"]],
        # SCALE alone is what the protocol's order comes to.
        ["protocol's order", "reverse order", "OTHER only"],
    ),
    "time_point": (["earliest", "latest"], ["nearest to day 7", "latest"]),
    "time_window": (
        [{"time_days": [20, 40]}, {"time_days": [0, 40], "prefer_time": 9}],
        ["day 5 to 10", "day 20 to 40", "day 0 to 40"],
    ),
    "comparators": ([["placebo"], "each"], ["placebo or active placebo", "placebo",
                                            "active placebo"]),
    "risk_of_bias": (["without_high"], ["all trials", "without high risk"]),
    "flagged": (["out"], ["kept", "left out"]),
    "missing": (["null"], ["not added", "added with no effect"]),
}  # fmt: skip


def spoilt(small: SmallReview, factor: str) -> None:
    """Give blue what a factor needs to matter: a third arm, a median, another scale or time."""
    rows = small.rows("results")
    head = rows[0]

    def but(row: list[str], **cells: str) -> list[str]:
        return [cells.get(name, value) for name, value in zip(head, row, strict=True)]

    if factor == "several_arms":
        arms = small.rows("arms")
        small.write("arms", [*arms, ["Ash", "high", "high", *arms[1][3:]]])
        small.write("results", [*rows, but(rows[1], arm_id="high", mean="16")])
    elif factor == "medians":
        # Not symmetric, or every method would give the same mean.
        new = but(rows[1], mean="", sd="", median="18", q1="12.5", q3="23", n="60")
        small.write("results", [rows[0], new, *rows[2:]])
    elif factor in ("change_correlation", "change_standardised"):
        path = small.folder / "config/review.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["conditions"]["blue"]["analyses"]["mood"]["outcome_types"] = ["change"]
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        small.write("results", rows)
    elif factor == "instruments":
        small.write("results", [*rows, *(but(row, instrument="OTHER") for row in rows[1:3])])
    elif factor in ("time_point", "time_window"):
        later = [but(row, time_days=day, mean="17") for row in rows[1:3] for day in ("9", "30")]
        small.write("results", [*rows, *later])
    elif factor == "comparators":
        arms = small.rows("arms")
        place = arms[0].index("comparator_class")
        for i, arm in enumerate(arms, start=1):
            if arm[0] == "Elm" and arm[place]:
                small.set("arms", i, "comparator_class", "active_placebo")
    elif factor == "flagged":
        # Far below the range any group mean can be expected in: a check flags the SD.
        small.set("results", 2, "sd", "1.8")


@pytest.mark.parametrize("factor", EVERY)
def test_each_key_bites_and_a_key_left_out_is_off(small: SmallReview, factor: str) -> None:
    """One factor alone: its levels are there, and they change the data or the fit."""
    spoilt(small, factor)
    given, expected = EVERY[factor]
    configure(small, {factor: {"kind": "U", "levels": given}})
    found = run(small)
    assert levels(found) == {factor: expected}
    if factor in ("estimator", "test"):  # four trials are led by one model, whatever these say
        assert found.summary.distinct == 1
        assert found.table["note"].str.startswith("four trials: Bayesian").all()
    else:
        assert found.summary.distinct > 1
    configure(small, {})
    assert levels(run(small)) == {}


def test_every_factor_has_a_title_a_default_and_a_test() -> None:
    """A new factor is not forgotten anywhere."""
    assert set(TITLES) == set(MultiverseSpec.model_fields) == set(EVERY)
    without = {name for name, factor in MULTIVERSE if factor is None}
    assert without == {"time_window"}


def test_the_protocol_page_gives_the_factors_that_hold_without_config() -> None:
    """Kind and levels of each default stand in docs/protocol.md as they are in the code."""
    page = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    for name, factor in MULTIVERSE:
        told = f"{factor.kind}: {', '.join(map(str, factor.levels))}" if factor else "none"
        assert f"| `{name}` | {told} |" in page


@pytest.mark.parametrize(
    ("change", "alike", "combined"),
    [
        ({"test": {"kind": "E", "levels": ["z", "knha"]}}, "estimator", "test"),
        ({"estimator": {"kind": "E", "levels": ["DL", "PM"]}}, "test", "estimator"),
        ({"missing": {"kind": "U", "levels": ["null"]}}, "test", "missing"),
        ({name: {"kind": "E", "levels": []} for name in ("estimator", "test")}, "test", ""),
        ({}, "estimator", ""),
    ],
    ids=["test alone", "estimator alone", "neither", "both empty", "no factor"],
)
def test_a_factor_that_is_not_named_keeps_the_protocols_level(
    small: SmallReview, change: dict[str, Any], alike: str, combined: str
) -> None:
    """Only the factors that are named are combined, estimator and test among them; all is shown."""
    configure(small, change)
    result = small.result("blue", "mood")
    made = through_csv(result.trust["multiverse"])
    assert [name for name in TITLES if name in made] == ([combined] if combined else [])
    assert alike not in made
    assert made["estimate"][0] == pytest.approx(result.result.display.estimate, rel=1e-5)
    assert [factor.name for factor in result.result.multiverse.factors] == (
        [combined] if combined else []
    )
    curve = specification_curve.rows(made, result.result.multiverse, result.result)
    assert not isinstance(curve, Withheld)
    specification_curve.draw(curve)


def test_an_analysis_may_add_replace_and_switch_off_factors(small: SmallReview) -> None:
    """Its own come in the place of the review's."""
    own = {
        "time_window": {"kind": "N", "levels": [{"time_days": [20, 40]}]},
        "test": {"kind": "E", "levels": ["z"]},
        "missing": {"kind": "U", "levels": []},
    }
    configure(small, own, "mood")
    found = run(small)
    assert levels(found)["test"] == ["Hartung-Knapp (hksj)", "normal quantile"]
    assert "missing" not in levels(found)
    assert "crossover" in levels(found)
    asked = found.summary.questions
    assert [each.question for each in asked] == [
        "Time window: day 5 to 10",
        "Time window: day 20 to 40",
    ]
    # No trial of that window has both arms: no estimate, counted and said.
    assert asked[1].with_estimate == 0
    assert "no trial" in asked[1].without_estimate
    # The step of the workflow sees the same settings.
    again = resolve(small.review.for_analyses("blue", ["mood"]))
    spec = again.conditions["blue"].analyses["mood"]
    assert again.multiverse_of(spec) == small.review.multiverse_of(
        small.review.conditions["blue"].analyses["mood"]
    )


def test_a_protocol_that_leaves_crossovers_out_can_be_asked_what_they_would_do(
    small: SmallReview,
) -> None:
    """Their numbers are worked out for the multiverse alone."""
    path = small.folder / "config/review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["defaults"] = {"crossover": {"handling": "leave_out"}}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    found = run(small)
    assert levels(found)["crossover"][0] == "left out"
    assert found.table["k"][0] == 3
    row = at(found, crossover="paired, r = 0.5")
    path.write_text(yaml.safe_dump({**config, "defaults": {}}), encoding="utf-8")
    assert row["estimate"] == pytest.approx(run(small).table["estimate"][0], rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimater": {}}, "defaults.multiverse.estimater: unknown key; remove it or fix the"),
        ({"test": {"kind": "E"}}, "defaults.multiverse.test.levels: missing; add it"),
        ({"test": {"kind": "Q", "levels": []}}, "defaults.multiverse.test.kind = 'Q': input"),
        (
            {"crossover": {"kind": "U", "levels": [1.5]}},
            "defaults.multiverse.crossover.levels.0 = 1.5: input should be a correlation",
        ),
        (
            {"estimator": {"kind": "E", "levels": ["XX"]}},
            "defaults.multiverse.estimator.levels.0 = 'XX': input should be 'EE'",
        ),
        (
            {"comparators": {"kind": "N", "levels": [["placeb"]]}},
            "defaults.multiverse.comparators.levels.0.0 = 'placeb': input should be 'placebo'",
        ),
    ],
)
def test_a_misspelt_factor_or_level_is_refused(
    small: SmallReview, change: dict[str, Any], message: str
) -> None:
    """With its dotted key, before anything runs."""
    configure(small, change)
    with pytest.raises(ProtocolError) as caught:
        read_protocol(Path(small.folder / "config/review.yaml"))
    assert any(line.startswith(message) for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("measure", "lowest", "highest", "moved"),
    [("SMD", -0.2949, -0.2851, False), ("SMD", -0.2951, -0.2851, True),
     ("RR", log(0.8251), log(0.8349), False), ("RR", log(0.8249), log(0.8349), True)],
)  # fmt: skip
def test_no_choice_moves_an_estimate_that_reads_the_same_each_time(
    measure: str, lowest: float, highest: float, moved: bool
) -> None:
    """All of the variance of the last digits is no finding; at the digits shown it is one."""
    moves = Moves(name="test", kind="E", eta2=1.0, start=lowest, shift=highest - lowest,
                  swing=0.25, lowest="a", highest="b")  # fmt: skip
    same = dict.fromkeys(("same_sign", "excludes_zero", "below_zero", "above_zero"), 1.0)
    values = dict.fromkeys(("median", "beta", "ci_lb", "ci_ub"), lowest)
    asked = QuestionSummary(
        levels={}, specifications=4, distinct=4, estimated=4, without_estimate={}, lowest=lowest,
        highest=highest, factors=(moves,), most="test", **same, **values,
    )  # fmt: skip
    answer = answer_of(asked, case(measure).heading())
    (factor,) = answer.factors
    assert bool(answer.most) == moved
    assert (factor.eta2, factor.swing) == (1.0 if moved else 0.0, 0.25)
    nothing = 1.0 if measure == "RR" else 0.0
    assert (factor.shift == nothing) == (not moved)
    assert (factor.from_level, factor.to_level) == (("a", "b") if moved else ("", ""))


@pytest.mark.parametrize(
    ("code", "start", "shift", "displayed"),
    [
        ("PLO", log(0.2 / 0.8), 0.0, 0.0),
        ("PLO", log(0.2 / 0.8), log(0.25 / 0.75) - log(0.2 / 0.8), 0.05),
        ("PLO", log(0.2 / 0.8), nan, nan),
        ("ZCOR", atanh(0.4), 0.0, 0.0),
        ("ZCOR", atanh(0.4), atanh(0.426) - atanh(0.4), 0.026),
        ("IRLN", log(0.2), log(1.5), 1.5),
        ("RR", log(0.2), log(1.5), 1.5),
        ("SMD", 0.4, 0.1, 0.1),
    ],
)
def test_the_shift_of_a_choice_is_that_of_the_displayed_means(
    code: str, start: float, shift: float, displayed: float
) -> None:
    """From a proportion of 0.2 to one of 0.25 it is 0.05; a shift of nothing is no proportion."""
    moves = Moves(name="test", kind="E", eta2=1.0, start=start, shift=shift, swing=0.0,
                  lowest="a", highest="b")  # fmt: skip
    values = dict.fromkeys(("median", "beta", "ci_lb", "ci_ub", "lowest"), start)
    same = dict.fromkeys(("same_sign", "excludes_zero", "below_zero", "above_zero"), 1.0)
    asked = QuestionSummary(
        levels={}, specifications=2, distinct=2, estimated=2, without_estimate={},
        highest=start + (shift if shift > 0 else 0.0), factors=(moves,), most="test", **same,
        **values,
    )  # fmt: skip
    (factor,) = answer_of(asked, case(code).heading()).factors
    assert factor.shift == pytest.approx(displayed, abs=1e-12, nan_ok=True)
