"""Rows of a Metapsy file from our raw tables: one per pair of arms, or one per effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan

from trialpool.bias_tools import TOOLS
from trialpool.review.exchange.ids import slug
from trialpool.review.exchange.metapsy.columns import RESULT_CELLS
from trialpool.review.exchange.metapsy.effects import ArmPair, hedges_g, log_rr, pairs
from trialpool.review.extraction.read import RawData, Row
from trialpool.review.schema.packed import FACTS
from trialpool.risk_of_bias import RiskOfBias
from trialpool.terms import OVERALL

_JUDGED = {"low": "low", "some_concerns": "some concerns", "high": "high"}
_ROB = {domain: f"rob_{domain.lower()}" for domain in TOOLS["rob2"].domains}
_ROB |= {OVERALL: "rob"}
_OF_TRIAL = ("study", "year", "country", "doi", "mean_age", "percent_women", "n_randomised")
_TELLING = ("study", "outcome_type", "instrument", "dich_type", "time", "time_weeks", "rating",
            "analysis_set", "condition_arm1", "condition_arm2", "multi_arm1",
            "multi_arm2")  # fmt: skip
Out = dict[str, str]


@dataclass
class RowsOut:
    """Writes what a row of the file says of a trial, its arms and their results.

    Cells are as typed in the raw tables. `used` collects the raw rows that found a place.
    """

    raw: RawData
    used: set[tuple[str, int]] = field(default_factory=set)

    def from_pairs(self) -> list[Out]:
        """One row per pair of arms and per reported contrast, with Metapsy's own effects."""
        compared = pairs(self.raw)
        out = []
        for pair, g, ratio in zip(compared, hedges_g(compared), log_rr(compared), strict=True):
            row = self.described(pair.about, (pair.experimental,), pair.control)
            row |= self.numbers(pair.one, "1") | self.numbers(pair.two, "2")
            row |= self.reported(pair)
            row |= effect(".g", g.g, g.se) | effect(".log_rr", ratio.g, ratio.se)
            out.append(row)
        return out

    def described(self, about: Row, experimental: Sequence[str], control: str) -> Out:
        """Everything but the results: trial, arms, scale, time, baselines."""
        trial = self.raw.trials()[about["trial_id"]]
        scale = self.raw.instruments().get(about["instrument"], {})
        sides = {"1": list(experimental), "2": [control]}
        row = self._trial(trial) | self._bias(about)
        for side, arms in sides.items():
            row |= self._arm(trial, arms, side)
            if len(arms) == 1:
                row |= self._baseline(about, arms[0], side)
        days = about["time_days"]
        return row | {
            "outcome_type": self._outcome_type(about),
            "instrument": _scale(scale, _text(about["instrument"])),
            "rating": _text(scale.get("rating")),
            "time": _text(about["timepoint"]),
            "time_weeks": "" if days is None else f"{float(days) / 7:.12g}",
            "dich_type": _text(about["definition"]),
            "event_kind": _text(about["outcome"]) if about.get("outcome_type") == "event" else "",
            "outcome_domain": FACTS.read(scale.get("notes")).get("outcome_domain", ""),
            "analysis_set": _text(about["analysis_set"]),
        }

    def numbers(self, result: Row | None, side: str) -> Out:
        """The cells of an arm's result."""
        if result is None:
            return {}
        self.used.add(("results", int(result["row"] or 0)))
        kind = str(result["outcome_type"])
        cells = {
            f"{theirs}_arm{side}": self.raw["results"].text(result, ours)
            for theirs, ours in RESULT_CELLS[kind].items()
        }
        if kind == "event":
            cells |= {f".{name}": cell for name, cell in cells.items()}
        return cells

    def reported(self, pair: ArmPair) -> Out:
        """A reported effect, where it stands for the arms' numbers."""
        row = pair.contrast
        if row is None:
            return {}
        self.used.add(("contrasts", int(row["row"] or 0)))
        if row["effect_measure"] != "G" or pair.kind or row["estimate"] is None:
            return {}
        g = hedges_g([pair])[0]
        return {"precalc_g": number(g.g), "precalc_g_se": number(g.se)}

    def _trial(self, trial: Row) -> Out:
        self.used.add(("trials", int(trial["row"] or 0)))
        cells = {name: self.raw["trials"].text(trial, name) for name in _OF_TRIAL}
        notes = FACTS.read(trial["notes"])
        return {
            **cells,
            "full_ref": _text(trial["citation"]),
            "diagnosis": notes.get("diagnosis", _text(trial["diagnosis"])),
        }

    def _bias(self, about: Row) -> Out:
        """The judgements of a result."""
        out = {}
        result = str(about["outcome"]), _text(about["instrument"])
        for domain, name in _ROB.items():
            for row in self._judged.nearest(str(about["trial_id"]), domain, *result):
                if row["judgement"] in _JUDGED:
                    self.used.add(("risk_of_bias", int(row["row"] or 0)))
                    out[name] = _JUDGED[str(row["judgement"])]
        return out

    @cached_property
    def _judged(self) -> RiskOfBias[Row]:
        return RiskOfBias(self.raw["risk_of_bias"].rows)

    def _arm(self, trial: Row, names: Sequence[str], side: str) -> Out:
        rows = [row for row in self.raw["arms"].rows if row["trial_id"] == trial["trial_id"]]
        mine = [row for name in names for row in rows if row["arm_id"] == name]
        self.used |= {("arms", int(row["row"] or 0)) for row in mine}
        facts = [FACTS.read(row["notes"]) for row in mine]
        conditions = [
            f.get("condition") or _text(r["drug"]) for f, r in zip(facts, mine, strict=True)
        ]
        # Of a trial that was extracted here, the arm's label tells its arms apart.
        several = len(rows) > 2
        labels = [
            f.get("multi_arm", "") if "condition" in f else _text(r["arm"]) * several
            for f, r in zip(facts, mine, strict=True)
        ]
        one = mine[0] if len(mine) == 1 else None
        return {
            f"condition_arm{side}": _joined(conditions),
            f"multi_arm{side}": _joined(labels),
            f"detail_arm{side}": _joined(f.get("detail", "") for f in facts),
            f"n_randomised_arm{side}": self.raw["arms"].text(one, "n_randomised") if one else "",
        }

    def _baseline(self, about: Row, arm: str, side: str) -> Out:
        """The arm's scores before treatment on the same scale, where there is one set of them."""
        baselines = [
            row
            for row in self.raw["results"].rows
            if row["outcome_type"] == "baseline"
            and row["arm_id"] == arm
            and all(row[name] == about[name] for name in ("trial_id", "instrument", "period"))
        ]
        same = [row for row in baselines if row["analysis_set"] == about["analysis_set"]]
        chosen = same or [row for row in baselines if row["analysis_set"] is None]
        return self.numbers(chosen[0], side) if len(chosen) == 1 else {}

    def _outcome_type(self, about: Row) -> str:
        """The file's own word; else the kind of score, or what is counted."""
        kind = FACTS.read(about["notes"]).get("outcome_type", "")
        if kind:
            return kind
        if "effect_measure" in about:
            return "precalc_g"
        return str(about["outcome" if about["outcome_type"] == "event" else "outcome_type"])


def _scale(scale: Row, instrument: str) -> str:
    """A scale's short name; the file's own where ours was made from it."""
    name, rating = _text(scale.get("name")), _text(scale.get("rating"))
    return name if instrument in (slug(name), slug(f"{name} {rating}")) else instrument


def effect(name: str, value: float, se: float) -> Out:
    """An effect and its standard error as cells."""
    return {name: number(value), f"{name}_se": number(se)}


def number(value: float) -> str:
    """A computed number; blank where there is none."""
    return "" if isnan(value) else f"{value:.10g}"


def identifier(row: Mapping[str, str]) -> str:
    """What names a row, made of the columns that tell rows apart."""
    return "_".join(slug(row[name]) if row.get(name) else "NA" for name in _TELLING)


def _joined(words: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(word for word in words if word))


def _text(value: object) -> str:
    return "" if value is None else str(value)
