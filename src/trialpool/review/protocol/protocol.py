"""The protocol: `config/review.yaml` resolved once into typed, frozen specifications.

Unknown keys, nulls and wrong types are all reported at once, each with its dotted key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, model_validator

from trialpool.effects import MEASURES, measure_of
from trialpool.results import NAN
from trialpool.review.protocol.added_columns import AddedColumns, declared_columns
from trialpool.review.protocol.base import Identifier, Spec
from trialpool.review.protocol.multiverse_spec import MultiverseSpec
from trialpool.review.protocol.network_spec import NetworkQuestion
from trialpool.review.protocol.problems import ProtocolError, ProtocolProblem, SettingsError
from trialpool.review.protocol.question_checks import (
    misfit,
    undeclared,
    unusable_names,
    wrong_baselines,
    wrong_model,
    wrong_questions,
    wrong_side_by_side,
)
from trialpool.review.protocol.revman import spelled_out
from trialpool.review.protocol.settings import (
    EFFECT_SETTINGS,
    Correlated,
    Defaults,
    Model,
    Moderator,
)
from trialpool.review.protocol.specs import (
    QUESTIONS,
    Analysis,
    Condition,
    Confidence,
    Outcome,
    Target,
)
from trialpool.review.protocol.thresholds import Threshold
from trialpool.review.schema.added import Added, columns_of
from trialpool.review.schema.raw import CONFIDENCE

# How many analyses share a process at most: it takes as long to start as to pool two.
BATCH = 4


class Review(Spec):
    """The whole protocol."""

    title: str
    question: str
    version: str
    data_until: str
    experimental: str
    control: str = "control"
    notice: str
    licence: str = ""
    data_licence: str = ""
    built_from: tuple[str, ...]
    confidence_order: tuple[Confidence, ...] = CONFIDENCE  # type: ignore[assignment]
    outcomes: dict[Identifier, Outcome]
    columns: AddedColumns = AddedColumns()
    defaults: Defaults = Defaults()
    conditions: dict[Identifier, Condition]

    @model_validator(mode="before")
    @classmethod
    def _spelled_out(cls, given: Any) -> Any:
        return spelled_out(given)

    @model_validator(mode="after")
    def _consistent(self) -> Review:
        problems: list[ProtocolProblem] = []
        if sorted(self.confidence_order) != sorted(CONFIDENCE):
            order, each = ", ".join(self.confidence_order), ", ".join(CONFIDENCE)
            rule = f"name each of {each} once"
            problems.append(ProtocolProblem(key="confidence_order", value=order, rule=rule))
        problems += unusable_names(self.conditions)
        for name, condition in self.conditions.items():
            for key, analysis in condition.analyses.items():
                where = f"conditions.{name}.analyses.{key}"
                outcome = self.outcomes.get(analysis.outcome)
                if outcome is None:
                    problems.append(undeclared(where, analysis))
                    continue
                problems += misfit(where, analysis, outcome, MEASURES)
                problems += wrong_model(where, analysis, analysis.model or self.defaults.model)
            problems += wrong_baselines(name, condition, self.outcomes)
            kinds = [self.moderators_of(analysis) for analysis in condition.analyses.values()]
            problems += wrong_side_by_side(name, condition.side_by_side, kinds)
            problems += wrong_questions(name, condition, self.outcomes)
            if sum(a.primary for a in condition.analyses.values()) > 1:
                rule = "more than one analysis is marked primary"
                problems.append(ProtocolProblem(key=f"conditions.{name}", rule=rule))
        if problems:
            raise SettingsError(problems)
        return self

    def model_of(self, analysis: Analysis) -> Model:
        """The analysis' own model, or the review's default."""
        model = analysis.model or self.defaults.model
        return Correlated.of(model, analysis.rho) if analysis.effects == "che" else model

    def multiverse_of(self, analysis: Analysis) -> MultiverseSpec:
        """The review's factors, with the analysis' own in their place."""
        return self.defaults.multiverse.overridden_by(analysis.multiverse)

    def moderators_of(self, analysis: Analysis) -> dict[str, Moderator]:
        """The review's moderators, with the analysis' own in their place or on top."""
        return self.defaults.moderators | analysis.moderators

    def important_of(self, analysis: Analysis, sd: float = NAN, sd_is: str = "") -> Threshold:
        """The smallest difference that matters: of the analysis, of its outcome, or of all.

        Parameters
        ----------
        sd, sd_is : what a standard deviation is of a difference in points, NaN where that is not
            known, and in words

        Returns
        -------
        A difference in points without an `sd`, and a risk difference, that name none have none: no
        threshold fits every scale
        """
        measure, general = measure_of(analysis.measure), self.defaults.important
        if analysis.important is not None:
            return Threshold(measure.analysed(analysis.important), "declared for this analysis")
        in_sds = measure.unit == "SD" or (measure.unit == "points" and sd > 0)
        name = "ratio" if measure.is_ratio else "smd" if in_sds else None
        if name is None:
            return Threshold(None, "")
        declared = self.outcomes[analysis.outcome].important
        value, reason = getattr(declared, name, None), getattr(declared, "reason", "")
        if value is None:
            value, reason = getattr(general, name), getattr(general, f"reason_{name}")
        if measure.unit == "points":
            return Threshold(value * sd, f"{value:g} times the {sd_is} ({sd:.3g}); {reason}")
        return Threshold(measure.analysed(value), reason)

    def experimental_of(self, condition: str) -> str:
        """The word for the experimental side in a condition."""
        return self.conditions[condition].experimental or self.experimental

    def pairs(self) -> list[tuple[str, str]]:
        """All (condition, analysis) names, in the protocol's order."""
        return [(c, a) for c, spec in self.conditions.items() for a in spec.analyses]

    def names(self) -> dict[str, list[str]]:
        """The analyses of each condition, in the protocol's order."""
        return {name: list(condition.analyses) for name, condition in self.conditions.items()}

    def menu(self) -> dict[str, str]:
        """Each condition as a menu names it."""
        return {name: spec.short or spec.title for name, spec in self.conditions.items()}

    def questions(self) -> dict[str, list[str]]:
        """The folders of the questions of each condition, in reading order."""
        return {
            name: [f"{kind}_{q}" for key, kind in QUESTIONS.items() for q in getattr(spec, key)]
            for name, spec in self.conditions.items()
        }

    def batches(self) -> dict[str, list[list[str]]]:
        """The analyses of each condition in groups that share a process."""
        return {
            condition: [names[first : first + BATCH] for first in range(0, len(names), BATCH)]
            for condition, names in self.names().items()
        }

    @property
    def added(self) -> Added:
        """The columns the protocol adds to raw tables."""
        return columns_of(self.columns.model_dump())

    def outcome_rules(self) -> dict[str, dict[str, str]]:
        """What raw data are checked against: kind, better direction, `groups` of an outcome."""
        return {
            name: outcome.rule(
                {
                    measure_of(code).data.groups
                    for condition in self.conditions
                    for code in self.measures(condition).get(name, ())
                }
            )
            for name, outcome in self.outcomes.items()
        }

    def _measured(self, condition: str) -> list[Analysis | NetworkQuestion]:
        """What asks for effects: the analyses and networks of a condition."""
        spec = self.conditions[condition]
        return [*spec.analyses.values(), *spec.networks.values()]

    def measures(self, condition: str) -> dict[str, list[str]]:
        """The measures the analyses of a condition ask for, by outcome."""
        out: dict[str, list[str]] = {}
        for asked in self._measured(condition):
            codes = out.setdefault(asked.outcome, [])
            if asked.measure not in codes:
                codes.append(asked.measure)
        return {name: sorted(codes) for name, codes in sorted(out.items())}

    def universes(self, condition: str) -> list[MultiverseSpec]:
        """The different multiverses of a condition's analyses."""
        each = [self.multiverse_of(a) for a in self.conditions[condition].analyses.values()]
        return [one for i, one in enumerate(each) if one not in each[:i]]

    def effect_settings(self) -> dict[str, Any]:
        """The defaults that effects hang on; a change of others computes no effect anew."""
        return self.defaults.model_dump(mode="json", include=set(EFFECT_SETTINGS))

    def changes(self, condition: str) -> list[str]:
        """The outcomes of which some question of a condition works changes out."""
        measured = self._measured(condition)
        return sorted({each.outcome for each in measured if each.works_out_changes})

    def for_condition(self, condition: str) -> dict[str, Any]:
        """The review with one condition only, as a plain dictionary for that condition's page.

        Snakemake re-runs a step when its settings change; with this, a step depends on the
        settings of its own condition and on no other's.
        """
        return self._with(condition, self.conditions[condition].analyses)

    def for_analyses(self, condition: str, names: Sequence[str]) -> dict[str, Any]:
        """The review with these analyses only, and without the texts no number depends on."""
        out = self._with(condition, names)
        texts = ("title", "question", "version", "data_until", "notice", "licence", "data_licence")
        out |= dict.fromkeys(texts, "") | {"built_from": []}
        only = out["conditions"][condition]
        only |= {"title": "", "question": "", "scope": ""}
        only |= {questions: {} for questions in QUESTIONS} | {"target": None}
        for analysis in only["analyses"].values():
            analysis["target"] = analysis["baseline_risk"] = None
        return out

    def targets(self, condition: str) -> dict[str, dict[str, Any] | None]:
        """Whom and what each analysis of a condition is to tell of, as plain values.

        The keys of its own target stand in the place of the condition's; None where neither
        declares one.
        """
        asked = self.conditions[condition]
        each = {name: _target(asked.target, one.target) for name, one in asked.analyses.items()}
        return {
            name: None if target is None else target.model_dump(mode="json")
            for name, target in each.items()
        }

    def baseline_risks(self, condition: str) -> dict[str, dict[str, Any] | None]:
        """The declared baseline risk of each analysis of a condition, None where there is none."""
        return {
            name: None if risk is None else risk.model_dump(mode="json")
            for name, analysis in self.conditions[condition].analyses.items()
            for risk in [analysis.baseline_risk]
        }

    def _with(self, condition: str, analyses: Collection[str]) -> dict[str, Any]:
        """The review with these analyses only; others are not looked at, however many there are."""
        parts: dict[str, Any] = dict.fromkeys(Condition.model_fields, True)
        rest: dict[str, Any] = dict.fromkeys(type(self).model_fields, True)
        only = {condition: parts | {"analyses": set(analyses)}}
        return self.model_dump(mode="json", include=rest | {"conditions": only})


def _target(general: Target | None, special: Target | None) -> Target | None:
    if general is None or special is None:
        return special or general
    keys = special.model_fields_set
    return general.model_copy(update={key: getattr(special, key) for key in keys})


def resolve(config: Mapping[str, Any]) -> Review:
    """Check a configuration and fill in the defaults.

    Raises
    ------
    ProtocolError
        with one line per problem: dotted key, value, what is wrong and what to do
    """
    # Filters and moderators may name what the protocol itself declares.
    context = {"added": columns_of(declared_columns(config))}
    try:
        return Review.model_validate(dict(config), context=context)
    except ValidationError as error:
        problems = [problem for item in error.errors() for problem in _explain(item)]
        raise ProtocolError.of(problems) from None


def read_protocol(path: Path | str) -> Review:
    """Read and resolve a protocol file.

    Raises
    ------
    ProtocolError
        when the file is not a YAML mapping or the protocol is not usable
    """
    config = load_yaml(path)
    if not isinstance(config, dict):
        raise not_a_mapping(path)
    return resolve(config)


def not_a_mapping(path: Path | str) -> ProtocolError:
    """The error of a file that is YAML, but no settings."""
    problem = ProtocolProblem(rule="must be a mapping of settings")
    return ProtocolError(f"{path}: {problem}", [problem])


# libyaml, where PyYAML was built with it, is ten times as fast.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_SafeLoader):  # type: ignore[misc]
    """YAML in which a key that stands twice is an error, not the loss of the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            # `<<` merges an anchor; what it brings may be overridden on purpose.
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                mark = key.start_mark
                where = f"{mark.name} line {mark.line + 1}"
                rule = f"{where}: the key '{key.value}' stands twice in one place"
                problem = ProtocolProblem(rule=rule, fix="rename or remove one")
                raise ProtocolError(str(problem), [problem])
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


# So many values no protocol has; anchors that repeat each other reach it in a few lines.
_MOST_VALUES = 100_000


def _values(node: yaml.Node, known: dict[int, float]) -> float:
    """How many values a node stands for, aliases written out; inf if it holds itself."""
    if id(node) not in known:
        known[id(node)] = inf  # until it is counted
        inside: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inside = [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            inside = node.value
        known[id(node)] = 1 + sum(_values(each, known) for each in inside)
    return known[id(node)]


def load_yaml(path: Path | str) -> Any:
    """Read YAML, refusing a key that stands twice and anchors that repeat each other without end.

    Raises
    ------
    ProtocolError
        when the file is not valid YAML, a key stands twice, or it stands for too many values
    """
    with Path(path).open(encoding="utf-8") as stream:
        loader = _StrictLoader(stream)  # a SafeLoader
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _values(node, {}) > _MOST_VALUES:
                rule = f"its anchors and aliases stand for more than {_MOST_VALUES:,} values"
                problem = ProtocolProblem(rule=rule, fix="write out what they repeat")
                raise ProtocolError(f"{path}: {problem}", [problem])
            return loader.construct_document(node)
        except yaml.YAMLError as error:
            rule = f"not valid YAML: {error}"
            line = ProtocolProblem(rule=" ".join(map(str.strip, rule.splitlines())))
            raise ProtocolError(f"{path}: {rule}", [line]) from None


def _explain(item: Any) -> Iterator[ProtocolProblem]:
    # A key that may hold things of several kinds is followed by the kind, in brackets.
    key = ".".join(str(part) for part in item["loc"] if "[" not in str(part))
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        fix = "remove it or fix the spelling (docs/protocol.md lists all)"
        yield ProtocolProblem(key=key, rule="unknown key", fix=fix)
    elif item["type"] == "missing":
        fix = "add it (docs/protocol.md says what it means)"
        yield ProtocolProblem(key=key, rule="missing", fix=fix)
    elif item["type"] != "value_error":
        rule = message[:1].lower() + message[1:]
        yield ProtocolProblem(key=key, value=repr(item["input"]), rule=rule)
    elif isinstance(error := item["ctx"]["error"], SettingsError):
        for problem in error.problems:
            yield replace(problem, key=".".join(filter(None, (key, problem.key))))
    else:
        rule, _, fix = message.partition("; ")
        yield ProtocolProblem(key=key, rule=rule, fix=fix)
