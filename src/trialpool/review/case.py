"""One analysis of a review in its context: made once, passed on, asked for all that decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from trialpool.analysis_result import ResultHeading
from trialpool.effects import measure_of
from trialpool.review.choosing.selection import Rules, Selection, select
from trialpool.review.choosing.several import combined, handled
from trialpool.review.fitting.fit import Leading, leading
from trialpool.review.fitting.leaving_out import left_out
from trialpool.review.fitting.prior import (
    OF_INSTRUMENT,
    TauPrior,
    sds_of,
    specified,
    tau_prior,
)
from trialpool.review.protocol.multiverse_spec import MultiverseSpec
from trialpool.review.protocol.protocol import Review
from trialpool.review.protocol.settings import EFFECT_SETTINGS, TOGETHER, Defaults, Model, Moderator
from trialpool.review.protocol.specs import Analysis, Outcome
from trialpool.review.schema import files
from trialpool.review.schema.added import Added
from trialpool.review.schema.raw import CONFIDENCE
from trialpool.risk_of_bias import RiskOfBias
from trialpool.tables import records
from trialpool.terms import OVERALL

# Keys of an analysis that model.json names only where they are set.
SEVERAL_KEYS = ("effects", "rho", "within", "without", "risk_of_bias")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A condition's tables as its steps read them: effects.csv, universes.csv and so on."""

    effects: pd.DataFrame
    universes: pd.DataFrame
    trials: pd.DataFrame
    arms: pd.DataFrame
    missing_results: pd.DataFrame
    risk_of_bias: pd.DataFrame

    @classmethod
    def read(cls, paths: Mapping[str, Path | str], added: Added) -> Self:
        """The tables from their files, by the names of the fields."""
        return cls(**{each.name: files.read(paths[each.name], added) for each in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One analysis of a review with all that decides about it, and the condition's tables.

    `important` is the smallest difference that matters, > 0 on the analysis scale, None where it
    is not known, and `important_reason` why; `confidence` are kinds of source, the preferred one
    first; `experimental` and `control` are the words for the two sides; `added` are the columns the
    protocol adds; `reference_sds` are those of the instruments that effects in points are of, NaN
    for none, and `sd_is` says what they are.
    """

    condition: str
    name: str
    spec: Analysis
    outcome: Outcome
    model: Model
    important: float | None
    important_reason: str
    confidence: tuple[str, ...]
    defaults: Defaults
    moderators: dict[str, Moderator]
    multiverse: MultiverseSpec
    experimental: str
    control: str
    tables: Tables
    added: Added
    reference_sds: Mapping[str, float] = field(default_factory=dict)
    sd_is: str = OF_INSTRUMENT

    @classmethod
    def of(cls, review: Review, condition: str, name: str, tables: Tables) -> Self:
        """An analysis of the protocol, by the names of its condition and its own."""
        spec = review.conditions[condition].analyses[name]
        threshold = review.important_of(spec)
        case = cls(
            condition=condition,
            name=name,
            spec=spec,
            outcome=review.outcomes[spec.outcome],
            model=review.model_of(spec),
            important=threshold.value,
            important_reason=threshold.reason,
            confidence=review.confidence_order,
            defaults=review.defaults,
            moderators=review.moderators_of(spec),
            multiverse=review.multiverse_of(spec),
            experimental=review.experimental_of(condition),
            control=review.control,
            tables=tables,
            added=review.added,
        )
        if measure_of(spec.measure).unit != "points":
            return case
        sds, sd_is = sds_of(case.chosen().every)
        case = replace(case, reference_sds=sds, sd_is=sd_is)
        if case.prior.why_not:
            return case
        threshold = review.important_of(spec, case.prior.unit, sd_is)
        return replace(case, important=threshold.value, important_reason=threshold.reason)

    @property
    def measure(self) -> str:
        """The effect measure, by its code."""
        return self.spec.measure

    @property
    def leading(self) -> Leading:
        """Which model leads with how many trials."""
        return self.leading_by(self.model, self.spec.effects)

    def leading_by(self, model: Model, effects: str) -> Leading:
        """The same of another model and another handling of several effects of a trial."""
        return leading(
            model,
            self.measure,
            tau_scale=self.defaults.bayes.tau_scale,
            effects=effects,
            reference_sds=self.reference_sds,
        )

    @property
    def prior(self) -> TauPrior:
        """The prior of tau."""
        return tau_prior(self.measure, self.defaults.bayes.tau_scale, self.reference_sds)

    def judged(self, rows: pd.DataFrame, domain: str = OVERALL) -> list[str]:
        """The risk of bias of the result in each row, given with trial_id and instrument."""
        bias = RiskOfBias(records(self.tables.risk_of_bias))
        return bias.of_rows(records(rows), self.spec.outcome, domain)

    def but(self, *, effects: pd.DataFrame | None = None, **keys: Any) -> Case:
        """The same case with other effects to choose from, or with other keys of its analysis."""
        tables = self.tables if effects is None else replace(self.tables, effects=effects)
        return replace(self, spec=self.spec.model_copy(update=keys), tables=tables)

    @property
    def rules(self) -> Rules:
        """What decides which effects count, before any is left out for what it found."""
        return Rules.of(
            self.spec,
            self.tables.trials,
            self.tables.risk_of_bias,
            comparators=self.spec.comparators,
            several=self.spec.effects != "one",
            confidence=self.confidence,
            counts=self.model.counts,
        )

    def chosen(self) -> Selection:
        """The effects that count and, for each other one, the rule that left it out."""
        fitting = handled(select(self.tables.effects, self.rules), self.tables.arms, self.spec)
        if self.spec.without is None:
            return fitting
        words = left_out(fitting.chosen, self.spec.without, self.measure, self.model)
        return fitting.without(self.spec.without, words)

    def one_each(self) -> pd.DataFrame:
        """The effects that count, for a model that takes one of each trial.

        Where an analysis lets several effects of a trial stand beside each other, they are combined
        with its own correlation.
        """
        chosen, spec = self.chosen().chosen, self.spec
        apart = spec.effects in TOGETHER or (spec.effects == "combined" and spec.within == "arm")
        if apart and len(chosen):
            return combined(chosen, self.tables.arms, rho=spec.rho, within="trial")
        return chosen

    def heading(self, title: str = "") -> ResultHeading:
        """What is asked: outcome, measure, scale, sides; under the analysis' title or another."""
        spec, record = self.spec, measure_of(self.measure)
        left, right = record.sides(self.experimental, self.control, better=self.outcome.better)
        unusual = spec.effects != "one" or spec.without or spec.risk_of_bias
        return ResultHeading(
            title=title or spec.title,
            outcome=spec.outcome,
            outcome_title=self.outcome.title,
            measure=self.measure,
            scale=record.scale.name,
            primary=spec.primary,
            better=self.outcome.better,
            favours_left=left,
            favours_right=right,
            experimental_label=self.experimental.capitalize(),
            control_label=self.control.capitalize(),
            specification={
                **spec.model_dump(
                    mode="json",
                    exclude={"model", "subsets", "target", "baseline_risk", *SEVERAL_KEYS},
                ),
                **spec.model_dump(mode="json", include={*SEVERAL_KEYS} if unusual else set()),
                "model": self.model.model_dump(mode="json"),
                **self.defaults.model_dump(mode="json", include={*EFFECT_SETTINGS, "bayes"}),
                **specified(self.reference_sds, self.sd_is),
                **({} if self.confidence == CONFIDENCE else {"confidence_order": self.confidence}),
            },
        )
