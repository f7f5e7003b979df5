"""Registry of effect measures: one function each, its required columns declared beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trialpool.effects.scales import IDENTITY, LOG, Scale
from trialpool.results import NAN, Array, EffectSizes, TrialpoolError, check_choice, nearest

Rule = tuple[NDArray[np.bool_], str]


class Estimate(NamedTuple):
    """What a formula gives back.

    `yi`, `vi` : (k,), anything where undefined. `formula` names what was computed. `rules` say
    (mask, text) where there is no effect, `no_variance` where there is one without a variance;
    the first that holds is the reason. A missing column needs no rule.
    """

    yi: Array
    vi: Array
    formula: str
    rules: Sequence[Rule] = ()
    no_variance: Sequence[Rule] = ()


Formula = Callable[..., Estimate]
Derived = tuple[tuple[str, ...], Callable[..., Array]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What trials report of an outcome, as the columns that a formula needs tell.

    `outcome` is the kind of outcome that a review asks of it ("" where none can), `groups` how
    many groups are compared. `joint` stands between a measure and the outcome, as in "risk ratio
    of", `above` and `below` say which way an effect points; of a `frequency` it is how often
    something happens.
    """

    name: str
    columns: frozenset[str]
    outcome: str = ""
    groups: int = 2
    joint: str = "of"
    above: str = "higher"
    below: str = "lower"
    frequency: bool = False


_OFTEN = {"above": "more frequent", "below": "less frequent", "frequency": True}
_SIGN = {"above": "positive", "below": "negative"}


def _data(name: str, columns: str, **about: Any) -> Data:
    return Data(name=name, columns=frozenset(columns.split()), **about)


# In this order: what fewer columns suffice for comes first.
DATA = (
    _data("scores", "m1i sd1i n1i m2i sd2i n2i", outcome="continuous", joint="in"),
    _data("counts", "ai n1i ci n2i", outcome="binary", **_OFTEN),
    _data("rates", "x1i t1i x2i t2i", outcome="rate", **_OFTEN),
    _data("estimates", "yi sei", **_OFTEN),
    _data("correlations", "ri ni", outcome="association", groups=1, **_SIGN),
    _data("scores of one group", "mi sdi ni", outcome="continuous", groups=1),
    _data("counts of one group", "xi ni", outcome="binary", groups=1, joint="with"),
    _data("events of one group", "xi ti", outcome="rate", groups=1),
    _data("pairs", "m1i sd1i m2i sd2i ni ri", joint="in"),
)
_PRIORS = "used here are in standard deviations or logs of ratios"
_ELSE = Data(name="", columns=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An effect measure: its formula, the columns it needs, and all that tells it from others.

    `derived` maps a column to the columns it can be worked out from, and how. `ignores` are
    columns of the same table of data that this measure does not read. `choices` holds the allowed
    values of the options that have a fixed list.

    `title` are its words on the display scale of `scale`, `form` what tells it from measures of
    the same title, `short` its name in tables. `unit` is "SD", "points" (of an instrument) or
    "risk" where effects are in one of these. `kind` is the kind of outcome if `data` do not tell.
    `above` and `below` say which way an effect points where the data's words do not, and `valued`
    whether one way is better than the other, as the review says of the outcome.
    `paired` names the measure that compares the same people under two conditions. `reported` are
    the measures of reported estimates that can serve as this one. `mantel_haenszel` says whether
    counts can be pooled without an effect of each study.
    """

    name: str
    formula: Formula
    needs: tuple[str, ...]
    derived: Mapping[str, Derived] = field(default_factory=dict)
    ignores: tuple[str, ...] = ()
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    title: str
    form: str = ""
    short: str = ""
    scale: Scale = IDENTITY
    unit: Literal["", "SD", "points", "risk"] = ""
    kind: str = ""
    above: str = ""
    below: str = ""
    valued: bool = True
    paired: str = ""
    reported: tuple[str, ...] = ()
    mantel_haenszel: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Names of the keyword options the formula takes beside its columns, with defaults."""
        return {name: x for name, x in _defaults(self.formula).items() if name not in self.needs}

    @property
    def data(self) -> Data:
        """What trials report that it is computed from."""
        return next((data for data in DATA if data.columns.issuperset(self.needs)), _ELSE)

    @property
    def outcome(self) -> str:
        """The kind of outcome that a review asks it of; "" where none can."""
        return self.kind or self.data.outcome

    @property
    def is_ratio(self) -> bool:
        """Whether effects are ratios of two groups, which are pooled as logarithms."""
        return self.scale is LOG and self.data.groups == 2

    @property
    def unit_free(self) -> bool:
        """Whether effects mean the same of every outcome: standard deviations, logs of ratios."""
        return self.unit == "SD" or self.is_ratio

    @property
    def standardises(self) -> bool:
        """Whether it divides a difference between two groups' scores by an SD."""
        return self.unit == "SD" and self.data.name == "scores"

    @property
    def null(self) -> float | None:
        """The displayed effect that is no effect; None where nothing is compared."""
        alone = self.data.groups == 1 and self.data.outcome != "association"
        return None if alone else float(self.scale.shown(0.0))

    @property
    def favours(self) -> bool:
        """Whether effects favour one of two groups; of others none is a benefit or a harm."""
        return self.valued and self.data.groups == 2

    @property
    def directions(self) -> tuple[str, str]:
        """The words for an effect below no effect and for one above it: `lower`, `higher`."""
        return self.below or self.data.below, self.above or self.data.above

    def sides(self, experimental: str, control: str, *, better: str) -> tuple[str, str]:
        """What the two sides of an axis mean, left and right; blank where nothing is compared.

        `better` says which effects are a benefit, "lower" or "higher"
        """
        if self.data.groups == 1:
            return "", ""
        if not self.valued:
            below, above = self.directions
            return f"{below} with {experimental}", f"{above} with {experimental}"
        left, right = f"favours {experimental}", f"favours {control}"
        return (left, right) if better == "lower" else (right, left)

    @property
    def no_prior(self) -> str:
        """Why no prior of tau at hand is for it; "" where one is.

        They are made for standardised differences and log ratios (Roever et al. 2021, Res Synth
        Methods 12:448), serve differences in points where the SD of the instrument is known, and
        give the probability of a benefit.
        """
        if self.null is None:
            return f"nothing is compared: the priors {_PRIORS}"
        if self.unit_free or self.unit == "points":
            return "" if self.favours else f"neither direction of {self.a} is the better one"
        what = "of risks or rates" if self.data.groups == 2 else "of correlations"
        return f"no prior of tau fits differences {what}: those {_PRIORS}"

    @property
    def words(self) -> str:
        """Its title with what tells it from others of the same title."""
        return f"{self.title} ({self.form})" if self.form else self.title

    @property
    def a(self) -> str:
        """Its title with the indefinite article."""
        return f"{'an' if self.title[0] in 'aeiou' else 'a'} {self.title}"

    @property
    def many(self) -> str:
        """Its title for several: `risk ratios`, `ratios of means`."""
        head, of, rest = self.title.partition(" of ")
        return f"{head}s{of}{rest}"

    @property
    def lead(self) -> str:
        """What stands before the name of an outcome: `risk ratio of`."""
        short = f" ({self.short})" if self.unit == "SD" else ""
        return f"{self.title}{short} {self.data.joint}"

    def shown(self, value: float) -> float:
        """An effect of the analysis scale on the display scale."""
        return float(self.scale.shown(value))

    def difference(self, start: float, by: float) -> float:
        """A difference of the analysis scale, from `start`, on the display scale; a log's ratio."""
        return float(self.scale.difference(start, by))

    def analysed(self, value: float) -> float:
        """A displayed effect on the analysis scale."""
        return float(self.scale.analysed(value))


MEASURES: dict[str, Measure] = {}


def measure(
    name: str,
    *,
    title: str,
    needs: tuple[str, ...],
    sums: Mapping[str, tuple[str, str]] | None = None,
    derived: Mapping[str, Derived] | None = None,
    **about: Any,
) -> Callable[[Formula], Formula]:
    """Register a formula under `name`, with the record of its measure.

    `sums` says which required column may be given as two parts, e.g. n1i as ai + bi; the other
    arguments are the fields of `Measure`.
    """
    worked_out = {total: (parts, np.add) for total, parts in (sums or {}).items()}

    def add(formula: Formula) -> Formula:
        MEASURES[name] = Measure(
            name=name,
            formula=formula,
            needs=needs,
            derived={**worked_out, **(derived or {})},
            title=title,
            **{"short": name, **about},
        )
        return formula

    return add


def measure_of(code: str) -> Measure:
    """The record of a measure.

    Raises
    ------
    TrialpoolError
        an unknown measure
    """
    if code not in MEASURES:
        listed = ", ".join(sorted(MEASURES))
        raise TrialpoolError(
            f"unknown measure {code!r}: known are {listed}{nearest(code, MEASURES)}"
        )
    return MEASURES[code]


def reported_as(code: object) -> Measure:
    """The measure whose scale and kind of outcome a reported estimate has.

    d and g are standardised mean differences; of a code that is none, an estimate as it was given.
    """
    name = {"D": "SMD", "G": "SMD"}.get(str(code), str(code))
    return MEASURES.get(name, MEASURES["GEN"])


@cache
def _defaults(formula: Callable[..., Estimate]) -> dict[str, Any]:
    """The arguments of a formula with their defaults; reading them takes longer than most sums."""
    return {p.name: p.default for p in inspect.signature(formula).parameters.values()}


def compute(name: str, given: Mapping[str, Any]) -> EffectSizes:
    """Check the columns of one call against the measure's declaration, and apply its formula."""
    spec = measure_of(name)
    given = {key: value for key, value in given.items() if value is not None}
    parts = {part for columns, _ in spec.derived.values() for part in columns}
    defaults = spec.options
    allowed = {*spec.needs, *spec.ignores, *parts, *defaults}
    if unknown := sorted(set(given) - allowed):
        raise TrialpoolError(
            f"{name} does not take {', '.join(unknown)}: columns are {', '.join(spec.needs)}"
            f"; options are {', '.join(defaults) or 'none'}{nearest(unknown[0], allowed)}"
        )
    options = {key: value for key, value in given.items() if key in defaults}
    for option, values in spec.choices.items():
        if option in options:
            check_choice(option, options[option], values)
    # Formulas may divide by zero or take the log of one: `_explained` says what became of it.
    with np.errstate(all="ignore"):
        columns = _columns(spec, {k: v for k, v in given.items() if k not in defaults})
        return _explained(name, columns, spec.formula(**columns, **options))


def _columns(spec: Measure, given: Mapping[str, Any]) -> dict[str, Array]:
    """The required columns, all of shape (k,)."""
    columns = _aligned(spec.name, given)
    for name, (parts, rule) in spec.derived.items():
        if all(part in columns for part in parts):
            worked_out = rule(*(columns[part] for part in parts))
            known = columns.get(name, worked_out)
            columns[name] = np.where(np.isnan(known), worked_out, known)
    if missing := [_or_parts(spec, key) for key in spec.needs if key not in columns]:
        raise TrialpoolError(
            f"{spec.name} needs {', '.join(spec.needs)}: missing {', '.join(missing)}"
        )
    return {key: columns[key] for key in spec.needs}


def _or_parts(spec: Measure, column: str) -> str:
    if column not in spec.derived:
        return column
    return f"{column} (or {', '.join(spec.derived[column][0])})"


def _aligned(name: str, given: Mapping[str, Any]) -> dict[str, Array]:
    """Columns as floats of one length; a single number stands for every study."""
    columns = {key: _numbers(key, values) for key, values in given.items()}
    lengths = {key: len(column) for key, column in columns.items() if column.ndim == 1}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise TrialpoolError(f"{name}: columns must have one length, got {listed}")
    k = next(iter(lengths.values()), 1)
    return {key: np.broadcast_to(column, (k,)) for key, column in columns.items()}


def _numbers(name: str, values: Any) -> Array:
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TrialpoolError(f"{name} must hold numbers only: {error}") from None
    if column.ndim > 1:
        raise TrialpoolError(f"{name} must be one column, got an array of shape {column.shape}")
    return column


def none_of(rules: Sequence[Rule], k: int) -> NDArray[np.bool_]:
    """Studies that no rule forbids, shape (k,)."""
    free = np.ones(k, dtype=np.bool_)
    for mask, _ in rules:
        free &= ~mask
    return free


def _explained(name: str, columns: Mapping[str, Array], estimate: Estimate) -> EffectSizes:
    """Blank what is undefined, and say why.

    An effect that can be computed stays where only its variance is missing: it can stand in a
    table, but not be pooled. A variance of exactly 0 could not be weighted, so it counts as
    undefined.
    """
    k = len(estimate.yi)
    has_effect = none_of(estimate.rules, k) & np.isfinite(estimate.yi)
    complete = has_effect & np.isfinite(estimate.vi) & (estimate.vi > 0)
    complete &= none_of(estimate.no_variance, k)
    rules = [
        *((~np.isfinite(column), f"{key} is missing") for key, column in columns.items()),
        *estimate.rules,
        *estimate.no_variance,
        (~complete, "sampling variance is 0 or undefined"),
    ]
    reason = [""] * k
    for mask, text in reversed(rules):
        if mask.any():
            for i in np.flatnonzero(mask):
                reason[i] = text
            complete &= ~mask
    return EffectSizes(
        yi=np.where(has_effect, estimate.yi, NAN),
        vi=np.where(complete, estimate.vi, NAN),
        measure=name,
        formula=estimate.formula,
        reason=tuple(reason),
    )
