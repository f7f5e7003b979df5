"""The protocol as far as it can be read, and its problems in the form of those of the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trialpool.review.extraction import ready
from trialpool.review.extraction.problems import Problem
from trialpool.review.extraction.read import RawData
from trialpool.review.protocol.added_columns import declared_columns
from trialpool.review.protocol.problems import ProtocolError, ProtocolProblem
from trialpool.review.protocol.protocol import Review, load_yaml, not_a_mapping, resolve
from trialpool.review.protocol.specs import Outcome
from trialpool.review.schema.added import Added, columns_of
from trialpool.review.schema.raw import CONFIDENCE

_FIX = "docs/protocol.md says what may stand here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What the tables are checked against.

    `review` is None where the protocol is not usable, `outcomes` where they are not known;
    `analyses` are the names of those of each condition, none where they cannot be read.
    """

    review: Review | None
    problems: tuple[Problem, ...]
    analyses: Mapping[str, Collection[str]] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, str]] | None = None
    order: Sequence[str] = CONFIDENCE
    added: Added = field(default_factory=dict)


def read(path: Path) -> Protocol:
    """Read a protocol; of one that is not usable, whatever the tables can be checked against."""
    try:
        config = load_yaml(path)
        if not isinstance(config, dict):
            raise not_a_mapping(path)
    except Exception as error:  # whatever a YAML file can make its reader raise
        return Protocol(review=None, problems=_problems(path, error))
    try:
        review = resolve(config)
    except ProtocolError as error:
        return Protocol(review=None, problems=_problems(path, error), **_readable(config))
    return Protocol(
        review=review,
        problems=(),
        analyses=review.names(),
        outcomes=review.outcome_rules(),
        order=review.confidence_order,
        added=review.added,
    )


def unknown_names(path: Path, review: Review, data: Mapping[str, RawData]) -> tuple[Problem, ...]:
    """Names in the protocol that no table holds."""
    unknown = ready.unknown_names(review, data)
    return tuple(_of_protocol(path, problem) for problem in unknown)


def undecided_effects(
    path: Path, review: Review, data: Mapping[str, RawData]
) -> tuple[Problem, ...]:
    """Analyses in which no rule says which effect of a trial counts."""
    from trialpool.review.commands.undecided import undecided

    return tuple(_of_protocol(path, problem) for problem in undecided(review, data))


def _readable(config: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions and outcomes of a protocol that has problems elsewhere.

    Where some outcomes cannot be read, they are all left out: the tables that name them would
    look wrong.
    """
    conditions, outcomes = config.get("conditions"), config.get("outcomes")
    by_name = conditions if isinstance(conditions, dict) else {}
    named = {n: spec for n, spec in by_name.items() if isinstance(n, str) and Path(n).name == n}
    asked = {
        n: spec.get("analyses") if isinstance(spec, dict) else None for n, spec in named.items()
    }
    try:
        declared = dict(outcomes or {}).items()
        rules = {str(n): Outcome.model_validate(o).rule() for n, o in declared}
    except (TypeError, ValueError):
        rules = None
    return {
        "analyses": {n: tuple(each) if isinstance(each, dict) else () for n, each in asked.items()},
        "outcomes": rules,
        "added": columns_of(declared_columns(config)),
    }


def _problems(path: Path, error: Exception) -> tuple[Problem, ...]:
    if isinstance(error, ProtocolError):
        return tuple(_of_protocol(path, problem) for problem in error.problems)
    if isinstance(error, OSError):
        why = f"cannot be opened ({error.strerror or error})"
        problem = ProtocolProblem(rule=why, fix="check the path given with --config")
    elif isinstance(error, UnicodeDecodeError):
        problem = ProtocolProblem(rule="not UTF-8 text", fix="save it as UTF-8")
    else:
        words = " ".join(map(str.strip, str(error).splitlines()))
        problem = ProtocolProblem(rule=words or type(error).__name__)
    return (_of_protocol(path, problem),)


def _of_protocol(path: Path, problem: ProtocolProblem) -> Problem:
    """A problem of the protocol in the form of those of the tables."""
    fix = f"{problem.fix[:1].upper()}{problem.fix[1:]}" or _FIX
    return Problem(
        file=path.as_posix(),
        row=None,
        column=problem.key,
        value=problem.value,
        rule=problem.rule,
        fix=fix,
        check="protocol",
    )
