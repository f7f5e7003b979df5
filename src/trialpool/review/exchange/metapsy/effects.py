"""Hedges' g of each comparison, as metapsyTools computes it, from our raw tables.

The pipeline combines the experimental arms of a trial before it computes an effect, and never
turns counts into a standardised difference; a Metapsy file has one row per pair of arms and `.g`
for counts as well. So these effects are computed here, with the library's own effect sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import isnan

import numpy as np

from trialpool.effects import effect_size
from trialpool.effects.small_sample import small_sample_factor
from trialpool.results import NAN, Array
from trialpool.review.exchange.metapsy.notes import SOURCE, rows_of
from trialpool.review.extraction.read import RawData, Row, Value

_GROUP = ("trial_id", "outcome", "instrument", "definition", "period", "time_days",
          "outcome_type", "analysis_set", "source")  # fmt: skip
_NUMBERS = {"msd": ("mean", "sd", "n"), "change": ("mean", "sd", "n"), "event": ("event", "totaln")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPair:
    """Two arms with one result each, a reported contrast between them, or both.

    `about` holds what the two share (trial, outcome, instrument, time ...); `lines` are the rows
    of the Metapsy file they were read from, if they were.
    """

    about: Row
    experimental: str
    control: str
    one: Row | None = None
    two: Row | None = None
    contrast: Row | None = None
    lines: frozenset[int] = frozenset()

    @property
    def kind(self) -> str:
        """The kind of result both arms have in full; blank where they do not."""
        if self.one is None or self.two is None:
            return ""
        kind = str(self.one["outcome_type"])
        whole = all(
            row[name] is not None for row in (self.one, self.two) for name in _NUMBERS[kind]
        )
        return kind if whole else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgesG:
    """An effect, arm 1 minus arm 2, and its standard error; NaN with the reason."""

    g: float = NAN
    se: float = NAN
    formula: str = ""
    reason: str = ""


def pairs(raw: RawData) -> list[ArmPair]:
    """Every comparison of an experimental with a control arm, and every reported contrast.

    Results of a kind the standard has no columns for, such as rates, make none.
    Results that were read from a Metapsy file make a pair only where the file had them in one
    row.
    """
    roles = {(row["trial_id"], row["arm_id"]): row["role"] for row in raw["arms"].rows}
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in raw["results"].rows:
        if row["outcome_type"] in _NUMBERS and row["exclude_reason"] is None:
            groups.setdefault(tuple(row[name] for name in _GROUP), []).append(row)
    arm_pairs = [pair for rows in groups.values() for pair in _paired(rows, roles)]
    for row in raw["contrasts"].rows:
        if row["exclude_reason"] is None:
            arm_pairs = _with_contrast(arm_pairs, row, raw)
    return arm_pairs


def _paired(rows: Sequence[Row], roles: Mapping[tuple[Value, Value], Value]) -> Iterator[ArmPair]:
    sides: dict[object, list[Row]] = {"experimental": [], "control": []}
    for row in rows:
        sides[roles[row["trial_id"], row["arm_id"]]].append(row)
    for one, two in product(sides["experimental"], sides["control"]):
        lines = _lines(one) & _lines(two)
        if lines or not (_lines(one) or _lines(two)):
            a, b = str(one["arm_id"]), str(two["arm_id"])
            yield ArmPair(about=one, experimental=a, control=b, one=one, two=two, lines=lines)


def _with_contrast(arm_pairs: list[ArmPair], row: Row, raw: RawData) -> list[ArmPair]:
    """Add a contrast to the pair of its row in the file; else it is a pair of its own."""
    lines = _lines(row)
    for i, pair in enumerate(arm_pairs):
        if lines & pair.lines:
            return [*arm_pairs[:i], replace(pair, contrast=row), *arm_pairs[i + 1 :]]
    arms = {row["experimental_arm"]: "one", row["control_arm"]: "two"}
    results = {
        arms[result["arm_id"]]: result
        for result in raw["results"].rows
        if result["outcome_type"] in _NUMBERS
        and lines & _lines(result)
        and result["trial_id"] == row["trial_id"]
        and result["arm_id"] in arms
    }
    a, b = str(row["experimental_arm"]), str(row["control_arm"])
    one, two = results.get("one"), results.get("two")
    pair = ArmPair(
        about=row, experimental=a, control=b, one=one, two=two, contrast=row, lines=lines
    )
    return [*arm_pairs, pair]


def _lines(row: Row) -> frozenset[int]:
    return rows_of(str(row["locator"])) if row["source"] == SOURCE else frozenset()


def hedges_g(compared: Sequence[ArmPair]) -> list[HedgesG]:
    """Hedges' g of each pair, arm 1 minus arm 2.

    Scores: g = (1 - 3/(4 df - 1)) d, SE^2 = 1/n1 + 1/n2 + d^2/(2 (n1 + n2)). Counts: the log odds
    ratio times sqrt(3)/pi with the same correction of g alone; zero cells as metapsyTools'
    documentation says, by the treatment-arm correction. Without both arms' numbers: the reported
    g.

    References
    ----------
    Manual of metapsyTools, calculateEffectSizes, g.binary; Hasselblad & Hedges 1995, Psychol Bull
    117:167; Sweeting, Sutton & Lambert 2004, Stat Med 23:1351
    """
    out = [_reported(pair) for pair in compared]
    for kinds, compute in ((("msd", "change"), _from_scores), (("event",), _from_counts)):
        places = [i for i, pair in enumerate(compared) if pair.kind in kinds]
        if places:
            for i, effect in zip(places, compute([compared[i] for i in places]), strict=True):
                out[i] = effect
    return out


def _reported(pair: ArmPair) -> HedgesG:
    row = pair.contrast
    if row is None:
        return HedgesG(reason="a number of an arm is missing, and no effect is reported")
    if row["effect_measure"] != "G" or row["estimate"] is None:
        return HedgesG(reason=f"reported as {row['effect_measure']}, which is not Hedges' g")
    sign = 1 if row["contrast"] == "experimental-control" else -1
    se = NAN if row["se"] is None else float(row["se"])
    reason = "no standard error is reported" if isnan(se) else ""
    return HedgesG(g=sign * float(row["estimate"]), se=se, formula="as reported", reason=reason)


def _from_scores(compared: Sequence[ArmPair]) -> list[HedgesG]:
    names = (("mean", "m"), ("sd", "sd"), ("n", "n"))
    columns = {f"{ours}{i}i": _cells(compared, i, name) for i in (1, 2) for name, ours in names}
    sizes = effect_size("SMD", **columns, variance="Metapsy", correction="approx")
    return _made(sizes.yi, sizes.sei, sizes.formula, sizes.reason)


def _from_counts(compared: Sequence[ArmPair]) -> list[HedgesG]:
    a, n1 = _cells(compared, 1, "event"), _cells(compared, 1, "totaln")
    c, n2 = _cells(compared, 2, "event"), _cells(compared, 2, "totaln")
    plain = effect_size("OR2DL", ai=a, n1i=n1, ci=c, n2i=n2, to="none")
    zero = (a == 0) | (a == n1) | (c == 0) | (c == n2)
    k1, k2 = np.where(zero, n1 / (n1 + n2), 0.0), np.where(zero, n2 / (n1 + n2), 0.0)
    sizes = effect_size("OR2DL", ai=a + k1, n1i=n1 + 2 * k1, ci=c + k2, n2i=n2 + 2 * k2, to="none")
    # The correction must not make up an effect where no arm, or everybody, has the event.
    one_sided = ((a == 0) & (c == 0)) | ((a == n1) & (c == n2))
    g = np.where(one_sided, NAN, small_sample_factor(n1 + n2 - 2, "approx") * sizes.yi)
    se = np.where(one_sided, NAN, sizes.sei)
    reason = tuple(
        p if alone else s for p, s, alone in zip(plain.reason, sizes.reason, one_sided, strict=True)
    )
    formula = "log OR x sqrt(3)/pi, approx correction, treatment-arm correction of zero cells"
    return _made(g, se, formula, reason)


def log_rr(compared: Sequence[ArmPair]) -> list[HedgesG]:
    """Log risk ratio of each pair with counts, arm 1 against arm 2; NaN for all other pairs."""
    out = [HedgesG(reason="no counts of both arms") for _ in compared]
    places = [i for i, pair in enumerate(compared) if pair.kind == "event"]
    if places:
        mine = [compared[i] for i in places]
        one = {"ai": _cells(mine, 1, "event"), "n1i": _cells(mine, 1, "totaln")}
        two = {"ci": _cells(mine, 2, "event"), "n2i": _cells(mine, 2, "totaln")}
        sizes = effect_size("RR", **one, **two)
        for i, made in zip(
            places, _made(sizes.yi, sizes.sei, sizes.formula, sizes.reason), strict=True
        ):
            out[i] = made
    return out


def _cells(compared: Sequence[ArmPair], side: int, name: str) -> Array:
    rows = [pair.one if side == 1 else pair.two for pair in compared]
    return np.array([float(row[name] or 0) for row in rows if row is not None])


def _made(g: Array, se: Array, formula: str, reason: Sequence[str]) -> list[HedgesG]:
    reasons = reason or [""] * len(g)
    return [
        HedgesG(g=float(y), se=float(s), formula=formula, reason=r)
        for y, s, r in zip(g, se, reasons, strict=True)
    ]
