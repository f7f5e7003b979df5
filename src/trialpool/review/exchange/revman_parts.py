"""The parts of a RevMan file that its formats have: studies, analyses, and names of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

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
    """One outcome of one comparison, as its heading says; `number` names it in the file.

    `where` is the place of the lines: the analysis itself, or a subgroup of it; `repeated` are the
    studies that have several lines there.
    """

    number: str
    where: str
    outcome: str
    comparison: str = ""
    subgroup: str = ""
    repeated: frozenset[Hashable] = frozenset()
    labels: tuple[str, str] = ("", "")
    favours: tuple[str, str] = ("", "")
    measure: str = ""
    method: str = ""
    random: bool = False
    estimator: str = ""
    interval: str = ""
    data_type: str = ""
    ci_level: str = "95"
    ci_total: str = "95"
    logged: bool = True
    swapped: bool = False


def in_subgroup(number: str, subgroup: str) -> str:
    """The place of lines in a subgroup, where the file has no name for it."""
    return f"{number} ({subgroup})" if subgroup else number


def several(keys: Iterable[Hashable]) -> frozenset[Hashable]:
    """Those that stand more than once."""
    return frozenset(key for key, times in Counter(keys).items() if times > 1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """A pooled result that the file holds: of an analysis, or of a subgroup of it.

    `outcomes` are those of our tables that the analysis became. `numbers` are as they stand in the
    file, by our names: estimate, ci_low, ci_high (ratios not logged), tau2, q, i2, p_value.
    """

    analysis: RevManAnalysis
    numbers: Mapping[str, str] = field(default_factory=dict)
    outcomes: tuple[str, ...] = ()


def holds_result(numbers: Mapping[str, str]) -> bool:
    """Whether pooled numbers are a result; RevMan fills the place of a total not asked for with 0.

    Parameters
    ----------
    numbers : as in `StoredResult`
    """
    shown = [numbers[name] for name in ("estimate", "ci_low", "ci_high") if name in numbers]
    return "estimate" in numbers and (len(shown) < 3 or any(float(text) for text in shown))
