"""Who takes part, and how to start each: a process of its own, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from benchmarks.tasks import Task

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OURS = "trialpool"
# Names as in peers.txt, and the module of the adapter.
PYTHON_PEERS = {
    "statsmodels": "statsmodels",
    "PyMetaAnalysis": "pymetaanalysis",
    "PyMARE": "pymare",
}
METAFOR = "metafor"
EVERYBODY = (OURS, *PYTHON_PEERS, METAFOR)

# What peers would bring in another version than ours gets ours, so that all stand on one numpy.
SHARED = ("numpy", "scipy", "pandas")
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)


class UnavailableError(Exception):
    """A contender that cannot take part here; the text says why."""


class Worker:
    """A contender's process; one question, one answer."""

    def __init__(self, who: str, folder: Path, cache: Path) -> None:
        environment = os.environ | ONE_THREAD | {"PYTHONWARNINGS": "ignore"}
        if who != OURS:
            environment.pop("PYTHONPATH", None)
        self.process = subprocess.Popen(
            [*command(who, cache), str(folder)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.who = who
        self.about = self._answer()
        if why := self.about.get("unavailable") or self.about.get("failed"):
            self.close()
            raise UnavailableError(why)

    def ask(self, task: Task, times: int) -> dict[str, Any]:
        """The answer of worker.py; a process that ended is an answer, too."""
        try:
            print(*task, times, file=self._pipe(self.process.stdin), flush=True)
        except OSError:
            return {"failed": "its process has ended"}
        return self._answer()

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._pipe(self.process.stdin).close()
        self.process.wait()

    def _answer(self) -> dict[str, Any]:
        line = self._pipe(self.process.stdout).readline()
        answer: dict[str, Any] = json.loads(line) if line else {"failed": "its process has ended"}
        return answer

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def command(who: str, cache: Path) -> list[str]:
    """How to start a contender; a Python peer is installed first."""
    if who == OURS:
        return [sys.executable, "-m", "benchmarks.ours"]
    if who == METAFOR:
        rscript = shutil.which("Rscript")
        if rscript is None:
            raise UnavailableError("there is no Rscript on this machine")
        return [rscript, "--vanilla", str(HERE / "peers" / "metafor.R")]
    return [str(installed(who, cache)), "-m", f"benchmarks.peers.{PYTHON_PEERS[who]}"]


def pins() -> dict[str, str]:
    """Versions in peers.txt."""
    lines = (HERE / "peers.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {name.strip(): pin.strip() for name, pin in pairs}


def installed(who: str, cache: Path) -> Path:
    """The Python of a peer's environment, made once for each set of versions."""
    shared = [f"{name}=={version(name)}" for name in SHARED]
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    home = cache / "-".join([who, pins()[who], python, *shared])
    interpreter = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = home / "ready"
    if ready.exists():
        return interpreter
    print(f"installing {who} {pins()[who]} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = (
        [sys.executable, "-m", "venv", str(home)],
        [*pip, f"{who}=={pins()[who]}", *shared],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr.strip(), file=sys.stderr)
            raise UnavailableError("could not be installed")
    # Written last, so that a set-up that fails half-way is started again.
    ready.touch()
    return interpreter
