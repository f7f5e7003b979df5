"""Trials, arms, instruments and risk of bias of a Metapsy file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from trialpool.bias_tools import TOOLS
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.ids import Names, slug
from trialpool.review.exchange.imported import Cells, Left
from trialpool.review.exchange.metapsy.columns import (
    COMPARATORS,
    JUDGEMENTS,
    PRIMARY,
    RATINGS,
    YES,
)
from trialpool.review.exchange.metapsy.direction import Direction, event_name, has_events
from trialpool.review.exchange.metapsy.source import Source, SourceLine
from trialpool.review.schema.packed import FACTS
from trialpool.terms import OVERALL

PUBLIC = "https://www.metapsy.org/"
_DOI = re.compile(
    r"\bdoi(?:\.org/|:\s*)(?:https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[^\s\"<>]+)", re.IGNORECASE
)
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
Arm = tuple[str, str, str]  # study, condition, name among the arms of that condition


@dataclass(slots=True)
class Facts:
    """Names and attributes of what the rows of a file speak of, made once and looked up after."""

    source: Source
    options: ImportOptions
    direction: Direction
    trials: Names = field(default_factory=Names)
    left: list[Left] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    _arms: dict[str, Names] = field(default_factory=dict)
    _scales: Names = field(default_factory=Names)
    _two_ratings: frozenset[str] = frozenset()
    _given: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)
    _controls: frozenset[Arm] = frozenset()
    _studies: dict[str, list[SourceLine]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lines = self.source.lines
        for line in lines:
            self._studies.setdefault(line["study"], []).append(line)
        pairs = {(line["instrument"], rating_of(line)) for line in lines}
        rated = Counter(name for name, rating in pairs if rating)
        self._two_ratings = frozenset(name for name, count in rated.items() if count > 1)
        for line in lines:
            for side in ("1", "2"):
                if not line[f"multi_arm{side}"]:
                    here = line["study"], line[f"condition_arm{side}"]
                    self._given.setdefault(here, set()).add(_given(line, side))
        self._controls = frozenset(
            self.arm_of(line, "2") for line in lines if line["condition_arm2"]
        )

    @property
    def url(self) -> str:
        return self.options.source_url or PUBLIC

    def trial(self, line: SourceLine) -> str:
        return self.trials.of(line["study"], slug(line["study"]))

    def arm_of(self, line: SourceLine, side: str) -> Arm:
        """What tells an arm from others: study, condition, and its name in a multi-arm trial.

        Where the file gives no such name and a condition has several drugs or doses in the trial,
        they are the name: people given 80 mg are not those given 125 mg.
        """
        study, condition = here = line["study"], line[f"condition_arm{side}"]
        name = line[f"multi_arm{side}"]
        drugs_and_doses = zip(*self._given.get(here, ()), strict=True)
        if not name and any(len(set(texts) - {""}) > 1 for texts in drugs_and_doses):
            self._say("arms of one condition with several drugs or doses are arms of their own")
            drug, dose = _given(line, side)
            name = f"{drug or condition} {dose}".strip()
        return study, condition, name

    def arm(self, line: SourceLine, side: str) -> str:
        study, condition, multi = key = self.arm_of(line, side)
        return self._arms.setdefault(study, Names()).of(key, slug(multi or condition))

    def is_control(self, line: SourceLine, side: str) -> bool:
        """An arm that stands on the second side anywhere in its trial is a control."""
        return self.arm_of(line, side) in self._controls

    def primary(self, line: SourceLine) -> str:
        """Whether a row is the trial's primary result, by all columns that say so; else blank."""
        names = [f"primary_{i}" for i in range(len(PRIMARY))]
        said = [line[name].lower() for name in names if name in self.source.columns]
        return "yes" if said and all(word in YES for word in said) else ""

    def crossover(self, study: str) -> bool:
        """Whether all rows of a study that name a design say that it is a crossover."""
        said = {line["design"].lower() for line in self._studies[study]} - {""}
        return bool(said) and all("cross" in word for word in said)

    def period(self, line: SourceLine) -> str:
        """Which part of a crossover a row is of: after the crossover, or of the first period."""
        if not self.crossover(line["study"]):
            return "whole"
        after = line["post_crossover"].lower()
        return "first" if after and after not in YES else "both"

    def instrument(self, line: SourceLine) -> str:
        name, rating = line["instrument"], rating_of(line)
        if not name and "instrument" not in self.source.columns:
            # The file names no scales: one for each study, as they may differ.
            self._say("the file names no instruments: each study has a scale of its own")
            study = line["study"]
            return self._scales.of((study, "no name"), f"scale-{slug(study)}")
        if not name:
            return ""
        both = rating if name in self._two_ratings else ""
        return self._scales.of((name, both), slug(f"{name} {both}" if both else name))

    def score_outcome(self, line: SourceLine) -> str:
        """Scores on which higher is better are an outcome of their own."""
        higher = line["instrument"] in self.direction.higher
        return f"{self.options.outcome}_higher_better" if higher else self.options.outcome

    def event_outcome(self, line: SourceLine) -> str:
        return slug(event_name(line)).lower()

    def outcome(self, line: SourceLine) -> str:
        return self.event_outcome(line) if has_events(line) else self.score_outcome(line)

    def instrument_rows(self) -> list[Cells]:
        """One row per scale and kind of rater."""
        rows: dict[str, Cells] = {}
        for line in self.source.lines:
            if (name := self.instrument(line)) and name not in rows:
                same = [x for x in self.source.lines if self.instrument(x) == name]
                domain = self._one(same, "outcome_domain", f"instrument {line['instrument']}")
                higher = line["instrument"] in self.direction.higher
                rows[name] = {
                    "instrument": name,
                    "name": line["instrument"] or f"scale of {line['study']} (not named)",
                    "outcome": self.score_outcome(line),
                    "better": "higher" if higher else "lower",
                    "rating": rating_of(line),
                    "notes": FACTS.write({"outcome_domain": domain}),
                }
        return [rows[name] for name in sorted(rows)]

    def trial_rows(self) -> list[Cells]:
        """One row per study label."""
        rows = [self._trial(study, lines) for study, lines in self._studies.items()]
        self._shared_references()
        self.assumed += [
            "a trial is parallel unless the file says crossover; it is psychiatric and not "
            "enriched, with unclear other treatment: the standard has no column for these",
            "a trial is a study label; confidence is secondary, since the numbers were read in a "
            "database and not in the reports",
            f"source_url is {self.url}, where the numbers were read; for a trial its DOI where the "
            "reference gives one (DOIs were not checked)",
        ]
        return rows

    def _trial(self, study: str, lines: Sequence[SourceLine]) -> Cells:
        reference, doi = self._reference(study, lines)
        year = self._one(lines, "year", study)
        if not year and (years := _YEAR.findall(study)):
            year = years[-1]
            self._say("year is read from the study label where there is none in a column")
        diagnosis = self._one(lines, "diagnosis", study)
        return {
            "trial_id": self.trial(lines[0]),
            "study": study,
            "year": year,
            "citation": reference,
            "doi": doi,
            "country": self._one(lines, "country", study),
            "design": "crossover" if self.crossover(study) else "parallel",
            "registration": self._one(lines, "registration", study),
            "diagnosis": slug(diagnosis or self.options.condition).lower(),
            "setting": "psychiatric",
            "concomitant": "unclear",
            "enriched": "no",
            "n_randomised": self._one(lines, "n_randomised", study),
            "mean_age": self._one(lines, "mean_age", study),
            "percent_women": self._women(study, lines),
            "confidence": "secondary",
            "source_url": f"https://doi.org/{doi}" if doi else self.url,
            "notes": FACTS.write({"diagnosis": diagnosis}),
        }

    def arm_rows(self) -> list[Cells]:
        """One row per arm of each study; arms on the second side are controls."""
        rows: dict[tuple[str, str], Cells] = {}
        used: Counter[tuple[str, str]] = Counter()
        for study, lines in self._studies.items():
            for line in lines:
                for side in ("1", "2"):
                    key = (self.trial(line), self.arm(line, side))
                    if not line[f"condition_arm{side}"] or key in rows:
                        continue
                    rows[key] = self._arm(study, line, side)
                    if self.is_control(line, side):
                        used[line[f"condition_arm{side}"], rows[key]["comparator_class"]] += 1
        said = ", ".join(f"{name} = {kind} ({n} arms)" for (name, kind), n in sorted(used.items()))
        self.assumed.append(f"kinds of comparator, by the name of the condition: {said}")
        return list(rows.values())

    def _arm(self, study: str, line: SourceLine, side: str) -> Cells:
        _, condition, multi = self.arm_of(line, side)
        sides = ((x, s) for x in self._studies[study] for s in ("1", "2"))
        mine = [(x, s) for x, s in sides if self.arm_of(x, s) == self.arm_of(line, side)]
        people = {x[f"n_randomised_arm{s}"] for x, s in mine} - {""}
        details = {x[f"detail_arm{s}"] for x, s in mine} - {""}
        detail = next(iter(details)) if len(details) == 1 else ""
        for name, values in (("n_randomised", people), ("detail", details)):
            if len(values) > 1:
                self._differs(f"{study}, arm {multi or condition}, {name}", values)
        control, name = self.is_control(line, side), f"{study}, arm {multi or condition}"
        return {
            "trial_id": self.trial(line),
            "arm_id": self.arm(line, side),
            "arm": multi or condition,
            "role": "control" if control else "experimental",
            "drug": slug(
                self._of_arm(mine, "drug", f"{study}, arm {multi or condition}") or condition
            ),
            "dose": self._of_arm(mine, "dose", f"{study}, arm {multi or condition}"),
            "comparator_class": COMPARATORS.get(condition.lower(), "other") if control else "",
            "n_randomised": next(iter(people)) if len(people) == 1 else "",
            "confidence": "secondary",
            "source_url": self.url,
            "notes": FACTS.write({"condition": condition, "multi_arm": multi, "detail": detail}),
        }

    def _of_arm(self, mine: Sequence[tuple[SourceLine, str]], name: str, of: str) -> str:
        """The value of an arm that all of its rows agree on; else blank, and listed as left."""
        values = {line[f"{name}_arm{side}"] for line, side in mine} - {""}
        if len(values) > 1:
            self._differs(f"{of}, {name}", values)
        return next(iter(values)) if len(values) == 1 else ""

    def bias_rows(self) -> list[Cells]:
        """One row per judgement that is given in words."""
        rows: list[Cells] = []
        for study, lines in self._studies.items():
            for domain in (*TOOLS["rob2"].domains, OVERALL):
                name = "rob" if domain == "overall" else f"rob_{domain.lower()}"
                word = self._one(lines, name, study)
                judgement = JUDGEMENTS.get(word.lower(), "")
                if word and not judgement:
                    self.left.append(
                        Left(f"{study}, {name}", "judgement", word, "not a judgement of RoB 2")
                    )
                if judgement:
                    why = "as in the Metapsy file, which gives no reason"
                    row = {"trial_id": self.trial(lines[0]), "domain": domain, "reason": why}
                    rows.append(row | {"judgement": judgement, "source_url": self.url})
        return rows

    def _one(self, lines: Sequence[SourceLine], name: str, of: str) -> str:
        """The value all rows agree on; where they do not, blank, and listed as left."""
        values = dict.fromkeys(line[name] for line in lines if line[name])
        if len(values) > 1:
            self._differs(f"{of}, {self.source.columns[name]}", values)
            return ""
        return next(iter(values), "")

    def _differs(self, where: str, values: Sequence[str] | set[str] | dict[str, None]) -> None:
        shown = sorted(values)
        self.left.append(
            Left(where, "value", " / ".join(shown), "differs between rows of one trial; left blank")
        )

    def _say(self, sentence: str) -> None:
        if sentence not in self.assumed:
            self.assumed.append(sentence)

    def _women(self, study: str, lines: Sequence[SourceLine]) -> str:
        percent = self._one(lines, "percent_women", study)
        known = [float(x["percent_women"]) for x in self.source.lines if x["percent_women"]]
        if percent and max(known) <= 1:
            # Nobody has at most 1 % of women in every trial.
            column = self.source.columns["percent_women"]
            self._say(f"{column} is a share of 1 (never above 1): percent_women is 100 times it")
            return f"{(Decimal(percent) * 100).normalize():f}"
        if percent and 0 < float(percent) < 1:
            why = "a share of 1 among percentages; left blank"
            self.left.append(Left(f"{study}, percent_women", "value", percent, why))
            return ""
        if percent or "share_women" not in self.source.columns:
            return percent
        shares = [float(x["share_women"]) for x in self.source.lines if x["share_women"]]
        share = self._one(lines, "share_women", study)
        if not share or max(shares) > 1:
            return share
        column = self.source.columns["share_women"]
        self._say(f"{column} is a share of 1 (never above 1): percent_women is 100 times it")
        return f"{(Decimal(share) * 100).normalize():f}"

    def _reference(self, study: str, lines: Sequence[SourceLine]) -> tuple[str, str]:
        """Reference and DOI.

        A spreadsheet's fill handle counts the end of a DOI up from row to row, so where the rows
        of a trial differ in it, none is taken.
        """
        texts = dict.fromkeys(line["full_ref"] for line in lines if line["full_ref"])
        dois = dict.fromkeys(d for d in (line["doi"] for line in lines) if d)
        dois = dois or dict.fromkeys(
            match.group(1).rstrip(".,;)") for text in texts if (match := _DOI.search(text))
        )
        if len(dois) > 1:
            self._differs(f"{study}, DOI", dois)
        if len(texts) > 1:
            bare = {_DOI.sub("", text).strip() for text in texts}
            if len(bare) > 1:
                self._differs(f"{study}, reference", texts)
            texts = dict.fromkeys(bare if len(bare) == 1 else ())
        return next(iter(texts), ""), next(iter(dois)) if len(dois) == 1 else ""

    def _shared_references(self) -> None:
        studies: dict[str, dict[str, None]] = {}
        for line in self.source.lines:
            if line["full_ref"]:
                studies.setdefault(line["full_ref"], {})[line["study"]] = None
        for names in studies.values():
            if len(names) > 1:
                self.assumed.append(
                    f"{' and '.join(names)} have the same reference and are taken as different "
                    "trials, as their labels say"
                )


def _given(line: SourceLine, side: str) -> tuple[str, str]:
    """Drug and dose of an arm, as the row says them."""
    return line[f"drug_arm{side}"], line[f"dose_arm{side}"]


def rating_of(line: SourceLine) -> str:
    """Who rates, in our words; blank where it is not said."""
    return RATINGS.get(line["rating"].lower(), "")
