"""What the diagnostics of an analysis found: the few numbers its verdict and words are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.analysis_result import ChoiceEffect, MultiverseResult
from trialpool.conclusions import Marks
from trialpool.digits import sure
from trialpool.effects import measure_of
from trialpool.results import Posterior
from trialpool.review.fitting.fit import TEST_WORDS
from trialpool.review.trust.small_studies import ASYMMETRY_P
from trialpool.terms import ESTIMATE, TEST
from trialpool.trust_facts import (
    BeliefRange,
    BeliefSides,
    CoverageFacts,
    InfluenceFacts,
    MultiverseFacts,
    OtherChoices,
    PriorFacts,
    Range,
    ShownEstimate,
    SmallStudyFacts,
)
from trialpool.words import Share


def of_influence(table: pd.DataFrame, shown: ShownEstimate, measure: str) -> InfluenceFacts | None:
    """Which trials turn the conclusion when left out, and which pull the estimate."""
    if not len(table):
        return None
    rows = tables.records(table)
    marks = Marks.of(measure_of(measure))
    main = marks.conclude(shown)
    without = {str(row["study"]): ShownEstimate.of(row) for row in rows}
    pulls = {str(row["study"]): row["influential"] == "yes" for row in rows}
    return InfluenceFacts(
        turns=tuple(name for name, rest in without.items() if marks.conclude(rest).turns(main)),
        influential=tuple(name for name, pull in pulls.items() if pull),
        without=without,
    )


def of_other_choices(table: pd.DataFrame, shown: ShownEstimate, measure: str) -> OtherChoices:
    """Which rows of the sensitivity table conclude otherwise, of those that have an interval.

    What the protocol chose stands once more among the alternatives; it is no other choice.
    """
    marks = Marks.of(measure_of(measure))
    main = marks.conclude(shown)
    if main.side is None:
        return OtherChoices(tried=0, turned=())
    rows = tables.records(table)
    protocol = [_as_written(row) for row in rows if row["group"] == "protocol"]
    others = [row for row in rows if _as_written(row) not in protocol]
    said = [(row["label"], marks.conclude(ShownEstimate.of(row))) for row in others]
    known = [(label, other) for label, other in said if other.side is not None]
    return OtherChoices(
        tried=len(known), turned=tuple(label for label, other in known if other.turns(main))
    )


def _as_written(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The result of a row to the digits its table shows: what a reader can tell apart."""
    return tuple(tables.cell(row[name]) for name in ("k", "estimate", "ci_low", "ci_high"))


def of_small_studies(
    table: pd.DataFrame, shown: ShownEstimate, measure: str
) -> SmallStudyFacts | None:
    """Which tests see asymmetry, and which estimates that allow for it conclude otherwise."""
    if not len(table):
        return None
    rows = tables.records(table)
    marks = Marks.of(measure_of(measure))
    main = marks.conclude(shown)
    tests = [row for row in rows if row["kind"] == TEST and not isnan(row["p_value"])]
    offered = [
        (row, marks.conclude(ShownEstimate.of(row))) for row in rows if row["kind"] == ESTIMATE
    ]
    estimates = [(row, said) for row, said in offered if said.side is not None]
    values = [row["estimate"] for row, _ in estimates]
    return SmallStudyFacts(
        tests=len(tests),
        asymmetric=tuple(row["method"] for row in tests if row["p_value"] < ASYMMETRY_P),
        estimates=len(estimates),
        turns=tuple(row["method"] for row, said in estimates if said.turns(main)),
        lowest=min(values, default=None),
        highest=max(values, default=None),
    )


def of_weights(table: pd.DataFrame) -> dict[str, float]:
    """The share of the weight, in percent, that rests on what one would rather not rest on.

    A single trial, which has no weight since nothing is pooled, carries all of it.
    """
    share = {
        (row["by"], row["level"]): row["weight"] if not isnan(row["weight"]) else 100.0
        for row in tables.records(table)
    }
    # Without the rounding errors of a sum, which would make "over 99 %" of all the weight.
    return {
        words: round(sum(share.get((by, level), 0.0) for level in levels), 11)
        for words, (by, levels) in _WORRIES.items()
    }


_WORRIES = {
    "high risk of bias": ("risk of bias", ("high",)),
    "risk of bias not assessed": ("risk of bias", ("not assessed",)),
    "flagged": ("flagged", ("yes",)),
    "imputed": ("imputed", ("yes",)),
    "not from the trial's own report": ("confidence", ("abstract", "secondary")),
}


def of_coverage(table: pd.DataFrame) -> CoverageFacts | None:
    """Between which shares the shown intervals hold the truth, over the tau2 that are plausible.

    None where nothing was simulated; without numbers of the shown model (Mantel-Haenszel) the
    shares are None.
    """
    done = table[table["coverage"].notna()]
    if not len(done):
        return None
    shown = done[done["shown"] == "yes"]
    random = done["method"].str.startswith("random effects (REML)")
    normal = done[random & done["method"].str.endswith(TEST_WORDS["z"])]
    return CoverageFacts(
        replicates=int(done["replicates"].iloc[0]),
        tau2=tuple(float(value) for value in sorted(set(done["tau2"]))),
        sampling=tuple(sorted(set(done["sampling"]))),
        confidence=_shares(shown, "confidence"),
        prediction=_shares(shown, "prediction"),
        normal=_shares(normal, "confidence"),
    )


def _shares(rows: pd.DataFrame, interval: str) -> Range | None:
    return _range(rows.loc[rows["interval"] == interval, "coverage"])


def _range(values: Iterable[float | None]) -> Range | None:
    """The smallest and the largest value; None where all are missing."""
    known = [float(value) for value in values if value is not None and not isnan(value)]
    return (min(known), max(known)) if known else None


def of_priors(
    table: pd.DataFrame, important: float | None, if_missing_null: Posterior | None
) -> PriorFacts | None:
    """Between which probabilities a benefit or a harm lies over the priors, and one that matters.

    Parameters
    ----------
    table : priors.csv
    important : the smallest difference that matters, display scale
    if_missing_null : the posterior with the missing trials that can be added, at no effect
    """
    known = table[table["p_benefit"].notna()]
    if not len(known):
        return None
    benefit, harm = _sides(*(known[name] for name in _BELIEFS))
    without = None
    if (alone := if_missing_null) is not None:
        sides = _sides([alone.p_benefit], [alone.p_mid], [alone.p_harm_mid])
        without = BeliefSides(benefit=sides[0], harm=sides[1])
    return PriorFacts(
        priors=len(known),
        threshold=important,
        benefit=benefit,
        harm=harm,
        if_missing_null=without,
    )


_BELIEFS = ("p_benefit", "p_important", "p_harm_important")


def _sides(benefit: Any, important: Any, harmful: Any) -> tuple[BeliefRange, BeliefRange]:
    """The range of each probability, for a benefit and for a harm."""
    harm = [1 - value for value in benefit]
    return (
        BeliefRange(any=(min(benefit), max(benefit)), matters=_range(important)),
        BeliefRange(any=(min(harm), max(harm)), matters=_range(harmful)),
    )


def of_multiverse(
    multiverse: MultiverseResult, sides: Mapping[int, float], shown: ShownEstimate, measure: str
) -> MultiverseFacts | None:
    """How many declared analyses of the protocol's own question conclude the same.

    `sides` says which share of their intervals lies BELOW no effect, ACROSS it and ABOVE. None
    where there is nothing to fit, or nothing is compared.
    """
    answer, main = multiverse.questions[0], Marks.of(measure_of(measure)).conclude(shown).side
    estimates, sign = answer.with_estimate, answer.same_sign
    if main is None or not estimates:
        return None
    return MultiverseFacts(
        specifications=answer.specifications,
        distinct=answer.distinct,
        lowest=answer.lowest,
        highest=answer.highest,
        same_sign=None if isnan(sign) else Share.nearest(sign, estimates),
        same_conclusion=Share.nearest(sides[main], estimates),
        moved_most_by=answer.most,
        turned_most_by=_turns_most(answer.factors),
    )


def _turns_most(factors: Sequence[ChoiceEffect]) -> str:
    """The choice that most decides whether the interval excludes no difference; blank if none."""
    known = [each for each in factors if each.swing > 0]
    return max(known, key=lambda each: sure(each.swing)).factor if known else ""
