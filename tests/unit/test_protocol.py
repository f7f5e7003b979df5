"""The protocol: defaults, and a message with the dotted key for everything that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from small import ROOT, SMALL, SmallReview

from trialpool.review.extraction.ready import check
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import load_yaml, read_protocol, resolve


@pytest.fixture
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((SMALL / "config/review.yaml").read_text("utf-8"))
    return loaded


def messages(config: dict[str, Any]) -> list[str]:
    with pytest.raises(ProtocolError) as caught:
        resolve(config)
    return str(caught.value).splitlines()[1:]


def analysis(config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = config["conditions"]["blue"]["analyses"]["mood"]
    return found


def test_the_review_that_ships_resolves_and_has_the_analyses_it_promises() -> None:
    """Every analysis named in the README's question is there."""
    review = read_protocol(ROOT / "config" / "review.yaml")
    assert {name: len(found) for name, found in review.names().items()} == {
        "ptsd": 6,
        "anxiety": 11,
        "safety": 10,
        "depression": 4,
    }
    assert review.model_of(review.conditions["ptsd"].analyses["symptoms_1_2_weeks"]).test == "hksj"


def test_withdrawal_stands_apart_among_the_harms() -> None:
    """People who tolerated the drug already are in no analysis of harms but one of their own."""
    safety = read_protocol(ROOT / "config" / "review.yaml").conditions["safety"]
    apart = {
        name for name, one in safety.analyses.items() if one.include.get("enriched") == ("yes",)
    }
    assert apart == {"dissociation_withdrawal"}
    rest = [one for name, one in safety.analyses.items() if name not in apart]
    asked = [*rest, *safety.networks.values()]
    assert all(one.exclude.get("enriched") == ("yes",) for one in asked)


def test_an_unknown_key_is_an_error_with_its_dotted_key(config: dict[str, Any]) -> None:
    """A misspelt setting must not be ignored in silence."""
    analysis(config)["mesure"] = "SMD"
    assert messages(config) == [
        "conditions.blue.analyses.mood.mesure: unknown key; remove it or fix the spelling "
        "(docs/protocol.md lists all)"
    ]


def test_all_problems_are_reported_at_once(config: dict[str, Any]) -> None:
    """Null is not a default, an unknown estimator is named, and so is a missing key."""
    config["defaults"] = {"model": {"tau2": None, "test": "hartung"}}
    del config["notice"]
    found = messages(config)
    assert len(found) == 3
    assert any(
        line.startswith("defaults.model.tau2 = None: input should be 'EE'") for line in found
    )
    assert any(line.startswith("defaults.model.test = 'hartung': ") for line in found)
    assert "notice: missing; add it (docs/protocol.md says what it means)" in found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "moood"}, "conditions.blue.analyses.mood.outcome = moood: not declared"),
        (
            {"measure": "RR"},
            "analyses.mood.measure = RR: does not fit outcome mood",
        ),
        ({"time_days": [10, 5]}, "the window's start is after its end"),
        ({"include": {"colour": ["red"]}}, "'colour' is not a column of trials.csv"),
        ({"model": {"method": "MH"}}, "Mantel-Haenszel needs counts"),
        (
            {"model": {"variance": "Greenland-Robins"}},
            "model.variance = Greenland-Robins: is of differences of risks by method MH alone",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    config: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    """What cannot be carried out is refused before anything runs."""
    analysis(config).update(change)
    assert any(message in line for line in messages(config))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"column": "colour"},
            "column = colour: not a column of trials that can tell trials apart",
        ),
        ({"table": "risk_of_bias", "column": "D9"}, "column = D9: not a column of risk_of_bias"),
        ({"table": "outcomes"}, ".table = 'outcomes': input should be 'studies', 'trials'"),
        ({"kind": "covariate"}, "kind = covariate: design holds words; use group"),
        ({"column": "mean_age"}, "kind = group: mean_age holds numbers; use covariate"),
        (
            {"column": "mean_age", "kind": "covariate", "levels": {"old": ["70"]}},
            "levels: a covariate has none; remove them",
        ),
        ({"levels": {"both": ["crossed"]}}, "levels.both: design is never 'crossed'; use one of"),
        (
            {"levels": {"one": ["parallel"], "two": ["parallel"]}},
            "levels.two: 'parallel' stands in level one too; keep it in one",
        ),
        ({"levels": {"none": []}}, ".levels.none = []: "),
        ({"per": 0}, ".per = 0: "),
        ({"colour": "red"}, ".colour: unknown key"),
    ],
)
@pytest.mark.parametrize("where", ["defaults", "conditions.blue.analyses.mood"])
def test_moderators_that_cannot_be_are_refused(
    config: dict[str, Any], where: str, change: dict[str, Any], message: str
) -> None:
    """Unknown columns and levels, and a kind that does not fit, each with its dotted key."""
    design = {"title": "design", "kind": "group", "column": "design"} | change
    place = config.setdefault("defaults", {}) if where == "defaults" else analysis(config)
    place["moderators"] = {"kinds": design}
    (found,) = messages(config)
    assert found.startswith(f"{where}.moderators.kinds")
    assert message in found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"multiverse": {"time_window": {"kind": "N", "levels": [{"time_days": [10, 2]}]}}},
            ".multiverse.time_window.levels.0.time_days: the window's start is after its end; ",
        ),
        (
            {"time_days": [10, 5]},
            ".time_days: the window's start is after its end; write the earlier day first",
        ),
        (
            {"subsets": [{"label": "A", "exclude": {"design": ["crossover"]}},
                         {"label": "A ", "include": {"design": ["crossover"]}}]},
            ": subsets: 2 have the label 'A'; give each its own, or remove one",
        ),
        (
            {"subsets": [{"label": " ", "exclude": {"design": ["crossover"]}}]},
            ".subsets.0.label: blank, and names a row of a table; say which trials are taken",
        ),
        (
            {"subsets": [{"label": "A"}]},
            ".subsets.0: takes every trial; say which to include or exclude, or remove it",
        ),
        (
            {"outcome": "harm", "measure": "PLO", "instruments": [], "important": 0.1},
            ": important = 0.1: PLO compares nothing, so that no difference can matter; remove it, "
            "or ask for a measure of a difference",
        ),
    ],
)  # fmt: skip
def test_settings_that_would_be_passed_over_are_refused(
    config: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    """Each alone, with its key; nothing is dropped or doubled in silence."""
    analysis(config).update(change)
    (line,) = messages(config)
    assert line.startswith(f"conditions.blue.analyses.mood{message}")


def test_settings_on_the_right_side_of_these_rules_pass(config: dict[str, Any]) -> None:
    """A window of one day, two labels, and what matters of a correlation, which compares."""
    levels = [{"time_days": [7, 7]}]
    analysis(config).update(
        multiverse={"time_window": {"kind": "N", "levels": levels}},
        time_days=[7, 7],
        subsets=[{"label": name, "exclude": {"design": ["crossover"]}} for name in "AB"],
    )
    config["outcomes"]["ties"] = {"title": "ties", "kind": "association", "better": "lower"}
    ties = {"title": "Ties", "outcome": "ties", "measure": "ZCOR", "important": 0.1}
    config["conditions"]["blue"]["analyses"]["ties"] = ties
    resolve(config)


@pytest.mark.parametrize(
    "order", [["primary", "abstract"], ["primary", "abstract", "secondary", "primary"]]
)
def test_kinds_of_source_stand_once_each(config: dict[str, Any], order: list[str]) -> None:
    """One that is missing and one that stands twice leave the order open; any full order is one."""
    config["confidence_order"] = order
    assert messages(config) == [
        f"confidence_order = {', '.join(order)}: name each of primary, abstract, secondary once"
    ]
    config["confidence_order"] = ["secondary", "primary", "abstract"]
    assert resolve(config).confidence_order[0] == "secondary"


def test_two_primary_analyses_are_refused(config: dict[str, Any]) -> None:
    """A condition has one headline."""
    config["conditions"]["blue"]["analyses"]["harm"]["primary"] = True
    assert messages(config) == ["conditions.blue: more than one analysis is marked primary"]


def test_what_a_step_sees_is_the_review_without_the_rest(config: dict[str, Any]) -> None:
    """Of other conditions and analyses nothing is there; all that is there is as in the whole."""
    review = resolve(config)
    whole = review.model_dump(mode="json")
    for condition, spec in whole["conditions"].items():
        one = review.for_condition(condition)
        assert one == whole | {"conditions": {condition: spec}}
        assert list(one) == list(whole)
    few = review.for_analyses("blue", ["harm"])["conditions"]["blue"]["analyses"]
    assert few == {"harm": whole["conditions"]["blue"]["analyses"]["harm"]}


def test_analyses_share_a_process_four_at_a_time(config: dict[str, Any]) -> None:
    one = config["conditions"]["blue"]["analyses"]["harm"]
    config["conditions"]["blue"]["analyses"] = {f"a{i}": one for i in range(4)}
    assert resolve(config).batches()["blue"] == [["a0", "a1", "a2", "a3"]]
    config["conditions"]["blue"]["analyses"]["a4"] = one
    assert resolve(config).batches()["blue"] == [["a0", "a1", "a2", "a3"], ["a4"]]


def test_names_of_other_folders_and_conditions_without_a_question_are_refused(
    config: dict[str, Any],
) -> None:
    conditions = config["conditions"]
    conditions["schemas"] = dict(conditions["blue"])
    conditions["blue"]["analyses"]["questions"] = conditions["blue"]["analyses"]["harm"]
    conditions["schemas"]["analyses"] = {}
    assert messages(config) == [
        "conditions.blue.analyses.questions: this name is taken; a folder of the results is called "
        "so; choose another name",
        "conditions.schemas: this name is taken; a folder of the results is called so; choose "
        "another name",
        "conditions.schemas.analyses: no analysis is asked; add one, or take the condition out",
    ]


def test_a_step_depends_only_on_its_own_settings(config: dict[str, Any]) -> None:
    """Changing one analysis leaves what the others' steps see unchanged."""
    before = resolve(config)
    analysis(config)["prefer_time"] = 6
    after = resolve(config)
    for pair in before.pairs():
        same = before.for_analyses(pair[0], [pair[1]]) == after.for_analyses(pair[0], [pair[1]])
        assert same == (pair != ("blue", "mood"))
    assert before.measures("blue") == after.measures("blue") == {"harm": ["RR"], "mood": ["SMD"]}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "instruments: [SCALE, OTHER]",
            "instruments: [SCALLE]",
            "conditions.blue.analyses.mood.instruments: SCALLE is not in "
            "data/raw/instruments.csv; add it there or fix the spelling",
        ),
        (
            "prefer_time: 7",
            "include: {diagnosis: [bluez]}",
            "conditions.blue.analyses.mood.include.diagnosis: no trial has bluez; those in "
            "data/raw/blue/trials.csv are blues",
        ),
        (
            "prefer_time: 7",
            "exclude: {setting: [psychiatrc]}",
            "conditions.blue.analyses.mood: setting is never 'psychiatrc'; use one of psychiatric, "
            "perioperative, medical, healthy",
        ),
        ("outcome: mood", "outcome: mood\n        comparators: []", "comparators = []"),
        (
            "prefer_time: 7",
            "moderators: {a: {title: a, kind: group, column: diagnosis, levels: {x: [sadness]}}}",
            "conditions.blue.analyses.mood.moderators.a.levels.x: no row of "
            "data/raw/blue/trials.csv has diagnosis = sadness; fix the spelling or remove it",
        ),
        (
            "conditions:",
            "defaults: {moderators: {a: {title: a, kind: group, column: diagnosis, "
            "levels: {x: [blues, sadness]}}}}\nconditions:",
            "defaults.moderators.a.levels.x: no row of data/raw/blue/trials.csv or "
            "data/raw/green/trials.csv has diagnosis = sadness; fix the spelling or remove it",
        ),
        ("conditions:", "defaults: {crossover: {correlation: 1.5}}\nconditions:", "= 1.5"),
    ],
)
def test_names_that_would_empty_an_analysis_are_refused(
    small: SmallReview, old: str, new: str, message: str
) -> None:
    """A misspelt instrument or code would select nothing and look like missing evidence."""
    path = small.folder / "config/review.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProtocolError) as caught:
        check(small.review, small.folder / "data/raw")
    assert message in str(caught.value).replace(f"{small.folder.as_posix()}/", "")


@pytest.mark.parametrize("rule", ["{diagnosis: [blues]}", "{setting: [medical]}"])
def test_a_code_that_trials_have_or_may_have_is_no_mistake(small: SmallReview, rule: str) -> None:
    """A choice that no trial has today is spelt right; the first trial with it will count."""
    path = small.folder / "config" / "review.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("prefer_time: 7", f"exclude: {rule}", 1), encoding="utf-8")
    _, problems = check(small.review, small.folder / "data" / "raw")
    assert [each for each in problems["blue"] if each.severity == "error"] == []


def test_a_level_of_the_defaults_need_not_be_in_every_condition(small: SmallReview) -> None:
    """No trial of blue has the diagnosis of green; one condition that has it is enough."""
    small.set("trials", 2, "diagnosis", "greens", "green")
    path = small.folder / "config/review.yaml"
    levels = "levels: {x: [greens], y: [blues]}"
    asked = (
        f"defaults: {{moderators: {{a: {{title: a, kind: group, column: diagnosis, {levels}}}}}}}"
    )
    path.write_text(
        path.read_text(encoding="utf-8").replace("conditions:", f"{asked}\nconditions:", 1)
    )
    check(small.review, small.folder / "data/raw")


def test_a_key_that_stands_twice_is_refused(small: SmallReview) -> None:
    """YAML would keep the last one, and an analysis would be gone."""
    path = small.folder / "config/review.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("harm: {title: Any harm, o", "mood: "
                    "{title: Any harm, o"), encoding="utf-8")  # fmt: skip
    with pytest.raises(ProtocolError, match="the key 'mood' stands twice in one place"):
        read_protocol(path)


@pytest.mark.parametrize(("factor", "correlation", "wrong"), [
    (0.01, 0.0, ""), (0.0, 0.5, "factor"), (0.01, 1.0, "correlation"), (70.0, 0.999, ""),
])  # fmt: skip
def test_a_conversion_is_above_nothing_and_a_correlation_below_one(
    config: dict[str, Any], factor: float, correlation: float, wrong: str
) -> None:
    conversion = {"drug": "esketamine", "route": "nasal", "unit": "mg", "factor": factor,
                  "source": "label"}  # fmt: skip
    asked = {"title": "T", "analysis": "mood"}
    config["conditions"]["blue"] |= {
        "doses": {"x": asked | {"drug": "d", "route": "IV", "conversions": [conversion]}},
        "time_courses": {"x": asked | {"correlation": correlation}},
    }
    if not wrong:
        resolve(config)
        return
    (found,) = messages(config)
    assert wrong in found


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("drug", ""),
        ("drugs", "no analysis of blue has such a moderator of kind group"),
        ("dose", "no analysis of blue has such a moderator of kind group"),
    ],
)
def test_results_stand_side_by_side_by_a_group(small: SmallReview, asked: str, told: str) -> None:
    moderators = (
        "defaults: {moderators: {drug: {title: drug, kind: group, table: arms, column: drug}, "
        "dose: {title: dose, kind: covariate, table: arms, column: dose_mg_kg, unit: mg/kg}}}\n"
    )
    small.rewrite("    title: Blue\n", f"    title: Blue\n    side_by_side: {asked}\n")
    small.rewrite("\nconditions:", f"\n{moderators}conditions:")
    if told:
        with pytest.raises(ProtocolError, match=told):
            _ = small.review
    else:
        assert small.review.conditions["blue"].side_by_side == "drug"


@pytest.mark.parametrize("inner", ["{{<<: [{}]}}", "[{}]"])
def test_anchors_that_repeat_each_other_are_refused_at_once(tmp_path: Path, inner: str) -> None:
    """Ten to the seventh values in eight lines; eight levels of one each are nothing."""
    for times, refused in ((10, True), (1, False)):
        lines = ["a0: &a0 {x: 1}" if "<<" in inner else "a0: &a0 [1]"]
        for level in range(1, 8):
            repeated = ", ".join([f"*a{level - 1}"] * times)
            lines.append(f"a{level}: &a{level} " + inner.format(repeated))
        path = tmp_path / "review.yaml"
        path.write_text("\n".join(lines), encoding="utf-8")
        if refused:
            with pytest.raises(ProtocolError, match="stand for more than 100,000 values"):
                load_yaml(path)
        else:
            assert load_yaml(path)


def test_an_anchor_that_holds_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "review.yaml"
    path.write_text("a: &a [1, *a]\n", encoding="utf-8")
    with pytest.raises(ProtocolError, match="stand for more than"):
        load_yaml(path)
