"""Slips of one cell in the shipped review and in the made-up one: what is told, what moves.

    python tests/slips.py            run all of tests/slips.csv, write the section of docs/checks.md
    python tests/slips.py 3 17       only these

Each slip is one cell typed wrong, as people type: a digit dropped or doubled, a decimal point
moved, a standard error in the column of SDs, two arms swapped. It is told when `trialpool check`
has an error or a warning that it has not for the right cell.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from small import SMALL, cleaned_tables, tables_of  # noqa: E402

from trialpool.review.case import Case  # noqa: E402
from trialpool.review.commands.check import look  # noqa: E402
from trialpool.review.extraction.checking import load  # noqa: E402
from trialpool.review.extraction.problems import Problem  # noqa: E402
from trialpool.review.protocol.protocol import read_protocol  # noqa: E402
from trialpool.review.trust.main_result import main_result  # noqa: E402

ROOT = HERE.parent
REVIEWS = {"shipped": ROOT, "small": SMALL}
LIST = HERE / "slips.csv"
PAGE = ROOT / "docs/checks.md"
HEADING = "## Slips of one cell\n"
_ABOUT = """
What these checks catch is measured (`python tests/slips.py`, by hand, some minutes): {n} slips of
one cell in the review shipped here and in the one made up for the tests. {told} are told,
{silent} change a pooled estimate in silence; of the others, {same}, no pooled estimate changes.
A slip is told when `trialpool check` says something that it does not say of the right cell; names
in bold are errors.

None of that is bought with false alarms: the checks that were added for slips say nothing of the
review shipped here. Of three public databases of psychotherapy (213 trials of PTSD, panic and
generalised anxiety, 1,131 results) they tell 12 times that a trial scores a scale in another way
than the others, and 3 labels that stand twice; both are so.

"""
# Cells that name the row in the list, the first that are filled.
_NAMED_BY = ("trial_id", "arm_id", "experimental_arm", "outcome", "instrument", "period",
             "time_days", "outcome_type", "effect_measure", "definition", "analysis_set",
             "source")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One cell typed wrong: where, what is right, what was typed, and the kind of slip.

    `where` are cells of the row, joined by spaces, that no other row has all of; `reason` is why a
    slip may stay silent.
    """

    number: int
    review: str
    condition: str
    table: str
    where: str
    column: str
    right: str
    typed: str
    kind: str
    reason: str

    def put_into(self, folder: Path) -> None:
        """Type the wrong cell in a copy of the review."""
        path = folder / "data/raw" / self.condition / f"{self.table}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        header, *body = rows
        named = [row for row in body if where(header, row) == self.where]
        assert len(named) == 1, f"slip {self.number}: {len(named)} rows are {self.where}"
        place = header.index(self.column)
        assert named[0][place] == self.right, f"slip {self.number}: {named[0][place]}"
        named[0][place] = self.typed
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a slip: the checks that tell it, and the analyses whose estimate moves."""

    slip: Slip
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def silent(self) -> bool:
        """Whether a result changes and nothing is told."""
        return bool(self.moved) and not self.errors and not self.warnings


def where(header: Sequence[str], row: Sequence[str]) -> str:
    """The cells that name a row, in one line."""
    cells = dict(zip(header, row, strict=True))
    return " ".join(cells[name] for name in _NAMED_BY if cells.get(name))


def slips() -> list[Slip]:
    """The list, in its order."""
    with LIST.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [Slip(number=n, **row) for n, row in enumerate(rows, start=1)]


def outcome(slip: Slip, *, results: bool = True) -> Outcome:
    """Type the slip into a copy of its review, and look; `results` asks what it moves."""
    root = REVIEWS[slip.review]
    with TemporaryDirectory() as name:
        folder = Path(name)
        _copy(root, folder)
        slip.put_into(folder)
        report = look(folder / "config/review.yaml", folder / "data/raw")
        before = {_place(problem, root) for problem in _looked(slip.review)}
        new = [p for p in report.problems if _place(p, folder) not in before]
        errors = tuple(sorted({p.check for p in new if p.severity == "error"}))
        warnings = tuple(sorted({p.check for p in new if p.severity == "warning"}))
        moved = {}
        if results and not errors:
            right = estimates(root, slip.condition)
            wrong = _estimates(folder, slip.condition)
            moved = {
                name: f"{right[name]} becomes {wrong.get(name, 'nothing')}"
                for name in right
                if right[name] != wrong.get(name)
            }
    return Outcome(slip=slip, errors=errors, warnings=warnings, moved=moved)


def _copy(root: Path, folder: Path) -> None:
    shutil.copytree(root / "config", folder / "config")
    shutil.copytree(root / "data/raw", folder / "data/raw")


def _place(problem: Problem, folder: Path) -> tuple[Any, ...]:
    file = problem.file.removeprefix(f"{folder.as_posix()}/")
    return file, problem.row, problem.column, problem.check, problem.severity


@cache
def _looked(review: str) -> tuple[Problem, ...]:
    root = REVIEWS[review]
    return look(root / "config/review.yaml", root / "data/raw").problems


@cache
def estimates(root: Path, condition: str) -> dict[str, str]:
    """The pooled estimates of the right review."""
    return _estimates(root, condition)


def _estimates(root: Path, condition: str) -> dict[str, str]:
    """Each analysis' trials and pooled estimate with its interval, to three digits."""
    review = read_protocol(root / "config/review.yaml")
    raw, warnings = load(
        root / "data/raw",
        condition,
        review.outcome_rules(),
        review.confidence_order,
        review.added,
    )
    tables = tables_of(review, condition, cleaned_tables(raw, warnings, review.confidence_order))
    out = {}
    for name in review.conditions[condition].analyses:
        result = main_result(Case.of(review, condition, name, tables))
        pooled, k = result.fit.pooled, len(result.studies)
        if pooled is None:
            out[name] = f"{k} effects"
            if k:
                first = result.studies[["yi", "vi"]].astype(float).to_numpy().round(4).tolist()
                out[name] += f" {first}"
        else:
            low, high = pooled.ci_lb, pooled.ci_ub
            out[name] = f"{pooled.beta:.3g} ({low:.3g} to {high:.3g}), {k} effects"
    return out


def section(outcomes: Sequence[Outcome]) -> str:
    """The section of docs/checks.md."""
    silent = [each for each in outcomes if each.silent]
    n_told = sum(bool(each.errors or each.warnings) for each in outcomes)
    same = len(outcomes) - n_told - len(silent)
    about = _ABOUT.format(n=len(outcomes), told=n_told, same=same, silent=len(silent))
    head = (
        "| | review | cell | right | typed | kind of slip | what is told |\n" + "|---" * 7 + "|\n"
    )
    return HEADING + about + head + "".join(map(_line, outcomes))


def _line(each: Outcome) -> str:
    slip = each.slip
    said = ", ".join([*(f"**`{name}`**" for name in each.errors),
                      *(f"`{name}`" for name in each.warnings)])  # fmt: skip
    if not said:
        said = f"nothing: {slip.reason}" if each.silent else "nothing; no pooled estimate changes"
    cell = f"{slip.condition}/{slip.table}: {slip.where}, {slip.column}"
    cells = (slip.number, slip.review, cell, slip.right or "blank", slip.typed or "blank",
             slip.kind, said)  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |\n"


def _run(chosen: Sequence[str]) -> Iterator[Outcome]:
    for slip in slips():
        if not chosen or str(slip.number) in chosen:
            each = outcome(slip)
            state = "SILENT" if each.silent else "told" if each.errors or each.warnings else "same"
            print(state, slip.number, slip.condition, slip.table, slip.where, slip.column,
                  slip.right, "->", slip.typed, "|", *each.errors, *each.warnings, "|",
                  *each.moved.items() if each.silent else (), flush=True)  # fmt: skip
            yield each


def main(chosen: Sequence[str]) -> None:
    """Run the slips; all of them write the page."""
    outcomes = list(_run(chosen))
    print(sum(each.silent for each in outcomes), "of", len(outcomes), "silent")
    if not chosen:
        page = PAGE.read_text(encoding="utf-8").split(HEADING)[0]
        PAGE.write_text(page + section(outcomes), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
