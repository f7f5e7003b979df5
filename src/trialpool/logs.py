"""The log of one step: what ran, with which versions, whatever it printed, and how it ended."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from trialpool.results import TrialpoolError

_NAMED = ("trialpool", "numpy", "scipy", "pandas", "matplotlib")
_DONE, _FAILED = "done: ", "failed: "
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EROFS, errno.EACCES)  # not EPERM: 1 is the exit status of any error


def start(path: str | Path, outputs: Iterable[str | Path]) -> None:
    """Send what the step prints to its log file, headed by the versions in use.

    An error that ends the step goes there with its traceback, and in one sentence at the end. When
    a disk is full or a folder must not be written, that may fail as well: the number of the error
    is then the exit status.

    Parameters
    ----------
    path : the log
    outputs : what the step writes; an error leaves none of it behind, whole or in part
    """
    sys.excepthook = partial(_failed, [Path(output) for output in outputs])
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The file stays open for the rest of the process; the step ends with it.
    stream = target.open("w", encoding="utf-8", buffering=1)
    versions = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    stream.write(f"python {platform.python_version()}, {versions}\n")
    sys.stdout = sys.stderr = stream


def done(sentence: str) -> None:
    """Say in one sentence what the step made; the console shows it."""
    print(f"{_DONE}{sentence}")


def ending(path: str | Path) -> str:
    """How a step ended, as it said itself; blank where its log does not say."""
    with suppress(OSError, UnicodeDecodeError):
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        for i in reversed(range(len(lines))):
            if lines[i].startswith((_DONE, _FAILED)):
                _, _, first = lines[i].partition(": ")
                return "\n".join((first, *lines[i + 1 :]))
    return ""


def storage_fault(number: int | None, path: str | Path) -> str:
    """What is wrong with the place where a file should be, and what to do.

    Parameters
    ----------
    number : the system's number of the error
    path : the file, or a folder of it

    Returns
    -------
    A sentence; blank if the error is not that a disk is full or a folder must not be written
    """
    if number in _FULL:
        return f"no space is left in {Path.cwd()}; free some, then run the same command again."
    if number in _REFUSED:
        return (
            f"{Path(path).absolute()} cannot be written; make its folder writable, or copy config/ "
            "and data/raw to one that is."
        )
    return ""


def _failed(
    outputs: list[Path],
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    fault = ""
    if isinstance(error, OSError):
        fault = storage_fault(error.errno, error.filename or Path.cwd())
    said = str(error) if isinstance(error, TrialpoolError) else f"{kind.__name__}: {error}"
    with suppress(OSError):
        if not (fault and sys.stderr is sys.__stderr__):  # else the log could not be opened
            traceback.print_exception(kind, error, trace)
            print(f"{_FAILED}{fault or said}", flush=True)
    for output in outputs:
        if output.is_dir():
            shutil.rmtree(output, ignore_errors=True)
        with suppress(OSError):
            output.unlink()
    if fault and isinstance(error, OSError):
        os._exit(error.errno or 1)
