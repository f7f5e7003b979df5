"""From measurements to a table that says how they were made."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.contenders import OURS, ROOT
from benchmarks.data import Array
from benchmarks.tasks import Task

# How far numbers may lie apart and still agree: what peers that stop their search early stay
# within. More for measures that divide by small numbers, for a flat likelihood, and for chance.
CLOSE = 1e-5
CLOSE_OF = {"influence": 1e-4, "selection": 5e-4, "permutation": 0.1, "multilevel": 1e-4}

HEAD = ("task", "who", "median ms", "min", "max", "runs", "to ours", "largest difference from ours")
MEMORY_HEAD = ("task", "who", "peak MB", "above start MB", "ms", "largest difference from ours")


@dataclass
class Row:
    """What one contender did with one task."""

    task: Task
    who: str
    ms: list[float] = field(default_factory=list)
    times: int = 1
    numbers: dict[str, list[float]] = field(default_factory=dict)
    memory: tuple[float, float] | None = None
    problem: str = ""


def differences(ours: Row, theirs: Row) -> tuple[dict[str, Array], list[str]]:
    """Absolute differences of each number, and what could not be compared.

    A negative tau2, which is no estimate but a moment that was not cut at 0, makes its set
    another model: it is counted instead.
    """
    distances: dict[str, Array] = {}
    remarks: list[str] = []
    tau2 = np.array(theirs.numbers.get("tau2", []))
    for name, values in theirs.numbers.items():
        a, b = np.array(ours.numbers[name]), np.array(values)
        if a.shape != b.shape:
            remarks.append(f"{len(b)} of {len(a)} results")
            continue
        below = tau2 < 0 if tau2.shape == b.shape else np.zeros(b.shape, dtype=np.bool_)
        reasons = {"no result": np.isnan(b), f"our {name} is NaN": np.isnan(a), "tau2 < 0": below}
        compared = np.ones(b.shape, dtype=np.bool_)
        for reason, left_out in reasons.items():
            compared &= ~left_out
            remark = f"{reason} in {left_out.sum():,} of {len(b):,}"
            if left_out.any() and remark not in remarks:
                remarks.append(remark)
        if compared.any():
            distances[name] = np.abs(a - b)[compared]
    return distances, remarks


def tolerance(task: Task) -> float:
    """The largest difference that is still agreement."""
    return CLOSE_OF.get(task.kind, CLOSE)


def agreement(ours: Row | None, theirs: Row) -> str:
    """The last column of the table."""
    if ours is None or theirs is ours or not ours.numbers:
        return ""
    distances, remarks = differences(ours, theirs)
    answer, close = [], tolerance(ours.task)
    for name, x in distances.items():
        far = int((x > close).sum())
        more = f" ({far:,} over {close:.0e})" if far and len(x) > 1 else ""
        answer.append((f"{name} {x.max():.0e}" if x.any() else f"{name} 0") + more)
    return "; ".join([", ".join(answer), *remarks])


def alone(rows: Sequence[Row]) -> list[str]:
    """Tasks in which no peer found what we found: a fast wrong number is worth nothing."""
    out = []
    mine = {row.task: row for row in rows if row.who == OURS and row.numbers}
    for task, ours in mine.items():
        peers = [row for row in rows if row.task == task and row.who != OURS and row.numbers]
        far_apart = [differences(ours, peer)[0] for peer in peers]
        most = tolerance(task)
        close = [bool(x) and all((d <= most).all() for d in x.values()) for x in far_apart]
        if peers and not any(close):
            out.append(str(task))
    return out


def cells(row: Row, ours: Row | None) -> list[str]:
    """A row of the table as text."""
    if row.problem:
        return [str(row.task), row.who, row.problem, *[""] * (len(HEAD) - 3)]
    if row.memory:
        return [str(row.task), row.who, *map(short, (*row.memory, *row.ms)), agreement(ours, row)]
    middle = median(row.ms)
    ratio = short(middle / median(ours.ms)) if ours and ours.ms else ""
    runs = f"{len(row.ms)} x {row.times:,}"
    spread = map(short, (middle, min(row.ms), max(row.ms)))
    return [str(row.task), row.who, *spread, runs, ratio, agreement(ours, row)]


def short(x: float) -> str:
    """Three digits, and no exponent."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Markdown; a task is named once."""
    named = [
        ["" if i and lines[i - 1][0] == line[0] else line[0], *line[1 : len(head)]]
        for i, line in enumerate(lines)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *named])


def page(
    rows: Sequence[Row],
    about: Mapping[str, Mapping[str, str]],
    loads: Sequence[float],
    *,
    tiny: bool = False,
) -> str:
    """latest.md: `about` holds what each contender said of itself, or why it is `unavailable`."""
    mine = {row.task: row for row in rows if row.who == OURS}
    timed = [row for row in rows if row.task.kind != "memory"]
    memory = [row for row in rows if row.task.kind == "memory"]
    ran = [
        [who, answer.get("version", "absent"), answer.get("runs on") or answer["unavailable"]]
        for who, answer in about.items()
    ]
    before, after = (f"{x:.1f}" for x in loads)
    parts = [
        f"# Benchmarks, {date.today()}{', tiny data: not a measurement' if tiny else ''}",
        f"One run of `make bench` at {commit()}. {cpu()}, one of {os.cpu_count()} cores,"
        f" {platform.system()}. Load average before {before}, after {after}; this run alone"
        " makes 1.",
        table(("who", "version", "runs on"), ran),
        "## Time",
        table(HEAD, [cells(row, mine.get(row.task)) for row in timed]),
        "## Memory",
        table(MEMORY_HEAD, [cells(row, mine.get(row.task)) for row in memory]),
        "## How",
        HOW,
    ]
    return "\n\n".join(parts) + "\n"


HOW = """\
- All on one core and one thread, each library in a process of its own, in turns: a machine that
  slows down slows all of them. A first call is not counted unless it took longer than the limit
  for a task; `runs` is how often, times the calls of each run.
- Everybody does the least that gives the estimate, its standard error and tau2. Ours comes with
  all else that `pool` reports, the intervals of tau2 included.
- The data are the same for all. Differences are absolute, the largest of all sets. statsmodels does
  not cut tau2 at 0; those sets are counted and not compared. Where the likelihood has two maxima,
  PyMetaAnalysis 0.9.0 can report the lower one, at 0. metafor stops its search early by default.
  For one study, which says nothing of tau2, ours is NaN. The p values of permutation tests rest on
  different random orders: 0.03 is chance.
- The run fails where no peer agrees with ours: within 1e-5, for case-deletion measures and models
  of levels within 1e-4, for selection models within 5e-4, and for permutation p values within 0.1.
  The Bayesian model has
  no peer here; the tests hold it against a plain sum over a grid.
- Peak memory is that of the whole process; `above start` is what came on top of the interpreter,
  the libraries and the data. MB are 10^6 bytes."""


def commit() -> str:
    """The commit that was measured."""
    asked = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "an unknown commit"
    return done.stdout.strip() or "an unknown commit"


def cpu() -> str:
    """The processor's name, without the machine's."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
