"""The workflow on the made-up review of tests/fixtures/small, in a folder of its own."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from forks import Forks
from small import ROOT, SMALL

PARTS = ("Snakefile", "environment.yml", "workflow", "profiles", "src")

# Snakemake with all its plugins, and what it and the library import; not the library itself, of
# which each workflow has its own.
LOADED = """
import pandas, pydantic, snakemake.persistence, snakemake.cli, sys
snakemake.cli.parse_args([])
assert "trialpool" not in sys.modules
"""
DRY_RUN = """
import os, snakemake.cli, sys
sys.path.insert(0, os.path.abspath("src"))
snakemake.cli.main(["--cores", "2", "--dry-run", "--nocolor"])
"""


@cache
def _snakemake() -> Forks:
    """The process that all dry runs of this one are forks of."""
    return Forks(LOADED)


class Workflow:
    """A copy of the workflow and the library on the made-up review.

    `finished` of conftest.py has run from nothing; a test that runs or edits takes a copy of it,
    in which Snakemake makes again only what the edit concerns.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def fresh(cls, folder: Path) -> Workflow:
        """The workflow before its first run."""
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / part, ignore=ignore)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / part)
        shutil.copytree(SMALL, folder, dirs_exist_ok=True)
        made = cls(folder)
        # More people analysed than randomised: one row that a check marks.
        made.edit("data/raw/green/arms.csv", "drug,,,,,,,,primary", "drug,,,,,,,19,primary")
        return made

    @classmethod
    def finished(cls, folder: Path) -> Workflow:
        """The workflow after a cold run, made by the first process that asks for this folder."""
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                made = cls.fresh(folder.with_suffix(".unfinished"))
                done = made.run()
                assert done.returncode == 0, done.stdout + done.stderr
                made.folder.rename(folder)
        return cls(folder)

    def copy(self, folder: Path) -> Workflow:
        """The workflow as it stands, with its memory of what ran (time stamps are kept)."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return Workflow(folder)

    @property
    def environment(self) -> dict[str, str]:
        # The copy's own library comes before the installed one; only the first job compiles it.
        own = {"PYTHONPATH": str(self.folder / "src"), "PYTHONHASHSEED": "random"}
        return {**os.environ, **own, "PYTHONDONTWRITEBYTECODE": ""}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def planned(self) -> list[str]:
        """The jobs a run would do: `rule` or `rule condition/analysis`."""
        said = _snakemake().run(DRY_RUN, self.folder)
        jobs = []
        for line in said.splitlines():
            if planned := re.match(r"  (\w+(?: [\w/]+)?): ", line):
                jobs.append(planned.group(1))
        return sorted(jobs)

    def digests(self) -> dict[str, str]:
        """Every file of results/, data/processed and data/schemas with its SHA-256."""
        files = [
            path
            for part in ("results", "data/processed", "data/schemas")
            for path in (self.folder / part).rglob("*")
            if path.is_file()
        ]
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def edit(self, path: str, old: str, new: str) -> None:
        target = self.folder / path
        text = target.read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        target.write_text(text.replace(old, new, 1), encoding="utf-8")
