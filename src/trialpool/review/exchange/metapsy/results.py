"""Results per arm and precalculated contrasts of a Metapsy file.

A row compares two arms; several rows of a trial share their control. Our tables hold each arm's
result once, and its locator names all rows it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import exp

from trialpool.columns import Table
from trialpool.review.exchange.imported import Cells, Left
from trialpool.review.exchange.metapsy.columns import ARMS, RESULT_CELLS
from trialpool.review.exchange.metapsy.direction import has_events
from trialpool.review.exchange.metapsy.facts import Facts
from trialpool.review.exchange.metapsy.notes import SOURCE, locator
from trialpool.review.exchange.metapsy.source import SourceLine
from trialpool.review.schema.packed import FACTS
from trialpool.review.schema.raw import CONTRASTS, RESULTS

_DAY_DIGITS = 9
_ORDER = {1: "experimental-control", -1: "control-experimental"}
_COMPLETE = {"msd": ("mean", "sd", "n"), "change": ("mean_change", "sd_change", "n_change"),
             "event": ("event", "totaln")}  # fmt: skip


@dataclass(slots=True)
class Results:
    """Collects rows by their key; the same numbers of an arm in several rows are one row."""

    facts: Facts
    left: list[Left] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    _rows: dict[tuple[str, ...], tuple[dict[str, str], list[int]]] = field(default_factory=dict)
    _contrasts: list[dict[str, str]] = field(default_factory=list)
    _unsettled: frozenset[int] = frozenset()

    def collect(self) -> None:
        """Take every row of the file, or list it as left with the reason."""
        lines = self.facts.source.lines
        self._unsettled = self._clashing(lines)
        if self._unsettled:
            self.assumed.append(
                "rows of one trial that give an arm different numbers are kept apart in "
                f"definition, and each counts: rows {', '.join(map(str, sorted(self._unsettled)))}"
            )
        for line in lines:
            self._take(line)
        self._idle(lines)

    def _idle(self, lines: Sequence[SourceLine]) -> None:
        """Cells of columns that are read, in rows where they are not needed."""
        if self._as_reported:
            count = sum(map(self._by_effect, lines))
            why = "the effect of the file is taken instead"
            self._leave_cells("means, changes and counts of both arms", count, why)
        full = [line for line in lines if complete(line) and not self._by_effect(line)]
        for name in ("precalc_g", ".g"):
            if count := sum(bool(line[name]) for line in full):
                why = "the row holds the arms' own numbers, from which the effect is computed"
                self._leave_cells(f"{name}, {name}_se", count, why)
        swapped = [x.number for x in full if self.facts.is_control(x, "1") and x[".g"]]
        if swapped:
            self.assumed.append(
                "an arm that is arm 2 anywhere in its trial is a control; rows that have one as "
                f"arm 1 are kept as reported contrasts: {', '.join(map(str, swapped))}"
            )
        idle = sum(bool(x["totaln_arm1"] or x["totaln_arm2"]) for x in lines if not has_events(x))
        if idle:
            why = "people at risk of an event, in rows without events"
            self._leave_cells("totaln_arm1, totaln_arm2", idle, why)

    def _leave_cells(self, columns: str, count: int, why: str) -> None:
        self.left.append(Left(columns, "column", f"{count} rows", why))

    @property
    def _as_reported(self) -> bool:
        return self.facts.options.effects == "reported"

    def _by_effect(self, line: SourceLine) -> bool:
        """Whether a row enters by the effect the file gives, whatever else it holds."""
        return self._as_reported and bool(line[".g"])

    def rows(self) -> list[Cells]:
        """Rows of results.csv."""
        file = self.facts.source.file
        return [
            {**row, "locator": locator(file, tuple(numbers))}
            for row, numbers in self._rows.values()
        ]

    def contrasts(self) -> list[Cells]:
        """Rows of contrasts.csv."""
        return list(self._contrasts)

    def _take(self, line: SourceLine) -> None:
        for side in ARMS:
            if not line[f"condition_arm{side}"]:
                self._leave(line, f"condition_arm{side}", "the arm has no name")
                return
        if self.facts.arm(line, "1") == self.facts.arm(line, "2"):
            self._leave(line, "condition_arm2", "the same arm on both sides")
            return
        taken = [row for row in self._cells(line) if self._keep(line, row)]
        reported = self._reported(line)
        self._contrasts += reported
        if not reported and not any(row["outcome_type"] != "baseline" for row in taken):
            self._leave(line, "row", "no mean, no count and no precalculated effect")

    def _leave(self, line: SourceLine, what: str, why: str) -> None:
        self.left.append(Left(f"row {line.number}, {line['study']}", what, line["instrument"], why))

    def _keep(self, line: SourceLine, row: dict[str, str]) -> bool:
        """Whether a row of results has a place; baselines that differ have none."""
        key = _key(RESULTS, row)
        earlier = self._rows.get(key)
        if earlier is None:
            self._rows[key] = (row, [line.number])
            return True
        same = _numbers(earlier[0]) == _numbers(row)
        if same:
            earlier[1].append(line.number)
        else:
            why = f"row {earlier[1][0]} gives the arm other numbers"
            self._leave(line, f"{row['outcome_type']} of arm {row['arm_id']}", why)
        return same

    def _clashing(self, lines: Sequence[SourceLine]) -> frozenset[int]:
        """Rows in which an arm has other numbers than in another row with the same key."""
        numbers_by_key: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
        for line in lines:
            for row in self._cells(line):
                if row["outcome_type"] != "baseline":
                    key = _key(RESULTS, row)
                    numbers_by_key.setdefault(key, {}).setdefault(_numbers(row), []).append(
                        line.number
                    )
        several = [values for values in numbers_by_key.values() if len(values) > 1]
        return frozenset(n for values in several for numbers in values.values() for n in numbers)

    def _common(self, line: SourceLine) -> dict[str, str]:
        """What a result and a contrast of the row share."""
        marks = [line["dich_type"] if has_events(line) else ""]
        marks.append(f"row {line.number}" if line.number in self._unsettled else "")
        return {
            "trial_id": self.facts.trial(line),
            "outcome": self.facts.outcome(line),
            "instrument": self.facts.instrument(line),
            "definition": ", ".join(mark for mark in marks if mark),
            "period": self.facts.period(line),
            "time_days": line["time_days"] or days(line["time_weeks"]),
            "timepoint": line["time"],
            "analysis_set": line["analysis_set"] if line["analysis_set"] != "NR" else "",
            "primary": self.facts.primary(line),
            "confidence": "secondary",
            "source": SOURCE,
            "source_url": self.facts.url,
            "notes": FACTS.write({"outcome_type": line["outcome_type"]}),
        }

    def _cells(self, line: SourceLine) -> Iterator[dict[str, str]]:
        """One row per arm and kind of result the row holds a number of."""
        for kind, names in RESULT_CELLS.items():
            if kind == "event" and not has_events(line):
                continue
            if kind != "baseline" and self._by_effect(line):
                continue
            for side in ARMS:
                numbers = {ours: line[f"{name}_arm{side}"] for name, ours in names.items()}
                if not any(numbers.values()) or not line[f"condition_arm{side}"]:
                    continue
                arm = self.facts.arm(line, side)
                row = {**self._common(line), "arm_id": arm, "outcome_type": kind, **numbers}
                if kind == "baseline":
                    blank = ("time_days", "definition", "notes", "analysis_set", "primary")
                    row |= dict.fromkeys(blank, "")
                    row |= {"outcome": self.facts.score_outcome(line), "timepoint": "baseline"}
                yield row

    def _reported(self, line: SourceLine) -> list[dict[str, str]]:
        """The precalculated effect of a row that does not hold both arms' numbers."""
        by_effect = self._by_effect(line)
        if complete(line) and not by_effect and not self.facts.is_control(line, "1"):
            return []
        out = []
        column = ".g" if line[".g"] else "precalc_g"
        if line[column] and not self.facts.direction.sign:
            self._leave(line, column, "which way the file subtracts is not known; say it")
        elif line[column]:
            notes = {"outcome_type": line["outcome_type"], "column": column}
            if by_effect:
                notes["why"] = "the effect of the file is taken, not the arms' numbers"
            elif complete(line):
                notes["why"] = "arm 1 is a control in other rows of the trial"
            out.append(
                self._contrast(line, "G", line[column], line[f"{column}_se"], "")
                | {"contrast": _ORDER[self._sign(line)], "notes": FACTS.write(notes)}
            )
        if line["precalc_log_rr"]:
            ratio = f"{exp(float(line['precalc_log_rr'])):.12g}"
            se, how = line["precalc_log_rr_se"], "exp of precalc_log_rr; its SE is of the log"
            out.append(self._contrast(line, "RR", ratio, se, how))
        return out

    def _sign(self, line: SourceLine) -> int:
        """Where higher is better the file's sign is the other one: it says benefit or harm."""
        sign = self.facts.direction.sign
        return -sign if line["instrument"] in self.facts.direction.higher else sign

    def _contrast(
        self, line: SourceLine, measure: str, estimate: str, se: str, derived: str
    ) -> dict[str, str]:
        if measure == "RR":
            outcome = self.facts.event_outcome(line)
        else:
            outcome = self.facts.score_outcome(line)
        row = {
            **self._common(line),
            "outcome": outcome,
            "experimental_arm": self.facts.arm(line, "1"),
            "control_arm": self.facts.arm(line, "2"),
            "effect_measure": measure,
            "contrast": _ORDER[1],
            "estimate": estimate,
            "se": se,
            "n_experimental": line["n_arm1"] or line["n_change_arm1"],
            "n_control": line["n_arm2"] or line["n_change_arm2"],
            "derived": derived,
            "locator": locator(self.facts.source.file, (line.number,)),
        }
        if _key(CONTRASTS, row) in [_key(CONTRASTS, other) for other in self._contrasts]:
            row["definition"] = f"{row['definition']} row {line.number}".strip()
        return row


def _key(table: Table, row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row.get(name, "") for name in table.key)


def days(weeks: str) -> str:
    """Weeks as days, exact but for a week that a division cut off."""
    return f"{round(Decimal(weeks) * 7, _DAY_DIGITS).normalize():f}" if weeks else ""


def complete(line: SourceLine) -> str:
    """The kind of result a row holds in full for both arms; blank where it holds none."""
    for kind, names in _COMPLETE.items():
        if all(line[f"{name}_arm{side}"] for name in names for side in ARMS):
            return kind
    return ""


def _numbers(row: Cells) -> tuple[str, ...]:
    """The cells that tell two results apart, whole numbers in one spelling."""
    names = ("n", "mean", "sd", "event", "totaln")
    return tuple(f"{float(cell):.15g}" if (cell := row.get(name, "")) else "" for name in names)
