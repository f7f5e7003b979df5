"""A measure from raw tables to the page: its record beside its formula is all that it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from math import atanh, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from filled import given
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.testing import assert_allclose
from small import SmallReview, through_csv

import trialpool as tp
from trialpool.bayes import normal_normal
from trialpool.effects import MEASURES
from trialpool.effects.continuous import COLUMNS
from trialpool.effects.registry import DATA, Data, Estimate, measure
from trialpool.effects.scales import LOG
from trialpool.figures.catalogue import CAPTIONS
from trialpool.results import Array
from trialpool.review.accounts.rob_me import Written, rob_me
from trialpool.review.accounts.verify import raise_disagreements, verify
from trialpool.review.certainty.rating import certainty
from trialpool.review.commands.check import look
from trialpool.review.effects.arms import Summary
from trialpool.review.exchange.formats import FORMATS, Export
from trialpool.review.extraction.agreement import agreement, disagreements
from trialpool.review.extraction.second import load
from trialpool.review.findings.summary_of_findings import summary_of_findings
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.drawing import listed
from trialpool.review.report.pages import condition_pages
from trialpool.review.report.sheets import sheets as analysis_sheets
from trialpool.review.report.summary import summary_table
from trialpool.review.schema.findings import OTHER_REVIEWS
from trialpool.review.schema.outcomes import SIDES, in_words, unfilled
from trialpool.review.schema.processed import EFFECTS
from trialpool.review.schema.results import CERTAINTY, FIGURES
from trialpool.tables import write_table

TRIALS = ("Ash", "Birch", "Elm")
# Of each trial, in its two arms: n, mean, SD; events and time at risk; n and correlation.
SCORES = (((20, 18.0, 8.0), (19, 24.0, 9.0)), ((31, 20.5, 7.5), (30, 22.0, 8.0)),
          ((25, 19.0, 9.5), (26, 21.0, 8.5)))  # fmt: skip
EVENTS = (((9, 20), (3, 19)), ((4, 31), (2, 30)), ((8, 25), (5, 26)))
TIMES = (((9, 210.5), (3, 190.0)), ((4, 320.0), (2, 311.5)), ((8, 251.0), (5, 240.0)))
CORRELATIONS = ((20, 0.42), (31, 0.18), (25, 0.55))
HAZARDS = ((0.62, 0.40, 0.96), (0.81, 0.55, 1.19), (0.70, 0.38, 1.29))


class Asked:
    """The small review with one analysis, `x`, of an outcome of its own."""

    def __init__(self, folder: Path, kind: str, code: str, **analysis: Any) -> None:
        self.small, self.code = SmallReview(folder), code
        path = folder / "config" / "review.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["outcomes"]["x"] = {"title": "the thing", "kind": kind, "better": "lower"}
        own = {"title": "The thing", "outcome": "x", "measure": code, **analysis}
        config["conditions"]["blue"]["analyses"] = {"x": own}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        for table in ("results", "contrasts", "missing_results"):
            self.small.write(table, self.small.rows(table)[:1])
        instruments = self.small.rows("instruments")
        self.small.write("instruments", [
            *instruments, [*("XS", "the scale of the thing", "x"), *instruments[1][3:]]
        ])  # fmt: skip

    def add(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        held = self.small.rows(table)
        shared = {"outcome": "x", "period": "whole", "confidence": "primary", "source": "paper",
                  "source_url": "https://example.org/made-up"}  # fmt: skip
        header = list(dict.fromkeys([*held[0], *(name for row in rows for name in row)]))
        own = [[str({**shared, **row}.get(name, "")) for name in header] for row in rows]
        self.small.write(table, [header, *held[1:], *own])

    def result(self) -> Any:
        return self.small.result("blue", "x")

    def page(self, result: Any = None) -> tuple[str, dict[str, Any]]:
        """All steps of the pipeline for the condition: the page, and the figures by name."""
        review, cleaned = self.small.review, self.small.cleaned_tables()
        result = result or self.result()
        raise_disagreements(verify(result.result, through_csv(result.studies)))
        held = {name: through_csv(table) for name, table in cleaned.items()}
        own = {name: through_csv(getattr(result, name))
               for name in ("studies", "selection", "missing", "sensitivity")}  # fmt: skip
        trust = {name: through_csv(table) for name, table in result.trust.items()}
        read = result.result
        about = {name: held[name] for name in ("risk_of_bias", "flags")}
        sheets = dict(analysis_sheets(read, own | trust | about))
        drawn = FIGURES.frame(listed(name, sheet, CAPTIONS) for name, sheet in sheets.items())
        figures = {name: sheet for name, sheet in sheets.items() if isinstance(sheet, Figure)}
        parts = ("studies", "selection", "missing")
        written = Written(read, **{name: own[name] for name in parts},
                          weights=trust["weights"], multiverse=trust["multiverse"])  # fmt: skip
        rated = certainty([written], held["trials"], held["arms"], review.targets("blue"), [])
        evidence, judged = rob_me([written], held["trials"], held["missing_results"])
        declared = review.baseline_risks("blue")
        findings = summary_of_findings([written], held["trials"], rated, declared, {"SCALE": 8.0})
        second = load(self.small.folder / "data" / "raw", "blue", {})
        held |= {
            "summary": summary_table([read], {"blue": rated}), "certainty": rated,
            "findings": through_csv(findings), "others": OTHER_REVIEWS.frame(),
            "evidence": evidence, "judgements": judged,
            "agreement": agreement(second), "disagreements": disagreements(second),
        }  # fmt: skip
        analysis = AnalysisTables(
            result=read, studies=own["studies"], missing=own["missing"],
            sensitivity=own["sensitivity"], figures=drawn,
            trust=trust | {"selection": own["selection"]},
        )  # fmt: skip
        pages = condition_pages(review.for_condition("blue"), [analysis], held, review.menu())
        return "".join(pages.values()).replace("\u00a0", " "), figures


def arms() -> Iterator[tuple[int, int, str, str]]:
    for i, trial in enumerate(TRIALS):
        yield i, 0, trial, "experimental"
        yield i, 1, trial, "control"


def scores(asked: Asked) -> dict[str, Any]:
    asked.add("results", [
        {"trial_id": trial, "arm_id": arm, "instrument": "XS", "outcome_type": "msd",
         "time_days": 7, **dict(zip(("n", "mean", "sd"), SCORES[i][j], strict=True))}
        for i, j, trial, arm in arms()
    ])  # fmt: skip
    names = ("n", "m", "sd")
    return {
        f"{name}{j + 1}i": [SCORES[i][j][k] for i in range(3)]
        for j in (0, 1) for k, name in enumerate(names)
    }  # fmt: skip


def rates(asked: Asked) -> dict[str, Any]:
    asked.add("results", [
        {"trial_id": trial, "arm_id": arm, "outcome_type": "rate", "event": TIMES[i][j][0],
         "time_at_risk": TIMES[i][j][1], "n": EVENTS[i][j][1]}
        for i, j, trial, arm in arms()
    ])  # fmt: skip
    return {
        f"{name}{j + 1}i": [TIMES[i][j][k] for i in range(3)]
        for j in (0, 1) for k, name in enumerate(("x", "t"))
    }  # fmt: skip


def proportions(asked: Asked) -> dict[str, Any]:
    asked.add("results", [
        {"trial_id": trial, "arm_id": arm, "outcome_type": "event",
         "event": EVENTS[i][j][0], "totaln": EVENTS[i][j][1]}
        for i, j, trial, arm in arms()
    ])  # fmt: skip
    return {"xi": [EVENTS[i][0][0] for i in range(3)], "ni": [EVENTS[i][0][1] for i in range(3)]}


def correlations(asked: Asked) -> dict[str, Any]:
    asked.add("results", [
        {"trial_id": trial, "arm_id": "experimental", "outcome_type": "association",
         "n": n, "correlation": r}
        for trial, (n, r) in zip(TRIALS, CORRELATIONS, strict=True)
    ])  # fmt: skip
    return {"ri": [r for _, r in CORRELATIONS], "ni": [n for n, _ in CORRELATIONS]}


def hazards(asked: Asked) -> dict[str, Any]:
    asked.add("contrasts", [
        {"trial_id": trial, "experimental_arm": "experimental", "control_arm": "control",
         "effect_measure": "HR", "contrast": "experimental-control", "estimate": hr,
         "ci_low": low, "ci_high": high, "n_experimental": 30, "n_control": 30}
        for trial, (hr, low, high) in zip(TRIALS, HAZARDS, strict=True)
    ])  # fmt: skip
    return {
        "yi": [log(hr) for hr, _, _ in HAZARDS],
        "sei": [(log(high) - log(low)) / (2 * 1.959963984540054) for _, low, high in HAZARDS],
    }


CASES = {
    "ROM": ("continuous", scores, "ratio of means in the thing", 1.0),
    "HR": ("time_to_event", hazards, "hazard ratio of the thing", 1.0),
    "IRR": ("rate", rates, "incidence rate ratio of the thing", 1.0),
    "ZCOR": ("association", correlations, "correlation of the thing", 0.0),
    "PLO": ("binary", proportions, "proportion with the thing", None),
}


@pytest.mark.parametrize("code", CASES)
def test_a_measure_passes_from_raw_tables_to_the_page(code: str, tmp_path: Path) -> None:
    """One word in the protocol: the checks are content, the numbers are those of the library."""
    kind, fill, words, null = CASES[code]
    asked = Asked(tmp_path, kind, code)
    columns = fill(asked)
    assert asked.small.problems() == []
    result = asked.result()
    sizes = tp.effect_size(code, **columns)
    assert_allclose(result.studies["yi"], sizes.yi, rtol=1e-5)
    assert_allclose(result.studies["vi"], sizes.vi, rtol=1e-5)
    fit = tp.pool(sizes.yi, sizes.vi, tau2="REML", test="hksj")
    limits, own = [fit.beta, fit.ci_lb, fit.ci_ub], given(result.result.pooled)
    assert_allclose([own.beta, own.ci_lb, own.ci_ub], limits, rtol=1e-5)
    assert result.result.policy.bayesian == (not MEASURES[code].no_prior)
    if result.result.policy.bayesian:
        # In points the prior is in reference SDs of the made-up scale.
        unit = 8.0 if MEASURES[code].unit == "points" else 1.0
        led = normal_normal(sizes.yi, sizes.vi, tau_scale=0.5 * unit)
        limits = [led.mu, led.mu_lb, led.mu_ub]
    back = MEASURES[code].scale.shown
    shown = result.result.display
    assert_allclose([shown.estimate, shown.ci_low, shown.ci_high], back(limits), rtol=1e-5)
    text, figures = asked.page()
    assert words in text
    lines = [line for axes in figures["forest"].axes for line in axes.lines]
    marks = [line for line in lines if line.get_label() == "null"]
    assert [line.get_xdata()[0] for line in marks] == ([] if null is None else [null])
    # Tables and every figure have one name for it.
    short = MEASURES[code].short
    lettering = [t.get_text() for figure in figures.values() for t in figure.findobj(Text)]
    assert f"{short} (95 % CI)" in lettering
    assert code == short or not [t for t in lettering if re.search(rf"\b{code}\b", t)]
    if MEASURES[code].data.groups == 1:
        assert "favours" not in text


@pytest.mark.parametrize("code", CASES)
@pytest.mark.parametrize("with_effects", [False, True], ids=["raw", "effects"])
def test_what_the_metapsy_standard_cannot_hold_is_listed(
    code: str, with_effects: bool, tmp_path: Path
) -> None:
    """Scores of two arms go out; of any other outcome here each row is left, with the reason."""
    kind, fill, _, _ = CASES[code]
    asked = Asked(tmp_path, kind, code)
    fill(asked)
    effects = tmp_path / "effects.csv"
    if with_effects:
        write_table(effects, asked.small.effects(), EFFECTS)
    export = Export(
        raw=tmp_path / "data/raw", condition="blue", effects=effects if with_effects else None
    )
    made = FORMATS["metapsy"].write(tmp_path / "out.csv", export)
    table = "contrasts" if kind == "time_to_event" else "results"
    left = {each.where: each.why for each in made.left if each.where.startswith(f"{table}.csv row")}
    rows = len(asked.small.rows(table)) - 1
    if kind in ("continuous", "binary"):
        assert made.rows["rows"] == (0 if with_effects and code == "PLO" else len(TRIALS))
    elif kind == "time_to_event":
        assert len(left) == (rows if with_effects else 0)
    else:
        assert made.rows["rows"] == 0
        assert set(left.values()) == {"the standard has no columns for results of this kind"}
        assert len(left) == rows


@pytest.mark.parametrize("kind", ["association", "binary"])
@pytest.mark.parametrize("usable", [True, False])
def test_an_outcome_of_one_group_needs_no_control_before_it_is_asked(
    kind: str, usable: bool, tmp_path: Path
) -> None:
    """An association never has a control arm, whatever else the protocol says; counts have one."""
    asked = Asked(tmp_path, kind, "ZCOR" if kind == "association" else "OR")
    if kind == "association":
        correlations(asked)
    else:
        proportions(asked)
        header, *rows = asked.small.rows("results")
        of_arms = [row for row in rows if row[header.index("arm_id")] == "experimental"]
        asked.small.write("results", [header, *of_arms])
    header, *rows = asked.small.rows("arms")
    of_arms = [row for row in rows if row[header.index("role")] == "experimental"]
    asked.small.write("arms", [header, *of_arms])
    path = tmp_path / "config/review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    # Something else is asked.
    config["outcomes"]["other"] = {"title": "other", "kind": "continuous", "better": "lower"}
    other = {"title": "Y", "outcome": "other", "measure": "SMD"}
    config["conditions"]["blue"]["analyses"] = {"y": other}
    if not usable:
        config["titel"] = ""
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    said = {each.check for each in look(path, tmp_path / "data/raw").of("warning")
            if "blue" in each.file}  # fmt: skip
    expected = {"one_sided_trial", "not_used"} if usable else {"one_sided_trial"}
    assert said & expected == (set() if kind == "association" else expected)


def test_a_measure_registered_here_needs_no_other_edit(tmp_path: Path) -> None:
    """A measure that this test registers is asked for, computed, pooled, drawn and worded."""

    @measure("MADEUP", title="ratio of signals", short="RoS", scale=LOG, needs=COLUMNS)
    def log_ratio_of_signals(
        m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array
    ) -> Estimate:
        """Log of the mean over the SD in arm 1, over that in arm 2 (made up)."""
        return Estimate(np.log(m1i / sd1i) - np.log(m2i / sd2i), 1 / n1i + 1 / n2i, "made up")

    try:
        asked = Asked(tmp_path, "continuous", "MADEUP")
        scores(asked)
        assert asked.small.problems() == []
        result = asked.result()
        signal = [[mean / sd for _, mean, sd in trial] for trial in SCORES]
        assert_allclose(result.studies["estimate"], [a / b for a, b in signal], rtol=1e-5)
        spread = [1 / one[0] + 1 / other[0] for one, other in SCORES]
        fit = normal_normal([log(a / b) for a, b in signal], spread, tau_scale=0.5)
        assert result.result.display.ci_low == pytest.approx(np.exp(fit.mu_lb), rel=1e-5)
        text, figures = asked.page()
        assert "ratio of signals in the thing" in text
        assert "<dt>RoS</dt><dd>Ratio of signals. No effect is 1.</dd>" in text
        lines = [line for axes in figures["forest"].axes for line in axes.lines]
        assert [line.get_xdata()[0] for line in lines if line.get_label() == "null"] == [1.0]
    finally:
        del MEASURES["MADEUP"]


def test_a_measure_of_columns_that_no_table_fills_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`trialpool check` says which; else the run would end in the middle."""
    medians = Data(name="medians", columns=frozenset({"med1i", "med2i"}), outcome="continuous")
    monkeypatch.setattr("trialpool.effects.registry.DATA", (*DATA, medians))
    monkeypatch.setitem(MEASURES, "ROMED", replace(
        MEASURES["ROM"], name="ROMED", needs=("med1i", "med2i"), title="ratio of medians"
    ))  # fmt: skip
    asked = Asked(tmp_path, "continuous", "ROMED")
    (problem,) = look(tmp_path / "config/review.yaml", asked.small.folder / "data/raw").of("error")
    assert problem.column == "conditions.blue.analyses.x.measure"
    assert problem.rule == "needs med1i, med2i, which a review fills in from no raw table"


def test_every_column_a_review_fills_in_stands_in_the_summary_of_a_side() -> None:
    """And every measure that can be asked of an outcome today is filled in."""
    assert {name for _, name in SIDES.values()} <= {field.name for field in fields(Summary)}
    assert not [code for code, each in MEASURES.items() if each.outcome and unfilled(each)]


def test_a_proportion_has_no_side_no_p_value_and_no_control(tmp_path: Path) -> None:
    """Nothing is compared: the page says the level, and the figure has the arms' one column."""
    asked = Asked(tmp_path, "binary", "PLO")
    proportions(asked)
    result = asked.result()
    assert result.studies["event_control"].isna().all()
    assert np.isnan(result.result.display.p_value)
    text, figures = asked.page()
    assert "nothing is compared, so there is no side to be on" in text.lower()
    words = [t.get_text() for axes in figures["forest"].axes for t in axes.texts]
    words += [t.get_text() for t in figures["forest"].texts]
    assert "Drug" in words
    assert "Control" not in words


def test_a_trial_of_one_arm_is_silent_where_nothing_is_compared(tmp_path: Path) -> None:
    """Without a control arm a proportion counts; an odds ratio asked beside it warns again."""
    asked = Asked(tmp_path, "binary", "PLO")
    proportions(asked)
    for table in ("results", "arms"):
        rows = asked.small.rows(table)
        asked.small.write(table, [row for row in rows if row[1] != "control"])
    cleaned = asked.small.cleaned()
    assert "one_sided_trial" not in set(asked.small.flags()["check"])
    assert not (cleaned.dropped["rule"] == "no partner").any()
    assert len(asked.result().studies) == 3
    odds = Asked(tmp_path / "odds", "binary", "OR")
    proportions(odds)
    rows = odds.small.rows("results")
    odds.small.write("results", [row for row in rows if row[1] != "control"])
    dropped = odds.small.cleaned().dropped
    assert (dropped["rule"] == "no partner").sum() == 3


@pytest.mark.parametrize(
    ("kind", "code", "settings", "words"),
    [
        ("binary", "ROM", {}, "does not fit outcome x, which is binary; use one of OR, RR, RD"),
        ("continuous", "PLO", {}, "does not fit outcome x, which is continuous; use one of MD"),
        ("time_to_event", "OR", {}, "which is time_to_event; use one of HR"),
        ("rate", "RR", {}, "which is rate; use one of IRR"),
        ("continuous", "GEN", {}, "is none of the measures of a review"),
        ("continuous", "MC", {}, "is none of the measures of a review"),
        ("rate", "IRR", {"model": {"method": "MH"}}, "it pools OR, RR, RD"),
        ("continuous", "ROM", {"important": 0.9}, "is given as more than 1"),
    ],
)
def test_a_measure_that_does_not_fit_is_one_error_of_the_protocol(
    kind: str, code: str, settings: dict[str, Any], words: str, tmp_path: Path
) -> None:
    asked = Asked(tmp_path, kind, code, **settings)
    with pytest.raises(ProtocolError) as error:
        _ = asked.small.review
    assert words in str(error.value)
    assert "1 problem;" in str(error.value)


def test_events_of_a_rate_are_not_shown_as_a_share_of_people(tmp_path: Path) -> None:
    """One person can have several: `9/20 (45 %)` would say something else."""
    asked = Asked(tmp_path, "rate", "IRR")
    rates(asked)
    studies = asked.result().studies
    assert studies["event_experimental"].isna().all()
    assert list(studies["n_experimental"]) == [20, 31, 25]


def test_a_row_of_a_rate_holds_events_and_time(tmp_path: Path) -> None:
    """Counts of people in a rate, and a row without time, are told; a whole row is not."""
    asked = Asked(tmp_path, "rate", "IRR")
    rates(asked)
    assert asked.small.problems() == []
    asked.small.set("results", 2, "totaln", "20")
    asked.small.set("results", 3, "time_at_risk", "")
    assert any("totaln" in problem for problem in asked.small.problems())
    asked.small.set("results", 2, "totaln", "")
    dropped = asked.small.cleaned().dropped
    assert "no time_at_risk" in set(dropped["reason"])


@pytest.mark.parametrize(("time", "told"), [("0", True), ("0.5", False)])
def test_a_time_at_risk_is_above_zero(time: str, told: bool, tmp_path: Path) -> None:
    """Nobody is at risk for no time: file, row, column, value, rule and fix."""
    asked = Asked(tmp_path, "rate", "IRR")
    rates(asked)
    asked.small.set("results", 2, "time_at_risk", time)
    message = "row 2, time_at_risk = 0: must be above 0. Leave it blank if it is not known."
    found = [problem for problem in asked.small.problems() if "time_at_risk" in problem]
    assert [problem.endswith(message) for problem in found] == [True] * told


@pytest.mark.parametrize(("n", "told"), [("3", True), ("4", False)])
def test_a_correlation_of_three_is_warned_about_and_said_in_words(
    n: str, told: bool, tmp_path: Path
) -> None:
    """It has no variance: a flag in check, and a reason that names no column of a formula."""
    asked = Asked(tmp_path, "association", "ZCOR")
    correlations(asked)
    asked.small.set("results", 2, "n", n)
    assert asked.small.problems() == []
    flags = set(asked.small.flags()["check"])
    assert ("correlation_of_few" in flags) == told
    reason = through_csv(asked.small.effects())["reason"].fillna("").iloc[0]
    assert reason == ("number of people is at most 3" if told else "")


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        ("IRR", "t1i <= 0", "time at risk (experimental) is not above 0"),
        ("IRR", "t2i <= 0", "time at risk (control) is not above 0"),
        ("IR", "ti <= 0", "time at risk is not above 0"),
        ("ZCOR", "ri is -1 or 1", "correlation is -1 or 1"),
        ("ZCOR", "ni <= 3", "number of people is at most 3"),
        ("SMCRP", "ni < 1", "number of people is below 1"),
        ("SMD", "sd2i is missing", "SD (control) is missing"),
        ("RR", "no events in either arm", "no events in either arm"),
        ("SMD", "statistic 0.333 > 0.262", "statistic 0.333 > 0.262"),
    ],
)
def test_reasons_name_what_was_measured(code: str, reason: str, said: str) -> None:
    """Not the columns of formulas; a reason that names none stays as it is."""
    assert in_words(reason, MEASURES[code]) == said


def test_several_arms_of_a_rate_are_summed_and_split(tmp_path: Path) -> None:
    """Events and times add up; a control in two parts gives half of both to each comparison."""
    asked = Asked(tmp_path, "rate", "IRR")
    rates(asked)
    held = asked.small.rows("arms")
    second = [*held[1]]
    second[1] = "second"
    asked.small.write("arms", [*held, second])
    asked.add("results", [
        {"trial_id": "Ash", "arm_id": "second", "outcome_type": "rate", "event": 5,
         "time_at_risk": 100.0, "n": 12}
    ])  # fmt: skip
    effects = asked.small.effects()
    of = effects[effects["trial_id"] == "Ash"].set_index(["variant", "part"])["yi"]
    own = effects[(effects["trial_id"] == "Ash") & effects["variant"].isna()]
    assert own["yi"].iloc[0] == pytest.approx(log((14 / 310.5) / (3 / 190.0)), rel=1e-5)
    split = of["several arms: split"]
    assert split["second"] == pytest.approx(log((5 / 100.0) / (1.5 / 95.0)), rel=1e-5)
    vi = effects.loc[effects["part"] == "second", "vi"].iloc[0]
    assert sqrt(vi) == pytest.approx(sqrt(1 / 5 + 1 / 1.5), rel=1e-5)


def test_fisher_z_is_what_is_pooled_and_r_what_is_shown(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "association", "ZCOR")
    correlations(asked)
    studies = asked.result().studies
    assert_allclose(studies["estimate"], [r for _, r in CORRELATIONS], rtol=1e-5)
    assert_allclose(studies["yi"], [atanh(r) for _, r in CORRELATIONS], rtol=1e-5)


@pytest.mark.parametrize("blank", [3, 1, 0])
def test_an_unknown_number_of_people_is_not_nobody(blank: int, tmp_path: Path) -> None:
    """A rate may come without people: of one such trial on their sum is not known."""
    asked = Asked(tmp_path, "rate", "IRR")
    rates(asked)
    for place in range(2, 2 + 2 * blank):
        asked.small.set("results", place, "n", "")
    asked.add("missing_results", [
        {"trial_id": "Fir", "status": "completed_unpublished", "n_total": 10, "what_if": "yes",
         "reason": "not published", "source_url": "https://example.org/made-up"}
    ])  # fmt: skip
    result = asked.result()
    assert result.result.n == (None if blank else 151)
    assert result.result.largest_missing is not None
    assert not result.result.largest_missing.larger_than_any_included
    assert "more people" not in result.result.verdict.line
    text, figures = asked.page(result)
    words = [t.get_text() for t in figures["forest"].findobj(Text)]
    words += [t.get_text() for axes in figures["forest"].axes for t in axes.texts]
    said = {3: "n not known", 1: "n not known for one trial", 0: "n = 151"}[blank]
    assert said in text
    assert "n = 0" not in text
    assert not [word for word in words if "n = 0" in word or "None" in word]
    rated = CERTAINTY.frame([{"analysis": "x", "domain": "overall", "basis": "proposed"}])
    (row,) = summary_table([result.result], {"blue": rated}).to_dict("records")
    assert row["n"] == (None if blank else 151)
