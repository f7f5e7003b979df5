"""Who is at work in the folder of a review, and the locks that a killed run left behind.

Snakemake locks a folder with files, which outlive a process that is killed. Each run therefore
keeps a file of its own locked by the system, which lets go of it when the process ends, however it
ends: a process number that is given out again does not matter.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # no Unix: locks stay as Snakemake left them
    flock = None  # type: ignore[assignment]

SNAKEMAKE_LOCKS = Path(".snakemake/locks")
RUNS = Path(".snakemake/trialpool/runs")
UNKNOWN = "a run that left no name; if none is at work: snakemake --unlock"

# Open until the process ends: closing it would end the hold.
_kept: list[IO[str]] = []


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock on a folder: by whom, and whether it was lifted; blank without one."""

    by: str = ""
    lifted: bool = False


def lift_dead_locks() -> Lock:
    """Note that this process is at work, and remove Snakemake's locks if no other one can be.

    They stay where that is not known: with a run on another host that shares the folder, on a disk
    without locks of the system, after a run that kept no note.
    """
    locked = any(SNAKEMAKE_LOCKS.glob("*.lock"))
    unknown = Lock(UNKNOWN) if locked else Lock()
    if flock is None:
        return unknown
    host = platform.node()
    try:
        RUNS.mkdir(parents=True, exist_ok=True)
        notes = {path: path.name.rpartition(".") for path in RUNS.iterdir()}
        here = {path: number for path, (of, _, number) in notes.items() if of == host}
        dead = {path: number for path, number in here.items() if not _is_locked(path)}
        alive = [number for path, number in here.items() if path not in dead]
        elsewhere = sorted({of for of, _, _ in notes.values() if of != host})
        for path in notes if not (locked or alive) else dead:
            path.unlink(missing_ok=True)
        _hold(host)
    except OSError:
        return unknown
    if not locked:
        return Lock()
    if alive:
        return Lock(f"process {alive[0]}; wait until it has ended")
    if elsewhere:
        return Lock(f"a run on {elsewhere[0]}; if that one is no more: snakemake --unlock")
    if not dead:
        return unknown
    shutil.rmtree(SNAKEMAKE_LOCKS)
    return Lock(f"process {', '.join(dead.values())}", lifted=True)


def _is_locked(path: Path) -> bool:
    with path.open() as stream:
        try:
            flock(stream, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _hold(host: str) -> None:
    """Keep a file locked as long as this process lives; it appears among the runs once it is."""
    note = RUNS / f"{host}.{os.getpid()}"
    draft = RUNS.parent / note.name
    stream = draft.open("w")
    flock(stream, LOCK_EX | LOCK_NB)
    draft.replace(note)
    _kept.append(stream)
    # A run that ends by itself unlocks the folder by itself.
    atexit.register(Path(note).absolute().unlink, missing_ok=True)
