"""The registry of checks, and the runner: what every check shares is done here once.

A check is a function that looks at the tables and yields findings. Its first docstring line is
its rule in a sentence; the decorator adds how grave it is, what a reader of the page is told, and
how to mend it. Registering it is all it takes: the page docs/checks.md, the `checked` column, the
command and the tests find it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from trialpool.review.extraction.checks.index import Index
from trialpool.review.extraction.problems import Problem, merged_rows
from trialpool.review.extraction.read import Outcomes, RawData, Row, Sheet, second_look

Severity = Literal["error", "warning"]


class Finding(NamedTuple):
    """One thing a check found: the sheet, row and column, the rule broken, and a fix of its own.

    `others` are the rows it is found in comparison with; setting aside any of them will do.
    """

    sheet: Sheet
    row: Row
    column: str
    rule: str
    fix: str = ""
    others: tuple[Row, ...] = ()


Look = Callable[[Index], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A registered check. `flag` is what a warning means to a reader of figures and pages."""

    name: str
    severity: Severity
    rule: str
    fix: str
    flag: str
    excluded_too: bool
    look: Look


CHECKS: dict[str, Check] = {}


def error(fix: str, *, excluded_too: bool = False) -> Callable[[Look], Look]:
    """Register a check whose findings stop the run.

    Parameters
    ----------
    fix : how to mend it; a finding may bring a better one
    excluded_too : whether a row with an `exclude_reason` must pass, because others refer to it or
        it cannot even be listed. Of an impossible number in a source, the row may keep record.
    """
    return _register("error", fix, "", excluded_too)


def warning(fix: str, *, flag: str) -> Callable[[Look], Look]:
    """Register a check whose findings travel with the result to the page.

    Parameters
    ----------
    flag : what it means, for a reader of figures and pages
    """
    return _register("warning", fix, flag, False)


def _register(
    severity: Severity, fix: str, flag: str, excluded_too: bool
) -> Callable[[Look], Look]:
    def register(look: Look) -> Look:
        words = (look.__doc__ or "").split("\n\n")[0].split()
        name, about = look.__name__, {"rule": " ".join(words), "fix": fix, "flag": flag}
        CHECKS[name] = Check(
            name=name, severity=severity, **about, excluded_too=excluded_too, look=look
        )
        return look

    return register


def run_checks(
    raw: RawData,
    outcomes: Outcomes,
    confidence_order: Sequence[str],
    elsewhere: Sequence[RawData] = (),
) -> list[Problem]:
    """All problems of all checks: the errors, then the warnings, in the order of registration.

    A table that could not be read at all would make every row that refers to it look wrong, so
    nothing is checked until all tables can be read.

    Parameters
    ----------
    outcomes : the outcomes of the protocol: `kind` and which direction is `better`
    confidence_order : kinds of source, the preferred one first
    elsewhere : the tables of conditions that were looked at before, where trials may stand as well
    """
    if not all(sheet.readable for sheet in raw.sheets.values()):
        return []
    index = Index(raw, outcomes, confidence_order, elsewhere)
    all_problems: dict[Problem, None] = {}
    for severity in ("error", "warning"):
        index.sound = index.sound and not all_problems
        for check in CHECKS.values():
            if check.severity == severity:
                problems = _problems(check, index)
                # A slip in one place is an error in many rows; a warning belongs to its row.
                all_problems |= dict.fromkeys(
                    merged_rows(problems) if severity == "error" else problems
                )
    return list(all_problems)


def _problems(check: Check, index: Index) -> Iterator[Problem]:
    warn = check.severity == "warning"
    for at in check.look(index):
        if not check.excluded_too and at.row.get("exclude_reason") is not None:
            continue
        if warn and any(check.name in second_look(row) for row in (at.row, *at.others)):
            continue
        fix = at.fix or check.fix
        if warn and "checked" in at.row:
            fix += (
                f"; if it is right as it stands, name {check.name} in checked, with the reason "
                "in notes"
            )
        yield at.sheet.problem(at.row, at.column, at.rule, fix, check.name, warn=warn)


def flags() -> Mapping[str, str]:
    """What each warning means to a reader of figures and pages, by the name of its check."""
    return {name: check.flag for name, check in CHECKS.items() if check.flag}
