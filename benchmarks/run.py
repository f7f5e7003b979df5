"""Measure everybody on every task: `make bench`, or python -m benchmarks.run --help."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import EVERYBODY, HERE, ONE_THREAD, OURS, UnavailableError, Worker
from benchmarks.report import HEAD, MEMORY_HEAD, Row, alone, cells, page
from benchmarks.tasks import KINDS, TASKS, Task

RUN_MS = 100  # quick calls are repeated until a run lasts about this long
WIDTHS = (70, 14, *[9] * (len(HEAD) - 3), 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 if on some task no peer agrees with ours."""
    o = options().parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # of all that is started from here
    else:
        print("This system cannot bind a process to a core; all use one thread.")
    before = load()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # In a process of its own: the most memory held by this one would count as held by those
        # it starts.
        size = "tiny" if o.tiny else "full"
        make = [sys.executable, "-m", "benchmarks.data", str(folder), size]
        subprocess.run(make, check=True, env=os.environ | ONE_THREAD)
        workers, about = start(o.who, folder, o.cache)
        rows: list[Row] = []
        say(HEAD)
        for task in TASKS:
            if task.kind not in o.kinds:
                continue
            if task.kind == "memory":
                say(MEMORY_HEAD)
                measured = [peak(task, worker.who, folder, o.cache) for worker in workers]
            else:
                measured = timings(task, workers, o.repeats, o.seconds)
            for row in filter(None, measured):
                rows.append(row)
                ours = next((r for r in rows if (r.task, r.who) == (task, OURS)), None)
                say(cells(row, ours))
        for worker in workers:
            worker.close()
    o.out.write_text(page(rows, about, (before, load()), tiny=o.tiny), encoding="utf-8")
    strange = alone(rows)
    for name in strange:
        print(f"No peer agrees with ours: {name}", file=sys.stderr)
    return int(bool(strange))


def options() -> argparse.ArgumentParser:
    """What can be chosen."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    add = parser.add_argument
    add("--who", nargs="+", choices=EVERYBODY, default=EVERYBODY, help="contenders (all)")
    add("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="kinds of tasks (all)")
    add("--repeats", type=int, default=9, help="runs of each task (9)")
    add("--seconds", type=float, default=20, help="no further run of a task after this long (20)")
    add("--tiny", action="store_true", help="tiny data, to see that all works")
    add("--cache", type=Path, default=cache / "trialpool-benchmarks", help="environments of peers")
    add("--out", type=Path, default=HERE / "latest.md", help="the page to write (latest.md)")
    return parser


def start(
    who: Sequence[str], folder: Path, cache: Path
) -> tuple[list[Worker], dict[str, dict[str, str]]]:
    """A process for each contender, ours first; who cannot run is named with the reason."""
    workers, about = [], {}
    for name in (name for name in EVERYBODY if name in who):
        try:
            workers.append(Worker(name, folder, cache))
            about[name] = workers[-1].about
        except UnavailableError as why:
            about[name] = {"unavailable": str(why)}
            print(f"{name} does not take part: {why}", flush=True)
    return workers, about


def timings(
    task: Task, workers: Sequence[Worker], repeats: int, seconds: float
) -> list[Row | None]:
    """All contenders in turns, so that a drifting machine treats them alike."""
    rows = {worker.who: first(task, worker, seconds) for worker in workers}
    for _ in range(repeats):
        for worker in workers:
            row = rows[worker.who]
            if row is None or row.problem or len(row.ms) >= repeats:
                continue
            if sum(row.ms) * row.times < 1e3 * seconds:
                add(row, worker.ask(task, row.times))
    return list(rows.values())


def first(task: Task, worker: Worker, seconds: float) -> Row | None:
    """The result and how often to call; None if the contender does not offer this.

    A first call is a warm-up, but one of many seconds is a measurement.
    """
    answer = worker.ask(task, 0)
    if "not offered" in answer:
        return None
    row = Row(task, worker.who, numbers=answer.get("numbers", {}))
    add(row, answer)
    if row.problem or row.ms[0] > 1e3 * seconds:
        return row
    row.ms.clear()
    add(row, worker.ask(task, 1))
    if row.ms:
        row.times = max(1, round(RUN_MS / row.ms[0]))
        if row.times > 1:
            row.ms.clear()
    return row


def add(row: Row, answer: dict[str, Any]) -> None:
    """Note a time, or why there is none."""
    if "ms" in answer:
        row.ms.append(answer["ms"])
    else:
        row.problem = answer.get("not run") or f"failed: {answer['failed']}"


def peak(task: Task, who: str, folder: Path, cache: Path) -> Row | None:
    """Peak memory, of a new process."""
    worker = Worker(who, folder, cache)
    answer = worker.ask(task, 0)
    worker.close()
    if "not offered" in answer:
        return None
    row = Row(task, who, numbers=answer.get("numbers", {}))
    add(row, answer)
    if not row.problem:
        row.memory = (answer["MB"], answer["MB above"])
    return row


def say(line: Sequence[str]) -> None:
    """A row in columns."""
    print(*(f"{cell:{width}}" for cell, width in zip(line, WIDTHS, strict=False)), flush=True)


def load() -> float:
    """Load average of the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


if __name__ == "__main__":
    sys.exit(main())
