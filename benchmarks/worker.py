"""The loop that every Python library under test runs in a process of its own.

It is asked on standard input, one request a line: `KIND DATA OPTION TIMES`. It answers one line of
JSON: with TIMES = 0 the result and the time of a first call, else the mean time of TIMES calls;
or why there is none. metafor.R speaks the same.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.data import Columns, read


class NotOfferedError(Exception):
    """What a library does not have; the text names it."""


class Job(NamedTuple):
    """What is timed, and how to read the compared numbers out of what it returns."""

    call: Callable[[], Any]
    numbers: Callable[[Any], dict[str, Any]]


# From the data set and the option to the job; what comes before the job is not timed.
Kind = Callable[[Columns, str], Job]


def serve(package: str, *kinds: Kind, batch: bool = False) -> None:
    """Answer requests until standard input ends.

    Parameters
    ----------
    package : as it is installed
    kinds : functions named as in tasks.KINDS
    batch : whether "many" works on all sets at once, so that its memory is worth knowing
    """
    folder = Path(sys.argv[1])
    offered = {kind.__name__: kind for kind in kinds}
    if batch:
        offered["memory"] = warmed_up(offered["many"])
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    runs_on = (
        f"Python {platform.python_version()}, numpy {np.__version__},"
        f" {blas['name']} {blas['version']}"
    )
    say({"version": version(package), "runs on": runs_on})
    jobs: dict[tuple[str, str, str], Job] = {}
    for line in sys.stdin:
        kind, data, option, times = line.split()
        try:
            if kind not in offered:
                raise NotOfferedError("not offered")
            if (kind, data, option) not in jobs:
                jobs[kind, data, option] = offered[kind](read(folder, data), option)
            job = jobs[kind, data, option]
            say(measured(job, kind, int(times)))
        except NotOfferedError as error:
            say({"not offered": str(error)})
        except Exception as error:
            say({"failed": f"{type(error).__name__}: {error}"})


def warmed_up(many: Kind) -> Kind:
    """`many` after a first small call, so that what is imported on use does not count as memory."""

    def memory(d: Columns, option: str) -> Job:
        many({name: x[:10] for name, x in d.items()}, option).call()
        return many(d, option)

    return memory


def measured(job: Job, kind: str, times: int) -> dict[str, Any]:
    """One answer."""
    if times:
        return {"ms": timed(job.call, times)}
    before = peak_memory() if kind == "memory" else 0.0
    start = perf_counter()
    out = job.call()
    answer: dict[str, Any] = {"ms": 1e3 * (perf_counter() - start)}
    if kind == "memory":
        peak = peak_memory()
        answer |= {"MB": peak, "MB above": peak - before}
    numbers = job.numbers(out)
    return answer | {"numbers": {name: flat(x) for name, x in numbers.items()}}


def timed(call: Callable[[], Any], times: int) -> float:
    """Mean time of a call in ms."""
    start = perf_counter()
    for _ in range(times):
        call()
    return 1e3 * (perf_counter() - start) / times


def flat(x: Any) -> list[float]:
    """The numbers of an array in a row."""
    numbers: list[float] = np.asarray(x, dtype=np.float64).ravel().tolist()
    return numbers


def peak_memory() -> float:
    """The most memory this process has held so far, in MB."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def say(answer: dict[str, Any]) -> None:
    """Send one line."""
    print(json.dumps(answer), flush=True)
