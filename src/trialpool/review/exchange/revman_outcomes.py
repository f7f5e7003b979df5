"""The outcomes of a RevMan file: one for each of its analyses, with what the file asks of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trialpool.effects.registry import reported_as
from trialpool.pooling.policy import FROM_HERE_ON
from trialpool.review.exchange.draft import Draft, one_line, plain, sentences, slug
from trialpool.review.exchange.ids import Names
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.revman_measures import (
    direction,
    model_of,
    no_measure,
    pooled_in,
)
from trialpool.review.exchange.revman_parts import RevManAnalysis

# What is asked for where the file names no measure of the outcome.
_USUAL = {"binary": "OR", "time_to_event": "HR", "rate": "IRR", "continuous": "SMD"}
# What several results of a trial may differ in without being of different people.
_ABOUT = ("experimental_arm", "control_arm", "time_days", "instrument", "period",
          "definition")  # fmt: skip


class RevManOutcomes:
    """Outcomes by analysis and kind: what one comparison pools another does not."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._ids = Names()
        self._analyses: dict[str, RevManAnalysis] = {}
        self._named: dict[str, list[str]] = {}

    def of(self, analysis: RevManAnalysis, kind: str) -> str:
        """The outcome of an analysis of the file; the first time, all that is said of it."""
        outcome = self._ids.of((analysis.number, kind), slug(analysis.outcome, "outcome"))
        if outcome not in self._analyses:
            self._analyses[outcome] = analysis
            self._declare(analysis, outcome, kind)
        return outcome

    def named(self, name: str) -> list[str]:
        """The outcomes that analyses of this name are of."""
        return self._named.get(plain(name), [])

    def done(self) -> Imported:
        """What was read, with the file's model for each of its analyses."""
        for outcome, analysis in self._analyses.items():
            self.draft.analyses[outcome] |= self._model(analysis, outcome)
        self._say_what_leads()
        of: dict[str, list[str]] = {}
        for outcome, analysis in self._analyses.items():
            of.setdefault(analysis.number, []).append(outcome)
        self.draft.stored = [
            replace(each, outcomes=tuple(of.get(each.analysis.number, ())))
            for each in self.draft.stored
        ]
        return self.draft.done()

    def _say_what_leads(self) -> None:
        """Name the analyses whose headline is not that of the file's model."""
        trials: dict[str, set[str]] = {}
        for table in ("results", "contrasts"):
            for row in self.draft.rows.get(table, ()):
                trials.setdefault(row["outcome"], set()).add(row["trial_id"])
        few = [
            analysis.number
            for outcome, analysis in self._analyses.items()
            if 2 <= len(trials.get(outcome, ())) < FROM_HERE_ON
        ]
        if few:
            self.draft.assume(
                f"{', '.join(dict.fromkeys(few))}: of two to four trials a Bayesian result leads, "
                "where its measure has a prior; that of the file's model stands beside it"
            )

    def _declare(self, analysis: RevManAnalysis, outcome: str, kind: str) -> None:
        name = one_line(analysis.outcome) or outcome
        better, guess = direction(analysis, kind)
        if guess:
            self.draft.assume(f"{analysis.number} `{name}`: {guess}")
        titles = {known["title"].casefold() for known in self.draft.outcomes.values()}
        title = name
        if title.casefold() in titles:
            title = f"{name} ({sentences(analysis.comparison, analysis.number)})"
        self._named.setdefault(plain(name), []).append(outcome)
        self.draft.outcomes[outcome] = {"title": title, "kind": kind, "better": better}
        measure = pooled_in(analysis)
        if not measure or reported_as(measure).outcome != kind:
            measure = _USUAL[kind]
            why = no_measure(analysis, "is none of this kind of outcome")
            self.draft.assume(f"{analysis.number} `{name}`: {measure} is asked for; {why}")
        if analysis.swapped:
            self.draft.assume(
                f"{analysis.number} `{name}`: the file's results are of the people without the "
                "event, ours of those with it"
            )
        stated = {"title": sentences(title, analysis.comparison), "measure": measure}
        self.draft.analyses[outcome] = stated

    def _model(self, analysis: RevManAnalysis, outcome: str) -> dict[str, Any]:
        rows = {
            table: [row for row in self.draft.rows.get(table, ()) if row["outcome"] == outcome]
            for table in ("results", "contrasts")
        }
        types = {row["outcome_type"] for row in rows["results"]}
        asked: dict[str, Any] = {"outcome_types": ["change"]} if types == {"change"} else {}
        model = model_of(analysis, counts=types == {"event"} and not rows["contrasts"])
        seen: dict[str, set[tuple[str, ...]]] = {}
        for table, each in rows.items():
            for row in each:
                about = (table, *(row.get(name, "") for name in _ABOUT))
                seen.setdefault(row["trial_id"], set()).add(about)
        if any(len(several) > 1 for several in seen.values()):
            # Of other times, not of other people; methods of counts cannot combine them.
            asked["effects"] = "combined"
            model = model if "tau2" in model else {"tau2": "DL", "test": "z"}
            self.draft.assume(
                f"{analysis.number}: a trial has several lines that are not of different people; "
                "they are combined (`effects`), where the file takes them as independent"
            )
        return asked | {"model": model}
