"""The broken tables as reviews: each file in the place of the one it replaces."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from small import SmallReview

from trialpool.review.commands.check import CheckReport, look
from trialpool.review.extraction.problems import Problem

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the table its folder is named after, its own name, and the files by table."""

    table: str
    name: str
    files: tuple[tuple[str, Path], ...]

    def __str__(self) -> str:
        return f"{self.table}/{self.name}"

    def put_into(self, small: SmallReview) -> None:
        """Replace the tables of condition `blue`, or the instruments."""
        for table, file in self.files:
            target = small.path(table)
            target.unlink()
            if file.is_dir():
                shutil.copytree(file, target)
            else:
                shutil.copyfile(file, target)


def cases(folder: Path) -> Iterator[Case]:
    """The cases of a folder: TABLE/CASE.csv, or several/CASE/TABLE.csv."""
    for table in sorted(path for path in folder.iterdir() if path.is_dir()):
        if table.name in ("warnings", "__pycache__"):
            continue
        for path in sorted(table.iterdir()):
            files = [(table.name, path)]
            if table.name == "several":
                files = [(file.stem, file) for file in sorted(path.iterdir())]
            yield Case(table.name, path.name.removesuffix(".csv"), tuple(files))


def expected(folder: Path) -> dict[str, list[str]]:
    """What must be said of each case, in order."""
    out: dict[str, list[str]] = {}
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            out.setdefault(f"{row['table']}/{row['case']}", []).append(row["message"])
    return out


def looked_at(case: Case) -> CheckReport:
    """What `trialpool check` finds in the review with this case, files named from its folder."""
    with TemporaryDirectory() as folder:
        small = SmallReview(Path(folder) / "review")
        case.put_into(small)
        return look_at(small)


def look_at(small: SmallReview) -> CheckReport:
    """What `trialpool check` finds in a review."""
    return look(small.folder / "config/review.yaml", small.folder / "data/raw")


def said(problem: Problem) -> str:
    """A problem in one line, without the folder of the review."""
    line = str(problem)
    start = line.index("data/raw/") if "data/raw/" in line else line.index("config/")
    return line[start:]
