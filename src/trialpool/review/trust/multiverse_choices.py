"""The factors of one analysis' multiverse: the protocol's own level, the others, their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from trialpool.diagnostics.multiverse import Factor
from trialpool.effects import measure_of
from trialpool.pooling.policy import COUNT_METHODS
from trialpool.review.case import Case
from trialpool.review.effects.choices import AXES, SD_NAMES, levels_of, named
from trialpool.review.effects.crossover import AS_PARALLEL, PAIRED
from trialpool.review.fitting.fit import TEST_WORDS
from trialpool.review.protocol.multiverse_spec import MultiverseSpec, Window
from trialpool.review.protocol.specs import Analysis
from trialpool.review.schema.trust import FACTORS

TITLES = {factor.name: factor.heading for factor in FACTORS}
_WORDS = {
    **{name: f"by the {words}" for name, words in SD_NAMES.items()},
    "parallel": "as parallel",
    "first_period": "first period only",
    "leave_out": "left out",
    "combine": "combined",
    "split": "control split",
    "covariance": "with covariance",
    "EE": "common effect",
    **COUNT_METHODS,
    **TEST_WORDS,
}
_WHOLE = (PAIRED, AS_PARALLEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A factor with the values behind the words of its levels; the protocol's own comes first."""

    name: str
    kind: Literal["E", "U", "N"]
    values: tuple[Any, ...]
    words: tuple[str, ...]

    @property
    def factor(self) -> Factor:
        """The factor as readers see it."""
        return Factor(name=self.name, kind=self.kind, levels=self.words)

    @property
    def bites(self) -> bool:
        return len(self.values) > 1

    def only(self, places: Iterable[int]) -> Choice:
        """With some of the levels."""
        kept = sorted({0, *places})
        return Choice(
            name=self.name,
            kind=self.kind,
            values=tuple(self.values[i] for i in kept),
            words=tuple(self.words[i] for i in kept),
        )


def choices_of(case: Case, candidates: pd.DataFrame) -> dict[str, Choice]:
    """Every factor of TITLES for an analysis, in that order; with one level where it is off.

    Parameters
    ----------
    candidates : the effects of the analysis' outcome and measure in trials its rules keep. A
        level that cannot matter to any of them is left out
    """
    analysis, wanted = case.spec, case.multiverse
    pairs = {
        "comparators": _comparators(analysis, wanted, candidates),
        "time_window": _windows(analysis, wanted),
        "time_point": _points(analysis, wanted, candidates),
        "instruments": _instruments(analysis, wanted, candidates),
        **{axis: _axis(axis, case) for axis in AXES},
        "risk_of_bias": _switch(wanted.risk_of_bias, "all trials", "without high risk"),
        "flagged": _switch(wanted.flagged, "kept", "left out"),
        "missing": _switch(wanted.missing, "not added", "added with no effect"),
        **_models(case),
    }
    if not candidates["design"].isin(_WHOLE).any():
        pairs["crossover"] = pairs["crossover"][:1]
    out = {}
    for name in TITLES:
        factor = getattr(wanted, name)
        levels = dict(reversed(pairs[name])) if factor else dict(pairs[name][:1])
        primary = pairs[name][0][0]
        order = [primary, *(value for value, _ in pairs[name] if value != primary and factor)]
        order = list(dict.fromkeys(order))
        out[name] = Choice(
            name=name,
            kind=factor.kind if factor else "E",
            values=tuple(order),
            words=tuple(levels[value] for value in order),
        )
    return out


_Pairs = list[tuple[Any, str]]


def _comparators(analysis: Analysis, wanted: MultiverseSpec, candidates: pd.DataFrame) -> _Pairs:
    present = [c for c in analysis.comparators if (candidates["comparator_class"] == c).any()]
    levels: list[Any] = [analysis.comparators]
    for level in wanted.comparators.levels if wanted.comparators else ():
        if level != "each":
            levels.append(level)
        elif len(present) > 1:
            levels += [(c,) for c in present]
    return [(level, " or ".join(_comparator(c) for c in level)) for level in levels]


def _comparator(code: str) -> str:
    return code.replace("_", " ").replace("ect", "ECT")


def _windows(analysis: Analysis, wanted: MultiverseSpec) -> _Pairs:
    primary = (analysis.time_days, analysis.prefer_time)
    others = wanted.time_window.levels if wanted.time_window else ()
    return [(primary, _days(primary[0])), *((_of(w), _days(w.time_days)) for w in others)]


def _of(window: Window) -> tuple[tuple[float, float], float | None]:
    return window.time_days, window.prefer_time


def _days(window: tuple[float, float] | None) -> str:
    return "any time" if window is None else f"day {window[0]:g} to {window[1]:g}"


def _points(analysis: Analysis, wanted: MultiverseSpec, candidates: pd.DataFrame) -> _Pairs:
    primary = "any" if analysis.prefer_time is None else f"nearest to day {analysis.prefer_time:g}"
    pairs: _Pairs = [("", primary)]
    if wanted.time_point and _several(candidates, "time_days"):
        pairs += [(level, level) for level in wanted.time_point.levels]
    return pairs


def _instruments(analysis: Analysis, wanted: MultiverseSpec, candidates: pd.DataFrame) -> _Pairs:
    order = analysis.instruments
    pairs: _Pairs = [(order, "protocol's order" if order else "any")]
    for level in wanted.instruments.levels if wanted.instruments else ():
        if level == "each":
            present = sorted(set(candidates["instrument"].dropna()))
            if len(present) > 1:
                pairs += [
                    ((name,), f"{name} only") for name in present if not order or name in order
                ]
        elif level == "reversed":
            if len(order) > 1 and _several(candidates, "instrument"):
                pairs.append((order[::-1], "reverse order"))
        else:
            pairs.append((level, f"{level[0]} only" if len(level) == 1 else ", ".join(level)))
    return pairs


def _several(candidates: pd.DataFrame, column: str) -> bool:
    """Whether some trial has effects that differ in a column, so that their order matters."""
    seen = candidates[["trial_id", column]].dropna().drop_duplicates()
    return bool(seen["trial_id"].duplicated().any())


def _axis(axis: str, case: Case) -> _Pairs:
    levels = levels_of(axis, case.defaults, case.multiverse)
    prefix = "paired, " if axis == "crossover" else ""
    return [
        (named(level), f"{prefix}{named(level)}" if isinstance(level, float) else words_of(level))
        for level in levels
    ]


def _switch(factor: Any, primary: str, other: str) -> _Pairs:
    return [("", primary), *((level, other) for level in (factor.levels if factor else ()))]


def _models(case: Case) -> dict[str, _Pairs]:
    model, wanted = case.model, case.multiverse
    estimators: Sequence[str] = wanted.estimator.levels if wanted.estimator else ()
    if not measure_of(case.measure).mantel_haenszel:
        estimators = [code for code in estimators if code not in COUNT_METHODS]
    primary = model.method if model.counts else model.tau2
    tests = wanted.test.levels if wanted.test else ()
    return {
        "estimator": [(code, words_of(code)) for code in (primary, *estimators)],
        "test": [(code, words_of(code)) for code in (model.test, *tests)],
    }


def words_of(level: Any) -> str:
    """A level as readers know it."""
    return _WORDS.get(str(level), str(level))
