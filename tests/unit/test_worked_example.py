"""docs/worked_example.md says nothing that the pipeline does not give for docs/example."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filled import given
from small import ROOT, SmallReview, through_csv

from trialpool import cli, tables, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.bayes import normal_normal
from trialpool.figures import forest, style
from trialpool.review.analysis import Analysed
from trialpool.review.extraction.checking import load
from trialpool.review.extraction.problems import DataError
from trialpool.review.schema.raw import CONFIDENCE

PAGE = ROOT / "docs" / "worked_example.md"
EXAMPLE = ROOT / "docs" / "example"
CONDITION, ANALYSIS = "low_mood", "week_1"
NUMBER = r"-?\d+(?:\.\d+)?"

Row = dict[str, str]


class Example(SmallReview):
    """The example review in a folder of its own, whose cells a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(EXAMPLE, folder)

    def type(self, table: str, row: int, **cells: str) -> Example:
        """Type cells anew; `row` counts as a spreadsheet does."""
        for column, value in cells.items():
            self.set(table, row, column, value, CONDITION)
        return self

    def without_contrasts(self) -> Example:
        """The same review before anybody typed the paired test."""
        self.write("contrasts", self.rows("contrasts", CONDITION)[:1], CONDITION)
        return self

    def effect(self, trial: str, variant: str = "", period: str = "", part: str = "") -> Any:
        """One row of effects.csv that was computed from arms."""
        table = self.effects(CONDITION).fillna({"variant": "", "part": ""})
        chosen = table[
            (table["trial_id"] == trial)
            & (table["variant"] == variant)
            & (table["part"] == part)
            & (table["basis"] == "arms")
        ]
        if period:
            chosen = chosen[chosen["effect_id"].str.contains(f"|{period}|", regex=False)]
        (found,) = tables.records(chosen)
        return found

    def analysed(self) -> Analysed:
        return self.result(CONDITION, ANALYSIS)

    def found(self) -> list[str]:
        """The checks that have something to say, errors and warnings."""
        outcomes = self.review.outcome_rules()
        try:
            _, problems = load(self.folder / "data" / "raw", CONDITION, outcomes, CONFIDENCE, {})
        except DataError as error:
            return [f"{p.severity} {p.check}" for p in error.problems]
        return [f"{p.severity} {p.check}" for p in problems]


@pytest.fixture
def example(tmp_path: Path) -> Example:
    """The example as it is."""
    return Example(tmp_path / "example")


@pytest.fixture(scope="module")
def page() -> str:
    """The page, with hyphens for minus signs."""
    return PAGE.read_text(encoding="utf-8").replace("−", "-")


def tables_of(page: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Header and body of every Markdown table; those of a journal start with `> `."""
    for block in re.findall(r"(?:^(?:> )?\|.*\n)+", page, re.M):
        lines = [line.removeprefix("> ") for line in block.splitlines()]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        yield cells[0], cells[2:]


def rows_of(page: str, first: str) -> list[Row]:
    """The rows of all tables whose first column has this name, as dictionaries."""
    found = [
        dict(zip(header, cells, strict=True))
        for header, body in tables_of(page)
        for cells in body
        if header[0] == first
    ]
    assert found, f"no table starts with {first}"
    return found


def same(printed: str, value: float) -> bool:
    """Whether a printed number is the value at the digits printed."""
    return f"{value:.{len(printed.partition('.')[2])}f}" == printed


@pytest.mark.parametrize("table", ["results", "contrasts"])
def test_what_is_typed_stands_in_the_raw_tables(page: str, example: Example, table: str) -> None:
    """Each cell shown is the cell of that row, and no row of the file is left out."""
    header, *body = example.rows(table, CONDITION)
    shown = rows_of(page, f"`{table}.csv` row")
    assert [int(row[f"`{table}.csv` row"]) for row in shown] == list(range(2, len(body) + 2))
    for row, cells in zip(shown, body, strict=True):
        typed = dict(zip(header, cells, strict=True))
        assert {name: typed[name] for name in list(row)[1:]} == dict(list(row.items())[1:])


def test_the_journals_tables_are_what_is_typed(page: str, example: Example) -> None:
    """Every number a made-up paper prints stands in a raw cell of its trial."""
    journals = [found for found in tables_of(page) if found[0][0].startswith("Table")]
    assert len(journals) == 3
    for trial, (header, body) in zip(("Ash2019", "Birch2021", "Cedar2023"), journals, strict=True):
        typed = {
            cell
            for name in ("results", "contrasts")
            for row in example.rows(name, CONDITION)[1:]
            if row[0] == trial
            for cell in row
        }
        printed = [cell for row in body for cell in row[1:]]
        printed += re.findall(r"\(n = \d+(?: \+ \d+)?\)", " ".join(header + [r[0] for r in body]))
        numbers = re.findall(NUMBER, " ".join(printed))
        assert numbers
        assert set(numbers) <= typed


def test_design_arms_and_scale_are_as_told(page: str, example: Example) -> None:
    """The sentences on trials.csv, arms.csv and instruments.csv."""
    names, *trials = example.rows("trials", CONDITION)
    designs = [row[names.index("design")] for row in trials]
    assert designs == ["parallel", "crossover", "parallel"]
    header, *body = example.rows("arms", CONDITION)
    cedar = [dict(zip(header, row, strict=True)) for row in body if row[0] == "Cedar2023"]
    assert {a["arm_id"]: (a["role"], a["comparator_class"]) for a in cedar} == {
        "low": ("experimental", ""),
        "high": ("experimental", ""),
        "placebo": ("control", "placebo"),
    }
    scale = dict(zip(*example.rows("instruments"), strict=True))
    assert scale["step"] == "1"
    told = f"from {scale['low']} to {scale['high']} in whole points, and `instruments.csv` gives"
    flat = " ".join(page.split())
    assert f"{scale['instrument']}, goes {told}" in flat
    assert f"reference SD of {scale['reference_sd']}." in flat


def test_effect_rows_are_those_of_the_pipeline(page: str, example: Example) -> None:
    """The numbers at the printed digits, and the words to the letter."""
    shown = [row for row in rows_of(page, "study") if "formula" in row]
    assert len(shown) == 3
    for row in shown:
        effect = example.effect(row["study"].replace(" ", ""), period=_main_period(row["study"]))
        assert same(row["yi"], effect["yi"])
        assert same(row["vi"], effect["vi"])
        for name in ("study", "formula", "derived", "imputed", "cells"):
            assert row[name] == ("" if pd.isna(effect[name]) else effect[name]), name


def _main_period(study: str) -> str:
    return "both" if study == "Birch 2021" else "whole"


def test_the_arithmetic_is_right(page: str, example: Example) -> None:
    """Every line of Python gives the number beside it, and ends where the pipeline does."""
    space: dict[str, Any] = {}
    checked = 0
    for block in re.findall(r"```python\n(.*?)```", page, re.S):
        lines = block.splitlines()
        for node in ast.parse(block).body:
            exec(compile(ast.Module([node], []), str(PAGE), "exec"), space)
            told = re.search(rf"  # ({NUMBER})", lines[(node.end_lineno or 0) - 1])
            if isinstance(node, ast.Assign) and told:
                name = ast.unparse(node.targets[0])
                assert same(told[1], space[name]), f"{name} = {space[name]}"
                checked += 1
    assert checked > 15
    pooled = given(example.analysed().result.pooled)
    assert space["tau2"] == round(pooled.tau2, 6)
    assert space["mu"] == pytest.approx(pooled.beta, abs=1e-5)
    assert space["mu"] - space["half"] == pytest.approx(pooled.ci_lb, abs=1e-4)
    for name, variant in (("both", "several arms: covariance"), ("cedar", "")):
        effect = example.effect("Cedar2023", variant)
        assert space[f"g_{name}"] == pytest.approx(effect["yi"], abs=1e-5)
        assert space[f"v_{name}"] == pytest.approx(effect["vi"], abs=1e-5)
    cochrane = example.effect("Birch2021", "crossover: variance Cochrane")
    assert space["d"] == pytest.approx(cochrane["yi"], abs=1e-5)
    assert space["v_cochrane"] == pytest.approx(cochrane["vi"], abs=1e-5)


def test_other_ways_to_take_the_crossover(page: str, example: Example, tmp_path: Path) -> None:
    """Each row of the table is an effect, as typed or without the paired test."""
    bare = Example(tmp_path / "bare").without_contrasts()
    assumed = bare.effect("Birch2021", period="both")
    assert assumed["imputed"] == "correlation between the two conditions assumed 0.5"
    effects = [
        example.effect("Birch2021", period="both"),
        example.effect("Birch2021", "crossover: variance Cochrane"),
        example.effect("Birch2021", "crossover: as parallel"),
        example.effect("Birch2021", period="first"),
        assumed,
        bare.effect("Birch2021", "crossover: r = 0.3"),
        bare.effect("Birch2021", "crossover: r = 0.7"),
    ]
    for row, effect in zip(rows_of(page, "Birch 2021"), effects, strict=True):
        assert same(row["yi"], effect["yi"]), row
        assert same(row["vi"], effect["vi"]), row


def test_other_ways_to_take_three_arms(page: str, example: Example) -> None:
    """Combined, split and with covariance: people, effect and variance."""
    split = "several arms: split"
    effects = [
        example.effect("Cedar2023"),
        example.effect("Cedar2023", split, part="low"),
        example.effect("Cedar2023", split, part="high"),
        example.effect("Cedar2023", "several arms: covariance"),
    ]
    for row, effect in zip(rows_of(page, "Cedar 2023"), effects, strict=True):
        assert row["people"] == f"{effect['n_experimental']:g} + {effect['n_control']:g}"
        assert same(row["yi"], effect["yi"]), row
        assert same(row["vi"], effect["vi"]), row


def test_the_sensitivity_table(page: str, example: Example) -> None:
    """The rows shown are rows of the table; those left out are other models."""
    table = example.analysed().sensitivity
    held = {row["label"]: row for row in tables.records(table)}
    shown = {row["label"]: row for row in rows_of(page, "label")}
    for label, row in shown.items():
        assert row["note"] == held[label]["note"]
        for name in ("estimate", "ci_low", "ci_high"):
            assert same(row[name], held[label][name]), f"{label}, {name}"
    assert set(table[~table["label"].isin(shown)]["group"]) == {"model"}


def test_a_split_control_counts_as_more_results(page: str, example: Example) -> None:
    """The sentence on its narrow interval: four results in place of three."""
    parts = [example.effect("Cedar2023", "several arms: split", part=p) for p in ("low", "high")]
    others = [example.effect("Ash2019"), example.effect("Birch2021", period="both")]
    rows = [*others, *parts]
    led = normal_normal([row["yi"] for row in rows], [row["vi"] for row in rows])
    split = next(row for row in rows_of(page, "label") if row["label"] == "split")
    assert len(rows) == 4
    assert same(split["ci_low"], led.mu_lb)
    beyond = {row["label"] for row in rows_of(page, "label") if float(row["ci_high"]) < 0}
    assert beyond == {"common effect", "split", "first period only"}


# What a slip is, in the words of the page: table, row, and the cells typed.
SLIPS: dict[str, tuple[str, int, Row]] = {
    "1.7 typed into `sd`": ("results", 2, {"sd": "1.7", "se": ""}),
    "`mean` typed as 222": ("results", 2, {"mean": "222"}),
    "`period` typed as whole": ("results", 4, {"period": "whole"}),
    "`comparator_class` of placebo left blank": ("arms", 8, {"comparator_class": ""}),
    "`arm_id` low in both dose rows": ("results", 9, {"arm_id": "low"}),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_are_found(page: str, example: Example, slip: str) -> None:
    """The check that the page names finds the slip, as an error or a warning."""
    named = re.search(rf"- {re.escape(slip)}: (error|warning) `(\w+)`", page)
    assert named
    table, row, cells = SLIPS[slip]
    assert example.type(table, row, **cells).found() == [f"{named[1]} {named[2]}"]


def test_every_slip_with_a_check_is_tested(page: str) -> None:
    """A slip added to the page needs its cells here."""
    assert re.findall(r"- (.*): (?:error|warning) `", page) == list(SLIPS)


def test_a_blank_spread_drops_both_arms(page: str, example: Example) -> None:
    """The row without a spread is incomplete, the other has no partner; both say so."""
    assert "`se` left blank: both rows go to `dropped.csv`, with the reason" in page
    dropped = example.type("results", 2, se="").cleaned(CONDITION).dropped
    assert list(dropped["row"]) == [2, 3]
    assert dropped["reason"].str.len().gt(0).all()


def test_a_t_that_contradicts_the_sds_gives_no_r(page: str, example: Example) -> None:
    """The SDs allow a difference with an SD of at most 16.5; t = -0.17 would need 60."""
    assert "`t` typed as -0.17: no r fits these SDs, so r = 0.5 is assumed" in page
    effect = example.type("contrasts", 2, t="-0.17").effect("Birch2021", period="both")
    assert effect["imputed"] == "correlation between the two conditions assumed 0.5"


def test_both_weeks_come_before_the_first_alone(page: str, example: Example) -> None:
    """Even with more people in the first week than pairs."""
    assert "both weeks would be used, all else equal" in " ".join(page.split())
    for row in (4, 5):
        example.type("results", row, n="18")
    example.type("contrasts", 2, n_experimental="18", n_control="18", df="17")
    result = example.analysed()
    designs = dict(zip(result.studies["study"], result.studies["design"], strict=True))
    assert designs["Birch 2021"] == "crossover, paired"


def test_the_messages_are_what_check_prints(
    page: str, example: Example, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the letter, but for the folder of the copy."""
    (quoted,) = re.findall(r"```text\n(.*?)```", page, re.S)
    clean = _printed(example, capsys)
    assert clean.endswith("usable, 0 warnings\n")
    example.type("results", 2, sd="1.7", se="")
    assert _printed(example, capsys).replace("−", "-") == quoted


def _printed(example: Example, capsys: pytest.CaptureFixture[str]) -> str:
    config, raw = example.folder / "config/review.yaml", example.folder / "data/raw"
    assert cli.main(["check", "--config", str(config), "--raw", str(raw)]) == 0
    return capsys.readouterr().out.replace(example.folder.as_posix(), "docs/example")


def test_what_the_slip_does_to_the_result(page: str, example: Example) -> None:
    """The numbers of the paragraph on a standard error in the wrong column."""
    right = example.effect("Ash2019")["yi"]
    spoilt = example.type("results", 2, sd="1.7", se="").analysed()
    ash = next(row for row in tables.records(spoilt.studies) if row["trial_id"] == "Ash2019")
    assert ash["flags"] == "se_typed_as_sd"
    label = "with suspected SDs read as standard errors"
    (read,) = spoilt.sensitivity.loc[spoilt.sensitivity["label"] == label, "estimate"]
    flat = " ".join(page.split())
    assert f"Ash 2019 would have {ash['yi']:.2f} instead of {right:.2f}" in flat
    assert f"the pooled effect would be {spoilt.result.display.estimate:.2f}, and" in flat
    assert f"a row `{label}`, with {read:.2f}: what you get" in flat
    (protocol,) = [row for row in rows_of(page, "label") if row["label"] == "as in the protocol"]
    assert same(protocol["estimate"], read)


def test_the_forest_plot_is_the_pipelines(example: Example, tmp_path: Path) -> None:
    """The committed figure, byte for byte, by the functions of the forest step."""
    result = example.analysed()
    typed_json.write(tmp_path / "model.json", result.result)
    risk_of_bias = through_csv(example.cleaned(CONDITION).tables["risk_of_bias"])
    table = forest.rows(
        through_csv(result.studies),
        typed_json.read(tmp_path / "model.json", AnalysisResult),
        through_csv(result.missing),
        risk_of_bias,
    )
    style.save(forest.draw(table), [tmp_path / "forest.svg"])
    assert (tmp_path / "forest.svg").read_bytes() == (EXAMPLE / "forest.svg").read_bytes()


def test_the_commands_copy_what_is_there(page: str) -> None:
    """Everything the page copies exists, and the checked paths are those of the example."""
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.S)
    named = re.findall(r"(?:--config|--raw) (\S+)", commands)
    (copied,) = re.findall(r"cp -r (.*) \.\./example\n", commands)
    assert all((ROOT / path).exists() for path in [*named, *copied.split()])
