"""`trialpool check`: look at the protocol and the raw data without running anything."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialpool.review.extraction import claims, emptiness, other_reviews
from trialpool.review.extraction.checking import look_at_all, problems_in
from trialpool.review.extraction.problems import Problem, merged_rows
from trialpool.review.extraction.read import RawData, optional_file
from trialpool.review.extraction.sorting import sort_rows

if TYPE_CHECKING:
    from trialpool.review.protocol.protocol import Review


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, default=Path("config/review.yaml"))
    parser.add_argument("--raw", type=Path, default=Path("data/raw"))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--strict", action="store_true", help="let warnings count as wrong")
    parser.add_argument(
        "--select",
        type=_codes,
        metavar="CODE[,CODE]",
        help="only these kinds of problem; docs/checks.md lists them",
    )
    parser.add_argument("--statistics", action="store_true", help="count the problems of each kind")


def _codes(text: str) -> tuple[str, ...]:
    """The codes of kinds of problem in a list, each a known one."""
    from trialpool.review.extraction.kinds import kinds

    known = kinds()
    codes = tuple(filter(None, (code.strip() for code in text.split(","))))
    for code in codes:
        if code not in known:
            near = get_close_matches(code, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else "; docs/checks.md lists them"
            raise argparse.ArgumentTypeError(f"no kind of problem is called {code}{meant}")
    return codes


def run(options: argparse.Namespace) -> int:
    """Print every problem, or those of the kinds selected.

    Returns
    -------
    0 when the review can run, 1 when something is wrong; warnings count as wrong with `--strict`
    only, and what is not selected does not count
    """
    report = look(options.config, options.raw)
    if options.select is not None:
        report = report.only(options.select)
    try:
        _say(report, as_json=options.json, counted=options.statistics)
    except BrokenPipeError:
        # Whoever reads has seen enough; what is left unsaid must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(not report.usable or (options.strict and bool(report.of("warning"))))


def _say(report: CheckReport, *, as_json: bool, counted: bool) -> None:
    if as_json:
        text = json.dumps(report.as_dict(), indent=1)
    else:
        from trialpool.review.commands.problem_table import listing, statistics

        terminal = sys.stdout.isatty()
        # A file or a pipe has a problem on each line, to search in.
        width = shutil.get_terminal_size().columns if terminal else None
        if counted:
            text = statistics(report.problems)
        else:
            text = listing(report.problems, width, colours=terminal)
        text += report.summary()
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What looking at a review found, and how much of a review there is."""

    problems: tuple[Problem, ...]
    conditions: int
    analyses: int

    @property
    def usable(self) -> bool:
        """Whether the review can run."""
        return not self.of("error")

    def of(self, severity: str) -> list[Problem]:
        """The errors, or the warnings."""
        return [problem for problem in self.problems if problem.severity == severity]

    def only(self, codes: Collection[str]) -> CheckReport:
        """The same with the problems of some kinds only."""
        chosen = tuple(problem for problem in self.problems if problem.check in codes)
        return replace(self, problems=chosen)

    def as_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return {
            "usable": self.usable,
            "errors": [asdict(problem) for problem in self.of("error")],
            "warnings": [asdict(problem) for problem in self.of("warning")],
            "conditions": self.conditions,
            "analyses": self.analyses,
        }

    def summary(self) -> str:
        """One line: how much there is, whether it can be used, how many problems."""
        errors, warnings = (
            f"{n} {what}{'' if n == 1 else 's'}"
            for what in ("error", "warning")
            for n in [len(self.of(what))]
        )
        state = f"usable, {warnings}" if self.usable else f"not usable, {errors}, {warnings}"
        conditions = f"{self.conditions} condition{'' if self.conditions == 1 else 's'}"
        analyses = f"{self.analyses} analys{'i' if self.analyses == 1 else 'e'}s"
        return f"{conditions}, {analyses}: {state}"


def look(config: Path, raw: Path) -> CheckReport:
    """Look at a protocol and the raw data together, as far as either can be read.

    Parameters
    ----------
    config : the protocol, a YAML file
    raw : the raw data folder
    """
    from trialpool.review.commands.protocol_problems import read, undecided_effects, unknown_names

    protocol = read(config)
    problems = list(protocol.problems)
    data: Mapping[str, RawData] = {}
    if protocol.analyses:
        looked = look_at_all(
            raw, protocol.analyses, protocol.outcomes, protocol.order, protocol.added
        )
        data = {condition: tables for condition, (tables, _) in looked.items()}
        problems += problems_in(looked)
    review = protocol.review
    if review:
        problems += other_reviews.problems(raw, review, data)
        named = claims.known_names(review.names(), review.questions())
        problems += claims.claims(optional_file(raw, "claims"), named)[1]
    if review and not any(problem.severity == "error" for problem in problems):
        problems += unknown_names(config, review, data)
    if review and not any(problem.severity == "error" for problem in problems):
        problems += undecided_effects(config, review, data)
    if review and not any(problem.severity == "error" for problem in problems):
        problems += [lost for tables in data.values() for lost in _lost(review, tables)]
        problems += emptiness.problems(config, review, data, raw.parent.parent / "results")
    return CheckReport(
        problems=tuple(_in_order(problems)),
        conditions=len(protocol.analyses),
        analyses=sum(map(len, protocol.analyses.values())),
    )


def _in_order(problems: Sequence[Problem]) -> list[Problem]:
    """By file, the protocol first; in a file by row, errors before warnings."""
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(
        problems, key=lambda p: (files.index(p.file), p.severity, p.row or 0, p.column, p.check)
    )


def _lost(review: Review, raw: RawData) -> list[Problem]:
    """Rows that will be dropped although nobody asked for it."""
    lost = (
        Problem(
            file=raw[table].file,
            row=row,
            column="",
            value="",
            rule=f"will not be used: {dropped.reason}",
            fix="Complete it, or say in exclude_reason why it stays as it is",
            check="not_used",
            severity="warning",
        )
        for table, faults in sort_rows(raw, review.confidence_order).items()
        for row, dropped in faults.items()
        if dropped.rule in ("incomplete", "no partner")
    )
    return merged_rows(lost)
