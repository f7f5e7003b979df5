"""Titles and labels that a reader could not tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from trialpool.review.protocol.base import folded
from trialpool.review.protocol.problems import ProtocolProblem

if TYPE_CHECKING:
    from trialpool.review.protocol.protocol import Review


def titles_alike(review: Review) -> Iterator[ProtocolProblem]:
    """Outcomes, conditions, and within a condition analyses, questions and moderators, of one
    title.
    """
    yield from _twice("outcomes", {n: each.title for n, each in review.outcomes.items()})
    yield from _twice("conditions", {n: each.title for n, each in review.conditions.items()})
    for name, condition in review.conditions.items():
        for kind in ("analyses", "time_courses", "doses", "networks"):
            titles = {n: each.title for n, each in getattr(condition, kind).items()}
            yield from _twice(f"conditions.{name}.{kind}", titles)
        for key, analysis in condition.analyses.items():
            titles = {n: each.title for n, each in review.moderators_of(analysis).items()}
            yield from _twice(f"conditions.{name}.analyses.{key}.moderators", titles)


def _twice(where: str, titles: Mapping[str, str]) -> Iterator[ProtocolProblem]:
    first: dict[str, str] = {}
    for name, title in titles.items():
        other = first.setdefault(folded(title), name)
        if other != name:
            yield ProtocolProblem(
                key=f"{where}.{name}.title",
                value=title,
                rule=f"the title of {other} as well; a reader cannot tell them apart",
            )
