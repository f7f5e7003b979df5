"""A published sheet as raw tables: one row a study, with both arms or with an effect."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trialpool.effects.registry import reported_as
from trialpool.review.exchange import wording
from trialpool.review.exchange.draft import (
    Draft,
    MalformedFileError,
    Row,
    is_whole,
    named,
    one_line,
    plain,
    slug,
)
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.ids import Names
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.table import cells
from trialpool.review.exchange.table.mapping import (
    OF_ARMS,
    OF_EFFECT,
    TableMapping,
    infer,
    load,
)
from trialpool.review.exchange.table.numbers import effect_of, side_of, wrong
from trialpool.review.exchange.table.sheet import rows_of

_PUBLISHED = "https://doi.org/"
_SUMMARY = re.compile(r"^(total|overall|pooled|summary|subtotal|heterogeneity|random|fixed|note)\b")
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_Line = Mapping[str, str]


def read(path: Path, options: ImportOptions) -> Imported:
    """Read a wide sheet.

    Parameters
    ----------
    path : CSV (commas, semicolons or tabs; decimal points or commas) or a workbook
    options : the condition; `mapping` is a file that says which column is what, where the headings
        do not, and `source_url` the address of the publication

    Returns
    -------
    Raw tables, what was assumed, and what was left

    Raises
    ------
    TrialpoolError
        if the file cannot be read, or it is open what a column means
    """
    rows = rows_of(path)
    mapping = load(options.mapping, path, rows) if options.mapping else infer(path, rows)
    if options.write_mapping:
        options.write_mapping.write_text(mapping.as_yaml(), encoding="utf-8")
    url = options.source_url or _PUBLISHED
    sheet = _TableImport(path, mapping, options, Draft(path.stem, url, "secondary"))
    return sheet.read(rows)


@dataclass(slots=True)
class _TableImport:
    """A sheet on its way to raw tables."""

    path: Path
    mapping: TableMapping
    options: ImportOptions
    draft: Draft
    _trials: Names = field(default_factory=Names)
    _arms: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _scales: set[str] = field(default_factory=set)
    _measures: dict[str, set[str]] = field(default_factory=dict)

    def read(self, rows: Sequence[Sequence[str]]) -> Imported:
        """Every row below the headings becomes rows of our tables, or is listed with the reason."""
        header = [one_line(cell) for cell in rows[self.mapping.header - 1]]
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            rule = f"the heading `{twice[0]}` stands twice"
            raise MalformedFileError(self.path, f"row {self.mapping.header}", rule, "Rename one")
        for number, row in enumerate(rows[: self.mapping.header - 1], start=1):
            if any(row):
                self._leave(number, "a line above the headings", " ".join(filter(None, row)))
        above: dict[str, str] = {}
        for number, row in enumerate(rows[self.mapping.header :], start=self.mapping.header + 1):
            line = dict(zip(header, [*row, *[""] * len(header)], strict=False))
            line.pop("", None)
            for place in self.mapping.carry_down:
                column = self.mapping.trial.get(place, place)
                line[column] = line.get(column) or above.get(column, "")
                above[column] = line[column]
            if any(line.values()):
                self._line(number, line)
        if not self.draft.effects_in:
            rule = "no row below the headings holds a number of a result"
            raise MalformedFileError(self.path, "", rule, "Say with --mapping what is where")
        self._unread(header)
        self._assume()
        return self.draft.done()

    def _line(self, number: int, line: _Line) -> None:
        study = one_line(line.get(self.mapping.trial["study"], ""))
        blocks = [
            (block, present)
            for block in self.mapping.results
            if (present := self._present(block, line))
        ]
        if not blocks:
            self._leave(number, "a row without a number of a result", named(line))
            return
        if _SUMMARY.match(plain(study)):
            what = "a row that sums the others up"
            self._leave(number, what, named(line))
            return
        self.draft.effects_in += len(blocks)
        if not study:
            why = "the row names no study; of merged cells say `carry_down: [study]` in a mapping"
            for _, present in blocks:
                self._leave(number, why, named(present), effect=True)
            return
        trial = self._trial(number, study, line)
        for block, present in blocks:
            why = self._result(number, trial, line, block)
            if why:
                self._leave(number, f"{study}: {why}", named(present), effect=True)
            else:
                self.draft.effects_taken += 1

    def _present(self, block: Mapping[str, str], line: _Line) -> dict[str, str]:
        """The cells of a block's numbers that hold something."""
        names = [block[place] for place in (*OF_ARMS, *OF_EFFECT) if place in block]
        return {n: line[n] for n in names if not cells.is_blank(line.get(n, ""))}

    def _trial(self, number: int, study: str, line: _Line) -> str:
        new = study not in self._trials
        trial = self._trials.of(study, slug(study, "study"))
        about = {name: line.get(column, "") for name, column in self.mapping.trial.items()}
        if new:
            year = about.get("year", "").removesuffix(".0")
            if not re.fullmatch(r"(19[5-9]|20)\d\d", year):
                years = _YEAR.findall(study)
                year = years[-1] if years and 1950 <= int(years[-1]) <= 2100 else ""
            condition = slug(self.options.condition, "condition")
            self.draft.add("trials", {
                "trial_id": trial, "study": study, "year": year, "doi": about.get("doi", ""),
                "country": about.get("country", ""), "design": "parallel", "diagnosis": condition,
                "setting": wording.setting(self.options.condition), "concomitant": "unclear",
                "enriched": "no", "notes": self._extra(line),
            })  # fmt: skip
        return trial

    def _extra(self, line: _Line) -> str:
        """What stands in columns that have no place, carried along as words."""
        used = {*self.mapping.trial.values(), *self.mapping.arms.values()}
        used |= {value for block in self.mapping.results for value in block.values()}
        rest = {n: c for n, c in line.items() if n not in used and not cells.is_blank(c)}
        return "; ".join(f"{name}: {one_line(cell)}" for name, cell in rest.items())

    def _value(self, block: Mapping[str, str], place: str, line: _Line) -> str:
        """What a block says of one of EITHER: the cell of a column, or the words themselves."""
        said = block.get(place, "")
        cell = line.get(said, said)
        return "" if cells.is_blank(cell) else one_line(cell)

    def _arm(self, trial: str, role: str, line: _Line, block: Mapping[str, str]) -> str:
        said = self.mapping.arms[role]
        label = one_line(line.get(said, said)) or role
        if role == "control":
            label = self._value(block, "comparator", line) or label
        key = (trial, role, plain(label) or label)
        if key not in self._arms:
            arm, taken = slug(label, role), {a for (t, *_), a in self._arms.items() if t == trial}
            while arm in taken:
                arm += "_2"
            self._arms[key] = arm
            kind = wording.comparator_class(label) if role == "control" else ""
            self.draft.add("arms", {
                "trial_id": trial, "arm_id": arm, "arm": label, "role": role,
                "drug": slug(label, role), "comparator_class": kind,
            })  # fmt: skip
        return self._arms[key]

    def _result(self, number: int, trial: str, line: _Line, block: Mapping[str, str]) -> str:
        """Add the result of a block; why it cannot be one, or blank."""
        sides = [side_of(block, line, side) for side in "12"]
        common = {
            "trial_id": trial, "period": "whole", "time_days": self._days(block, line),
            "timepoint": self._value(block, "time", line),
            "locator": f"{self.path.name} row {number}",
        }  # fmt: skip
        counts = all("event" in side for side in sides)
        scores = all("mean" in side for side in sides)
        if counts or scores:
            kind = "binary" if counts else "continuous"
            about = common | self._about(kind, block, line)
            if why := wrong(sides, counts=counts):
                return why
            about["outcome_type"] = "event" if counts else "msd"
            rows = [
                about | side | {"arm_id": self._arm(trial, role, line, block)}
                for side, role in zip(sides, ("experimental", "control"), strict=True)
            ]
            self._measures.setdefault(about["outcome"], set()).add("OR" if counts else "SMD")
            self._put("results", rows, number)
            return ""
        effect = effect_of(block, line, self._value(block, "measure", line))
        if effect.why:
            return effect.why
        measure, numbers = effect.measure, dict(effect.cells)
        kind = reported_as(measure).outcome
        about = common | self._about(kind, block, line)
        for column, side in (("n_experimental", sides[0]), ("n_control", sides[1])):
            if is_whole(side.get("n", side.get("totaln", ""))):
                numbers[column] = side.get("n", side.get("totaln", ""))
        row = about | numbers | {
            "experimental_arm": self._arm(trial, "experimental", line, block),
            "control_arm": self._arm(trial, "control", line, block),
            "effect_measure": measure, "contrast": "experimental-control",
        }  # fmt: skip
        self._measures.setdefault(about["outcome"], set()).add(
            "SMD" if measure in ("D", "G") else measure
        )
        self._put("contrasts", [row], number)
        return ""

    def _put(self, table: str, rows: list[Row], number: int) -> None:
        self.draft.comparison(table, rows, f"row {number}")

    def _days(self, block: Mapping[str, str], line: _Line) -> str:
        for place, factor in (("days", 1), ("weeks", 7)):
            text = cells.number(self._value(block, place, line))
            if text:
                return f"{float(text) * factor:.10g}"
        return wording.days(self._value(block, "time", line))

    def _about(self, kind: str, block: Mapping[str, str], line: _Line) -> Row:
        """Outcome, and instrument or definition."""
        given = self._value(block, "outcome", line)
        usual = self.options.outcome if kind == "continuous" else "events"
        outcome = slug(given or usual, usual)
        scale = self._value(block, "instrument", line)
        if self._kind(outcome) not in ("", kind):
            outcome = f"{outcome}_{kind}"
        if outcome not in self.draft.outcomes:
            better = block.get("better") or wording.better_from_name(given)
            if not better or (kind == "continuous" and "better" not in block):
                better = better or "lower"
            if "better" not in block:
                self.draft.assume(f"{outcome}: {better} is better; the sheet does not say")
            title = given or usual.replace("_", " ")
            self.draft.outcomes[outcome] = {"title": title, "kind": kind, "better": better}
        if kind != "continuous":
            return {"outcome": outcome, "definition": scale or given or usual}
        name = slug(scale, "scale") if scale else f"{outcome}-scale"
        if name not in self._scales:
            self._scales.add(name)
            self.draft.add("instruments", {
                "instrument": name, "name": scale or f"{outcome} (the sheet names no scale)",
                "outcome": outcome, "better": self.draft.outcomes[outcome]["better"],
                "notes": "range not stated in the source",
            })  # fmt: skip
        return {"outcome": outcome, "instrument": name}

    def _kind(self, outcome: str) -> str:
        known = self.draft.outcomes.get(outcome)
        return known["kind"] if known else ""

    def _leave(self, number: int, why: str, value: str, *, effect: bool = False) -> None:
        self.draft.leave(f"{self.path.name} row {number}", "row", value, why, effect=effect)

    def _unread(self, header: Sequence[str]) -> None:
        used = {*self.mapping.trial.values(), *self.mapping.arms.values()}
        used |= {value for block in self.mapping.results for value in block.values()}
        for name in header:
            if name and name not in used:
                why = "no place of its own; its words stand in the notes of trials"
                self.draft.leave(name, "column", name, why)

    def _assume(self) -> None:
        meant = {**self.mapping.trial, **{f"arm {r}": n for r, n in self.mapping.arms.items()}}
        for block in self.mapping.results:
            meant |= block
        said = ", ".join(f"{place} = `{heading}`" for place, heading in meant.items())
        self.draft.assume(f"row {self.mapping.header} holds the headings: {said}")
        self.draft.assume(
            "trials: every study is parallel, with unclear other treatment and not enriched; "
            "scores are those after treatment; the first group is experimental"
        )
        if not self.options.source_url:
            self.draft.assume(
                "source_url stands for the publication's address; give it with --source-url"
            )
        for outcome, measures in self._measures.items():
            usual = min(measures, key=lambda code: (code not in ("SMD", "OR"), code))
            if len(measures) > 1:
                self.draft.assume(
                    f"{outcome} has effects in {', '.join(sorted(measures))}; {usual} is asked for"
                )
            title = self.draft.outcomes[outcome]["title"]
            asked = {"title": title[:1].upper() + title[1:], "measure": usual}
            self.draft.analyses[outcome] = {**asked, "effects": "combined"}
