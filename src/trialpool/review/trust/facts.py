"""What the diagnostics of an analysis found: the few numbers its verdict and words are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import isnan
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.conclusions import ACROSS, BELOW, Marks
from trialpool.effects import measure_of
from trialpool.results import Posterior
from trialpool.review.fitting.fit import TEST_WORDS
from trialpool.review.trust.small_studies import ASYMMETRY_P
from trialpool.terms import ESTIMATE, TEST
from trialpool.words import Share

Row = Mapping[str, Any]
INTERVAL = ("estimate", "ci_low", "ci_high")


def of_influence(table: pd.DataFrame, shown: Row, measure: str) -> dict[str, Any] | None:
    """Which trials turn the conclusion when left out, and which pull the estimate."""
    if not len(table):
        return None
    rows = tables.records(table)
    marks = Marks.of(measure_of(measure))
    main = marks.conclude(shown)
    found = {str(row["study"]): row for row in rows}
    return {
        "turns": [name for name, row in found.items() if marks.conclude(row).turns(main)],
        "influential": [name for name, row in found.items() if row["influential"] == "yes"],
        "without": {name: {key: row[key] for key in INTERVAL} for name, row in found.items()},
    }


def of_small_studies(table: pd.DataFrame, shown: Row, measure: str) -> dict[str, Any] | None:
    """Which tests see asymmetry, and which estimates that allow for it conclude otherwise."""
    if not len(table):
        return None
    rows = tables.records(table)
    marks = Marks.of(measure_of(measure))
    main = marks.conclude(shown)
    tests = [row for row in rows if row["kind"] == TEST and row["p_value"] == row["p_value"]]
    offered = [(row, marks.conclude(row)) for row in rows if row["kind"] == ESTIMATE]
    estimates = [(row, said) for row, said in offered if said.side is not None]
    values = [row["estimate"] for row, _ in estimates]
    return {
        "tests": len(tests),
        "asymmetric": [row["method"] for row in tests if row["p_value"] < ASYMMETRY_P],
        "estimates": len(estimates),
        "turns": [row["method"] for row, said in estimates if said.turns(main)],
        "lowest": min(values, default=None),
        "highest": max(values, default=None),
    }


def of_weights(table: pd.DataFrame) -> dict[str, float]:
    """The share of the weight, in percent, that rests on what one would rather not rest on.

    A single trial, which has no weight since nothing is pooled, carries all of it.
    """
    share = {
        (row["by"], row["level"]): row["weight"] if row["weight"] == row["weight"] else 100.0
        for row in tables.records(table)
    }
    # Without the rounding errors of a sum, which would make "over 99 %" of all the weight.
    return {
        words: round(sum(share.get((by, level), 0.0) for level in levels), 11)
        for words, (by, levels) in _WORRIES.items()
    }


_WORRIES = {
    "high risk of bias": ("risk of bias", ("high",)),
    "risk of bias not judged": ("risk of bias", ("not judged", "no_information")),
    "flagged": ("flagged", ("yes",)),
    "imputed": ("imputed", ("yes",)),
    "not from the trial's own report": ("confidence", ("abstract", "secondary")),
}


def of_coverage(table: pd.DataFrame) -> dict[str, Any] | None:
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
    out: dict[str, Any] = {
        "replicates": int(done["replicates"].iloc[0]),
        "tau2": [float(value) for value in sorted(set(done["tau2"]))],
        "sampling": sorted(set(done["sampling"])),
    }
    for name, rows, interval in (
        ("confidence", shown, "confidence"),
        ("prediction", shown, "prediction"),
        ("normal", normal, "confidence"),
    ):
        held = rows.loc[rows["interval"] == interval, "coverage"]
        out[name] = [float(held.min()), float(held.max())] if held.notna().any() else None
    return out


def of_priors(
    table: pd.DataFrame, important: float | None, if_missing_null: Posterior | None
) -> dict[str, Any] | None:
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
    without = None
    if if_missing_null is not None:
        row = if_missing_null
        without = _two_sides([row.p_benefit], [row.p_mid], [row.p_harm_mid])
    sides = _two_sides(*(known[name] for name in ("p_benefit", "p_important", "p_harm_important")))
    return {"priors": len(known), "threshold": important, **sides, "if_missing_null": without}


def _two_sides(benefit: Any, important: Any, harmful: Any) -> dict[str, Any]:
    """The range of each probability, for a benefit and for a harm."""

    def span(values: Any) -> list[float] | None:
        held = [float(value) for value in values if value is not None and value == value]
        return [min(held), max(held)] if held else None

    return {
        "benefit": {"any": span(benefit), "matters": span(important)},
        "harm": {"any": span(1 - value for value in benefit), "matters": span(harmful)},
    }


def of_multiverse(summary: Row, shown: Row, measure: str, better: str) -> dict[str, Any] | None:
    """How many declared analyses of the protocol's own question conclude the same.

    None where there is nothing to fit. `same_sign` and `same_conclusion` are of the distinct fits
    that have an estimate, not of all `distinct` ones.
    """
    own, main = summary["questions"][0], Marks.of(measure_of(measure)).conclude(shown).side
    if main is None or not own["with_estimate"]:
        return None
    if main == ACROSS:
        same = 1 - own["excludes_null"]
    else:
        favours = "experimental" if (main == BELOW) == (better == "lower") else "control"
        same = own[f"favours_{favours}"]
    estimated = own["with_estimate"]
    sign = own["same_sign"]
    return {
        **{key: own[key] for key in ("specifications", "distinct", "lowest", "highest")},
        "same_sign": None if isnan(sign) else asdict(Share.nearest(sign, estimated)),
        "same_conclusion": asdict(Share.nearest(same, estimated)),
        "moved_most_by": own["most"],
        "turned_most_by": _turns_most(own["factors"]),
    }


def _turns_most(factors: list[Row]) -> str:
    """The choice that most decides whether the interval excludes no difference; blank if none."""
    known = [row for row in factors if row["swing"] == row["swing"] and row["swing"] > 0]
    return str(max(known, key=lambda row: row["swing"])["factor"]) if known else ""
