"""Problems for people: one sentence a kind, with the places that have it below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import wrap

from trialpool.review.extraction.kinds import kinds
from trialpool.review.extraction.problems import Problem

_COLOURS = {"error": "\x1b[31m", "warning": "\x1b[33m"}
_PLAIN = "\x1b[0m"


def listing(problems: Sequence[Problem], width: int | None, *, colours: bool = False) -> str:
    """The problems by kind, errors first: what should be, how to mend it, and where it is not so.

    Parameters
    ----------
    problems : in the order to show them in, within a kind
    width : of the page, in characters; None for one line per problem, however long
    colours : whether to colour the severity
    """
    rules = kinds()
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in sorted(problems, key=lambda each: each.severity):
        groups.setdefault((problem.severity, problem.check), []).append(problem)
    lines: list[str] = []
    for (severity, code), each in groups.items():
        fix, alike = Counter(problem.fix for problem in each).most_common(1)[0]
        shared = fix if alike > 1 or len(each) == 1 else ""
        times = f" ({len(each)})" if len(each) > 1 else ""
        head = f"{severity} {code}{times}: {rules.get(code, '')}".rstrip(" :")
        first, *rest = _wrapped(head, width, "    ")
        if colours:
            first = first.replace(severity, f"{_COLOURS[severity]}{severity}{_PLAIN}", 1)
        lines += [first, *rest]
        for problem in each:
            lines += _wrapped(_place(problem, shared), width, "      ", "  ")
        if shared:
            lines += _wrapped(f"Fix: {shared}.", width, "      ", "  ")
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def statistics(problems: Sequence[Problem]) -> str:
    """How many problems there are of each kind, the most frequent first."""
    rules = kinds()
    counts = Counter((problem.severity, problem.check) for problem in problems)
    ordered = sorted(counts.items(), key=lambda one: (one[0][0], -one[1], one[0][1]))
    longest = max((len(code) for _, code in counts), default=0)
    return "".join(
        f"{n:5d}  {severity:7}  {code:{longest}}  {rules.get(code, '')}".rstrip() + "\n"
        for (severity, code), n in ordered
    )


def _place(problem: Problem, shared: str) -> str:
    where = problem.file if problem.row is None else f"{problem.file} row {problem.row}"
    what = problem.column
    if problem.value:
        what = f"{what} = {problem.value}" if what else problem.value
    said = f"{where}, {what}: {problem.rule}." if what else f"{where}: {problem.rule}."
    return said if problem.fix in (shared, "") else f"{said} Fix: {problem.fix}."


def _wrapped(text: str, width: int | None, indent: str, first: str = "") -> Iterator[str]:
    if width is None:
        yield first + text
    else:
        yield from wrap(
            text, max(width, 40), initial_indent=first, subsequent_indent=indent,
            break_on_hyphens=False,
        )  # fmt: skip
