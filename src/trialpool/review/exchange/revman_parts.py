"""The parts of a RevMan file that both formats have: studies, analyses, and names of numbers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

POOLED = "pooled result of the source, for comparison"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevManStudy:
    """A trial as the review describes it; `key` is its identity in the file."""

    key: Hashable
    name: str
    where: str
    year: str = ""
    citation: str = ""
    doi: str = ""
    pmid: str = ""
    registration: str = ""
    methods: str = ""
    participants: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevManAnalysis:
    """One outcome of one comparison, as its heading says."""

    where: str
    outcome: str
    comparison: str = ""
    subgroup: str = ""
    labels: tuple[str, str] = ("", "")
    favours: tuple[str, str] = ("", "")
    measure: str = ""
    ci_level: str = "95"
    logged: bool = True
    swapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The names the file has for the numbers of a study: experimental first, control second."""

    events: tuple[str, str]
    totals: tuple[str, str]
    means: tuple[str, str]
    sds: tuple[str, str]
    estimate: str
    se: str
    shown: tuple[str, str, str]
    logrank: tuple[str, str]
