"""What RevMan 5 and RevMan Web share: studies, arms, analyses, and the rows they become."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from trialpool.effects.registry import reported_as
from trialpool.review.exchange import wording
from trialpool.review.exchange.draft import (
    Draft,
    Row,
    is_number,
    named,
    one_line,
    plain,
    sentences,
    slug,
    whole_numbers,
)
from trialpool.review.exchange.ids import Names
from trialpool.review.exchange.revman_measures import (
    measure_of,
    names_log,
    no_measure,
    score_of,
    standardises_changes,
)
from trialpool.review.exchange.revman_outcomes import RevManOutcomes
from trialpool.review.exchange.revman_parts import Fields, RevManAnalysis, RevManStudy
from trialpool.review.exchange.revman_ratios import (
    MAX_LOG,
    follows_from_counts,
    of_logrank,
    ratio,
)

CALCULATED = "calculated by RevMan from the numbers above"


class _Line(NamedTuple):
    """A study's line of an analysis, as printed."""

    analysis: RevManAnalysis
    key: Hashable
    printed: Mapping[str, str]


@dataclass(slots=True)
class RevManReview:
    """The raw tables of a review in the making."""

    draft: Draft
    condition: str
    fields: Fields
    _trials: Names = field(default_factory=Names)
    _lines: dict[tuple[str, str, Hashable], int] = field(default_factory=dict)
    outcomes: RevManOutcomes = field(init=False)
    _instruments: Names = field(default_factory=Names)
    _arms: dict[str, Names] = field(default_factory=dict)
    _crossover: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.outcomes = RevManOutcomes(self.draft)

    def add_study(self, study: RevManStudy) -> None:
        """Add the trial; what the format does not say is stated in the assumptions."""
        trial = self._trials.of(study.key, slug(study.name, "study"))
        crossover = wording.is_crossover(study.methods)
        if crossover:
            self._crossover.add(trial)
        year = study.year.strip()
        if year and not (whole_numbers([year]) and 1950 <= float(year) <= 2100):
            why = "not a year from 1950 to 2100, which is what trials.year takes"
            self.draft.leave(study.where, "year of the study", f"year={year}", why)
            year = ""
        kind = wording.setting(self.condition)
        self.draft.assume(
            "trials: a study is parallel unless its methods call it a crossover; "
            f"diagnosis = {slug(self.condition, 'condition')} (the condition given), "
            f"setting = {kind}, concomitant = unclear and enriched = no, because the file "
            "has no fields for them"
        )
        self.draft.add("trials", {
            "trial_id": trial, "study": study.name or trial, "year": year,
            "citation": study.citation, "doi": study.doi, "pmid": study.pmid,
            "registration": study.registration,
            "design": "crossover" if crossover else "parallel",
            "diagnosis": slug(self.condition, "condition"), "setting": kind,
            "concomitant": "unclear", "enriched": "no", "population": study.participants,
            "notes": sentences(study.methods and f"methods: {study.methods}", study.notes),
        })  # fmt: skip

    def knows(self, key: Hashable) -> bool:
        """Whether the study is among the included ones."""
        return key in self._trials

    def named(self, name: str) -> list[Hashable]:
        """The studies whose key begins with a name."""
        return [key for key in self._trials if _parts(key)[0] == name]

    def trial_id(self, key: Hashable) -> str:
        """The id of a study that was added."""
        return self._trials.of(key, "study")

    def crossover(self, key: Hashable) -> bool:
        """Whether the study was taken for a crossover."""
        return self.trial_id(key) in self._crossover

    def add_counts(
        self, analysis: RevManAnalysis, key: Hashable, printed: Mapping[str, str], note: str
    ) -> None:
        """Events and totals of both arms, one row each."""
        events, totals = self.fields.events, self.fields.totals
        used = (*events, *totals)
        cells = [printed.get(name, "") for name in used]
        why = _bad_counts(cells)
        rows = []
        common = {} if why else self._common(analysis, key, note)
        for side in (0, 1) if not why else ():
            rows.append(common | {
                "arm_id": self._arm(analysis, key, side), "definition": analysis.outcome,
                "outcome": self.outcomes.of(analysis, "binary"), "outcome_type": "event",
                "event": cells[side], "totaln": cells[2 + side],
            })  # fmt: skip
        self._settle("results", _Line(analysis, key, printed), used, why, rows)

    def add_means(
        self, analysis: RevManAnalysis, key: Hashable, printed: Mapping[str, str], note: str
    ) -> None:
        """Mean, SD and number of participants of both arms, one row each."""
        names = self.fields
        used = [*names.means, *names.sds, *names.totals]
        means = [printed.get(name, "") for name in names.means]
        totals = [printed.get(name, "") for name in names.totals]
        why = ""
        if not all(is_number(text) for text in means):
            why = "an arm has no mean"
        elif not whole_numbers(totals) or any(float(text) < 1 for text in totals):
            why = "the number of participants of an arm is not a whole number above 0"
        rows = []
        common = {} if why else self._common(analysis, key, note)
        for side in (0, 1) if not why else ():
            sd = printed.get(names.sds[side], "")
            if not is_number(sd) or float(sd) <= 0:
                used.remove(names.sds[side])
                self._no_sd(analysis, key, names.sds[side], sd)
                printed = {name: text for name, text in printed.items() if name != names.sds[side]}
                sd = ""
            rows.append(common | self._scale(analysis, key) | score_of(analysis) | {
                "arm_id": self._arm(analysis, key, side), "n": totals[side],
                "mean": means[side], "sd": sd,
            })  # fmt: skip
            self.draft.assume(
                "results: means are scores after treatment, or changes where the outcome's name "
                "says `change`; the file does not tell the two apart"
            )
        if standardises_changes(analysis):
            self.draft.assume(
                f"{analysis.number} `{one_line(analysis.outcome)}`: changes stand as scores "
                "(`definition` says so), since the file divides them by their own SD"
            )
        self._settle("results", _Line(analysis, key, printed), used, why, rows)

    def _no_sd(self, analysis: RevManAnalysis, key: Hashable, name: str, sd: str) -> None:
        if sd.strip():
            why = "RevMan holds 0 where an SD is not known; it is no spread"
            where = self._locator(analysis, key)
            self.draft.leave(where, "standard deviation", named({name: sd}), why)

    def add_contrast(
        self, analysis: RevManAnalysis, key: Hashable, printed: Mapping[str, str], note: str
    ) -> None:
        """An estimate with its standard error: generic inverse variance."""
        names = self.fields
        estimate, se = printed.get(names.estimate, ""), printed.get(names.se, "")
        measure = measure_of(analysis)
        why = ""
        if not is_number(estimate) or not is_number(se) or float(se) <= 0:
            why = "no estimate with a standard error above 0"
        elif not measure:
            why = no_measure(analysis, "has no place in contrasts")
        elif reported_as(measure).is_ratio and not (analysis.logged or names_log(analysis)):
            why = "a ratio that the file does not hold on the log scale"
        elif reported_as(measure).is_ratio and abs(float(estimate)) + 2 * float(se) > MAX_LOG:
            why = "too large to be the logarithm of a ratio"
        numbers: dict[str, str] = {"estimate": estimate, "se": se}
        used = [names.estimate, names.se]
        if not why and reported_as(measure).is_ratio:
            numbers, taken = ratio(self.fields, analysis, printed, float(estimate), float(se))
            if taken:
                used = taken
        for name, column in zip(names.totals, ("n_experimental", "n_control"), strict=True):
            total = printed.get(name, "")
            if whole_numbers([total]) and float(total) >= 1:
                numbers[column] = total
                used.append(name)
        if why:
            self._settle("contrasts", _Line(analysis, key, printed), used, why, [])
            return
        kind = reported_as(measure).outcome
        if kind != "continuous":
            scale = {"outcome": self.outcomes.of(analysis, kind), "definition": analysis.outcome}
        else:
            scale = self._scale(analysis, key)
        if measure == "G":
            self.draft.assume("contrasts: a generic standardised mean difference is Hedges' g")
        if names.estimate not in used:
            logged = {name: printed[name] for name in (names.estimate, names.se)}
            printed = {name: text for name, text in printed.items() if name not in logged}
            why_logged = "on the log scale; the ratio and its limits, as shown, were taken"
            self.draft.leave(
                self._locator(analysis, key), analysis.outcome, named(logged), why_logged
            )
        row = self._common(analysis, key, note) | scale | numbers | {
            "experimental_arm": self._arm(analysis, key, 0),
            "control_arm": self._arm(analysis, key, 1),
            "effect_measure": measure, "contrast": "experimental-control",
        }  # fmt: skip
        self._settle("contrasts", _Line(analysis, key, printed), used, "", [row])

    def add_logrank(
        self, analysis: RevManAnalysis, key: Hashable, printed: Mapping[str, str], note: str
    ) -> None:
        """Observed minus expected events and their variance: the logarithm of a ratio."""
        measure = measure_of(analysis) or "HR"
        used, numbers = list(self.fields.logrank), of_logrank(self.fields, printed)
        why = ""
        if not reported_as(measure).is_ratio or not numbers:
            why = "observed minus expected events are of a ratio, and of one that is no ratio here"
        for name, column in zip(self.fields.totals, ("n_experimental", "n_control"), strict=True):
            if whole_numbers([printed.get(name, "")]) and float(printed[name]) >= 1:
                numbers[column] = printed[name]
                used.append(name)
        rows = []
        if not why:
            kind = reported_as(measure).outcome
            rows.append(self._common(analysis, key, note) | numbers | {
                "outcome": self.outcomes.of(analysis, kind), "definition": analysis.outcome,
                "experimental_arm": self._arm(analysis, key, 0),
                "control_arm": self._arm(analysis, key, 1),
                "effect_measure": measure, "contrast": "experimental-control",
            })  # fmt: skip
        self._settle("contrasts", _Line(analysis, key, printed), used, why, rows)

    def _settle(
        self, table: str, line: _Line, used: Sequence[str], why: str, rows: list[Row]
    ) -> None:
        """Add the rows, and list every number of the study's line that is not in them."""
        analysis, key, printed = line
        where = self._locator(analysis, key)
        taken = {name: printed[name] for name in used if printed.get(name, "").strip()}
        rest = {name: text for name, text in printed.items() if name not in taken}
        # A line of zeros alone is one that was never filled in.
        filled = not why or any(is_number(text) and float(text) for text in taken.values())
        self.draft.effects_in += filled
        if why:
            self.draft.leave(where, analysis.outcome, named(taken), why, effect=filled)
        else:
            self.draft.effects_taken += 1
            rows = [self._at_time(analysis, row) for row in rows]
            self.draft.comparison(table, rows, analysis.where)
        logrank = {name: rest[name] for name in self.fields.logrank if rest.get(name, "").strip()}
        first = logrank.get(self.fields.logrank[0], "")
        known = is_number(first) and float(first) != 0
        if known and not follows_from_counts(self.fields, printed):
            rest = {name: text for name, text in rest.items() if name not in logrank}
            reason = "observed minus expected events of a line of which the counts were taken"
            self.draft.leave(where, analysis.outcome, named(logrank), reason)
        if any(text.strip() for text in rest.values()):
            reason = "weights, effects and limits follow from the data; trialpool computes its own"
            self.draft.leave(where, CALCULATED, named(rest), reason)

    def _at_time(self, analysis: RevManAnalysis, row: Row) -> Row:
        """The row of a subgroup that is a time, of the same people, though no number of days."""
        if row["time_days"] or not wording.is_time(analysis.subgroup):
            return row
        self.draft.assume(
            f"{analysis.number}: the subgroup `{one_line(analysis.subgroup)}` is a time, of the "
            "same people as other times; as no number of days it stands in `definition`"
        )
        definition = sentences(row.get("definition", ""), analysis.subgroup)
        return {**row, "timepoint": analysis.subgroup, "definition": definition}

    def _locator(self, analysis: RevManAnalysis, key: Hashable) -> str:
        label = key if isinstance(key, str) else " ".join(str(part) for part in _parts(key))
        return f"{analysis.where}, study {one_line(label)}"

    def _common(self, analysis: RevManAnalysis, key: Hashable, note: str) -> Row:
        trial = self.trial_id(key)
        text = f"{analysis.outcome} {analysis.subgroup} {note}"
        period = "whole"
        if trial in self._crossover:
            period = "first" if wording.is_first_period(text) else "both"
            self.draft.assume(
                f"{trial} is a crossover: its rows are of both periods unless the outcome, "
                "subgroup or footnote says first period; RevMan has no field for it"
            )
        time, words = wording.time_in_name(analysis.subgroup)
        if not time:
            time, words = wording.time_in_name(analysis.outcome)
        if time:
            self.draft.assume(
                "time_days is the time that stands in the outcome's or subgroup's name, "
                "taken as time since the first dose"
            )
        return {
            "trial_id": trial,
            "period": period,
            "time_days": time,
            "timepoint": words,
            "stratum": self._stratum(analysis, key),
            "locator": self._locator(analysis, key),
            "notes": sentences(
                analysis.comparison and f"comparison: {analysis.comparison}",
                "the source analyses the people without the event" if analysis.swapped else "",
                note,
            ),
        }

    def _stratum(self, analysis: RevManAnalysis, key: Hashable) -> str:
        """Which people: those of a subgroup, and of one of several lines of a study in it."""
        days = wording.days(analysis.subgroup)
        subgroup = "" if wording.is_time(analysis.subgroup) else analysis.subgroup
        # Two subgroups of one name, or one time in two words, are one place.
        at = (analysis.number, days or analysis.subgroup, key)
        self._lines[at] = self._lines.get(at, 0) + 1
        if key not in analysis.repeated and self._lines[at] == 1:
            return subgroup
        self.draft.assume(
            f"{analysis.number}: a study that has several lines in one place has people of its own "
            "in each (dose groups, each with a part of the controls): its strata"
        )
        return sentences(subgroup, f"line {self._lines[at]}")

    def _scale(self, analysis: RevManAnalysis, key: Hashable) -> Row:
        """Outcome and instrument of scores."""
        outcome = self.outcomes.of(analysis, "continuous")
        better = self.draft.outcomes[outcome]["better"]
        one_scale = measure_of(analysis) in ("MD", "ROM")
        name = one_line(analysis.outcome)
        if one_scale:
            identity: Hashable = outcome
            wanted = outcome
            title = f"{name} (one scale, as a mean difference needs; not named in the file)"
        else:
            identity = (outcome, self.trial_id(key))
            wanted = f"{outcome}-{self.trial_id(key)}"
            title = f"{name}: the scale of {self.trial_id(key)} (not named in the file)"
            self.draft.assume(
                "instruments: where the source pools standardised differences, studies may use "
                "different scales, so each study has an instrument of its own"
            )
        new = identity not in self._instruments
        instrument = self._instruments.of(identity, wanted)
        if new:
            self.draft.add("instruments", {
                "instrument": instrument, "name": title, "outcome": outcome, "better": better,
                "notes": "range not stated in the source",
            })  # fmt: skip
        return {"outcome": outcome, "instrument": instrument}

    def _arm(self, analysis: RevManAnalysis, key: Hashable, side: int) -> str:
        """The arm a group label stands for; the first time, its row."""
        trial = self.trial_id(key)
        role = ("experimental", "control")[side]
        label = one_line(analysis.labels[side]) or role
        arms = self._arms.setdefault(trial, Names())
        identity = (plain(label) or label, role)
        new = identity not in arms
        arm = arms.of(identity, slug(label, role))
        if new:
            kind = wording.comparator_class(label) if role == "control" else ""
            self.draft.assume(
                "arms: the group named first is experimental, the second control; the arm and its "
                "drug carry the group's label; comparators whose label is not exactly placebo, no "
                "treatment, waiting list or usual care are `other`"
            )
            self.draft.add("arms", {
                "trial_id": trial, "arm_id": arm, "arm": label, "role": role,
                "drug": slug(label, role), "comparator_class": kind,
            })  # fmt: skip
        return arm


def _parts(key: Hashable) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


def _bad_counts(cells: list[str]) -> str:
    """Why events 1, 2 and totals 1, 2 cannot be rows; blank when they can."""
    if not whole_numbers(cells):
        return "not whole numbers of people (missing, or adjusted, e.g. for clusters)"
    numbers = [float(text) for text in cells]
    if min(numbers[2:]) < 1:
        return "nobody in one of the arms"
    if min(numbers[:2]) < 0 or numbers[0] > numbers[2] or numbers[1] > numbers[3]:
        return "more people with the event than people"
    return ""
