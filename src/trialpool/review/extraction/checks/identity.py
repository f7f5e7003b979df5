"""Names: every row can be told from the others, and what it names exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache

from trialpool.review.extraction.checks.index import WITH_RESULTS, Index
from trialpool.review.extraction.checks.registry import CHECKS, Finding, error
from trialpool.review.extraction.read import Row, Sheet, Value, second_look, show
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

_SPELLING = "Add it there or fix the spelling"
_NO_REASON = frozenset(("-", "--", "na", "n/a", "n.a.", "nan", "none", "no", "nil", "null", "?"))

_DECIDING = {
    "definition": "tells this row from others",
    "stratum": "tells this row from others",
    "analysis_set": "tells this row from others",
    "exclude_reason": "keeps the row out",
}


@error("Remove one row, or tell them apart in a key column", excluded_too=True)
def duplicate_row(index: Index) -> Iterator[Finding]:
    """No two rows of a table share their key."""
    for table in (INSTRUMENTS, *CONDITION_TABLES):
        sheet = index[table.name]
        first: dict[tuple[object, ...], Row] = {}
        for row in sheet.rows:
            key = tuple([row[name] for name in table.key])
            other = first.setdefault(key, row)
            if other is not row:
                named = ", ".join(
                    f"{name} {show(row[name])}" for name in table.key if row[name] is not None
                )
                yield Finding(sheet, row, table.key[0], f"the same as row {other['row']} ({named})")


@error("Use one spelling, in all tables", excluded_too=True)
def name_in_other_letters(index: Index) -> Iterator[Finding]:
    """No two trials, arms or instruments have names that differ only in capital letters."""
    for table, columns in (
        ("instruments", ["instrument"]),
        ("trials", ["trial_id"]),
        ("arms", ["trial_id", "arm_id"]),
    ):
        sheet = index[table]
        first: dict[tuple[str, ...], Row] = {}
        for row in sheet.rows:
            names = [str(row[column]) for column in columns]
            other = first.setdefault(tuple(name.casefold() for name in names), row)
            column = next((c for c in columns if row[c] != other[c]), "")
            if column:
                rule = f"differs from {other[column]} (row {other['row']}) in capital letters only"
                yield Finding(sheet, row, column, rule)


@error(_SPELLING, excluded_too=True)
def unknown_trial(index: Index) -> Iterator[Finding]:
    """Every trial that is named stands in trials.csv."""
    if index["trials"].whole:
        for name in ("arms", "results", "contrasts", "risk_of_bias", "missing_results"):
            yield from _unknown(
                index[name], "trial_id", index.trials, "no such trial in trials.csv"
            )


@error(_SPELLING, excluded_too=True)
def unknown_arm(index: Index) -> Iterator[Finding]:
    """Every arm that is named stands in arms.csv, under its trial."""
    if not (index["arms"].whole and index["trials"].whole):
        return
    arms: dict[Value, list[Value]] = {}
    for trial, arm in index.arms:
        arms.setdefault(trial, []).append(arm)
    for name, columns in (
        ("results", ("arm_id",)),
        ("contrasts", ("experimental_arm", "control_arm")),
    ):
        for row in index[name].rows:
            if row["trial_id"] not in index.trials:
                continue
            trial_arms = arms.get(row["trial_id"], [])
            among = ", ".join(map(str, trial_arms))
            for column in columns:
                if row[column] is not None and row[column] not in trial_arms:
                    fix = f"Its arms there are {among}; use one, or add it" if among else ""
                    rule = "no such arm of this trial in arms.csv"
                    yield Finding(
                        index[name], row, column, rule, fix or "Add the trial's arms there"
                    )


@error(_SPELLING, excluded_too=True)
def unknown_instrument(index: Index) -> Iterator[Finding]:
    """Every instrument that is named stands in instruments.csv."""
    if index["instruments"].whole:
        for name in (*WITH_RESULTS, "risk_of_bias"):
            rule = "no such instrument in instruments.csv"
            yield from _unknown(index[name], "instrument", index.instruments, rule)


@error("Declare it there or fix the spelling", excluded_too=True)
def unknown_outcome(index: Index) -> Iterator[Finding]:
    """Every outcome that is named is declared in the protocol."""
    for name in (*WITH_RESULTS, "risk_of_bias", "missing_results", "instruments"):
        rule = "not declared under outcomes in config/review.yaml"
        fix = "Declare it there or fix the spelling"
        yield from _unknown(index[name], "outcome", index.outcomes, rule, fix)


def _unknown(
    sheet: Sheet, column: str, known: Iterable[Value], rule: str, fix: str = _SPELLING
) -> Iterator[Finding]:
    names = [str(name) for name in known]
    known_names = set(names)
    by_letters = {name.casefold(): name for name in names}

    @cache
    def better(name: str) -> str:
        near = by_letters.get(name.casefold()) or next(
            iter(get_close_matches(name, names, n=1, cutoff=0.7)), ""
        )
        return f"{fix}; {near} is there" if near else fix

    for row in sheet.rows:
        value = row[column]
        if value is not None and str(value) not in known_names:
            yield Finding(sheet, row, column, rule, better(str(value)))


@error("Name checks as docs/checks.md lists them, separated by `;`", excluded_too=True)
def checked_name(index: Index) -> Iterator[Finding]:
    """The column `checked` names warnings, and the row's notes say why each is set aside."""
    for name in WITH_RESULTS:
        sheet = index[name]
        for row in sheet.rows:
            if row["checked"] is None:
                continue
            names = second_look(row)
            for each in sorted(names):
                if each not in CHECKS:
                    near = get_close_matches(each, CHECKS, n=1)
                    fix = f"Write {near[0]}" if near else ""
                    yield Finding(sheet, row, "checked", f"there is no check named {each}", fix)
                elif CHECKS[each].severity == "error":
                    rule = f"{each} stops the run and cannot be set aside"
                    fix = "Correct what it found, or give exclude_reason"
                    yield Finding(sheet, row, "checked", rule, fix)
            if not names:
                yield Finding(sheet, row, "checked", "names no check")
            elif row["notes"] is None:
                rule = "a warning is set aside without a reason"
                fix = "Say in notes what the second look found"
                yield Finding(sheet, row, "checked", rule, fix)


@error("Leave it blank, or write what it stands for", excluded_too=True)
def word_for_blank(index: Index) -> Iterator[Finding]:
    """A text that decides how a row is used is never a word for nothing, such as NA or -."""
    for name in WITH_RESULTS:
        for column in set(_DECIDING) & set(index[name].table.names):
            for row in index.having(name, column):
                if str(row[column]).casefold() in _NO_REASON:
                    rule = f"stands for nothing, yet {_DECIDING[column]}"
                    yield Finding(index[name], row, column, rule)
