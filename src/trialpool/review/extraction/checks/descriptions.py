"""What trials and arms are said to be: alike in all conditions, by drug, diagnosis and words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import permutations
from math import isclose
from pathlib import Path

from trialpool.review.extraction.checks.index import Index, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.read import Row, Value, show
from trialpool.review.protocol.base import folded

# So many other trials say the same of a drug or a diagnosis, and none says otherwise.
ENOUGH_ARMS, ENOUGH_TRIALS = 3, 2
_DESCRIBED = {
    "trials": ("design", "diagnosis", "setting", "concomitant", "enriched", "year", "registration",
               "doi", "pmid", "n_randomised", "mean_age", "percent_women"),
    "arms": ("role", "drug", "comparator_class", "dose_mg_kg", "dose_mg", "n_doses",
             "n_randomised"),
}  # fmt: skip
_DOSE = re.compile(r"(\d+(?:\.\d+)?)\s*(mg/kg|mg\b|micrograms?\b)", re.IGNORECASE)
_SAME = 0.01


@warning(
    "Correct the one that is wrong; both describe one trial",
    flag="described differently in another condition",
)
def described_differently(index: Index) -> Iterator[Finding]:
    """A trial that stands in several conditions is described alike in all of them."""
    for name, columns in _DESCRIBED.items():
        key = index[name].table.key
        for tables in index.elsewhere:
            there = {tuple(row[c] for c in key): row for row in tables[name].rows}
            for row in index[name].rows:
                other = there.get(tuple(row[c] for c in key), {})
                for column in columns:
                    one, two = row[column], other.get(column)
                    if one is not None and two is not None and one != two:
                        path = Path(tables[name].file)
                        rule = f"{show(two)} in {path.parent.name}/{path.name} row {other['row']}"
                        yield Finding(index[name], row, column, rule)


@warning(
    "Correct the drug, its role or its comparator_class",
    flag="the drug has another role here than in all other trials",
)
def drug_in_another_role(index: Index) -> Iterator[Finding]:
    """A drug is of one role, and of one kind of comparator, in all trials, if in several others;
    beside ECT it is the same ECT.
    """
    sheet = index["arms"]
    for column in ("role", "comparator_class"):
        rows = [row for row in having(sheet.rows, column) if row["comparator_class"] != "same_ect"]
        for arms in grouped(rows, ("drug",)).values():
            for row, usual, n in _exceptions(arms, column, ENOUGH_ARMS):
                rule = f"{row['drug']} is {usual} in the other {n} trials"
                yield Finding(sheet, row, column, rule)


@warning(
    "Correct setting or diagnosis",
    flag="another setting than all other trials of the diagnosis",
)
def setting_unlike_diagnosis(index: Index) -> Iterator[Finding]:
    """Trials of one diagnosis are of one setting, if all others are."""
    sheet = index["trials"]
    for trials in grouped(having(sheet.rows, "setting"), ("diagnosis",)).values():
        for row, usual, n in _exceptions(trials, "setting", ENOUGH_TRIALS):
            rule = f"the other {n} trials of {row['diagnosis']} are {usual}"
            yield Finding(sheet, row, "setting", rule)


def _exceptions(rows: Sequence[Row], column: str, enough: int) -> Iterator[tuple[Row, Value, int]]:
    """The row of the one trial that differs from all others, what those have, how many."""
    by_value = grouped(rows, (column,))
    trials = {value: {row["trial_id"] for row in each} for (value,), each in by_value.items()}
    for value, usual in permutations(trials, 2):
        others = trials[usual] - trials[value]
        if len(trials) == 2 and len(trials[value]) == 1 and len(others) >= enough:
            for row in by_value[(value,)]:
                yield row, usual, len(others)


@warning(
    "Correct dose_mg_kg or dose_mg, or the words; mind mg for mg/kg",
    flag="the dose in numbers is not the dose in words",
)
def dose_contradicts_words(index: Index) -> Iterator[Finding]:
    """A dose in mg or mg/kg is one of those that its words name."""
    for row in having(index["arms"].rows, "dose"):
        named: dict[str, list[float]] = {"dose_mg_kg": [], "dose_mg": []}
        for amount, unit in _DOSE.findall(str(row["dose"])):
            per_kg, small = unit.lower() == "mg/kg", unit.lower().startswith("micro")
            named["dose_mg_kg" if per_kg else "dose_mg"].append(
                float(amount) / (1000 if small else 1)
            )
        for column, doses in named.items():
            dose = number(row, column)
            # Words that name doses of the other kind only do not say this one.
            if row[column] is None or not any(named.values()):
                continue
            if not any(isclose(dose, each, rel_tol=_SAME) for each in doses):
                yield Finding(index["arms"], row, column, f"the dose in words is {row['dose']}")


@warning(
    "Give each a label of its own, with a letter or a word that tells them apart",
    flag="the same label as another",
)
def labels_alike(index: Index) -> Iterator[Finding]:
    """No two trials, arms of a trial or instruments have one label, but for capital letters and
    spaces. Trials of one year are told by overlapping_trials.
    """
    for name, column, within in (
        ("trials", "study", ()),
        ("arms", "arm", ("trial_id",)),
        # One scale rated by clinicians and by patients is two instruments of one name.
        ("instruments", "name", ("rating",)),
    ):
        first: dict[tuple[Value, ...], Row] = {}
        for row in having(index[name].rows, column):
            key = (folded(str(row[column])), *(row[c] for c in within))
            other = first.setdefault(key, row)
            if other is not row and (name != "trials" or row["year"] != other["year"]):
                rule = f"the label of row {other['row']} as well"
                yield Finding(index[name], row, column, rule)
