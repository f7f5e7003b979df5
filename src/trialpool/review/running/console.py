"""What a run says: one line per step, errors in one sentence, and which page to open.

Snakemake shows each job's files and settings, thousands of letters a job. Those stay in its own
log; the console shows what the steps say of themselves. The events and their fields are those of
Snakemake's interface for loggers.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from trialpool import logs
from trialpool.review.running.locks import UNKNOWN

PAGE = Path("results/index.html")

# What Snakemake says beside its events and a reader of the console need not know.
_KEPT_TO_THE_LOG = (
    "Assuming unrestricted shared filesystem usage",
    "Building DAG of jobs",
    "Complete log(s):",
    "Conda environments: ignored",
    "Elapsed time:",
    "Error: Directory cannot be locked",  # of a run that only says what it would do
    "Execute ",
    "Exiting because a job execution failed",
    "Ignore corrupted or currently written metadata record",  # then the step runs again
    "Group jobs: inactive",
    "Reasons:",
    "Removing output files of failed job",
    "Removing temporary output",
    "Rules with provenance triggered jobs:",
    "Select jobs to execute",
    "Shutting down, this might take some time",
    "Some jobs were triggered by provenance information",
    "Storing output in storage",
    "Using shell:",
)
# Why a step would run: how Snakemake's reason begins, and our words; the first that fits is said.
_REASONS = (
    ("Updated input files: ", "changed: "),
    ("Set of input files has changed", "other input files"),
    ("Code has changed", "its script changed"),
    ("Params have changed", "the protocol or the program changed"),
    ("Incomplete output files", "left unfinished"),
    ("Missing output files", "not made yet"),
    ("Input files updated by another job", "what it reads is made again"),
    ("Forced execution", "asked for, or left unfinished"),
)
_STORAGE = re.compile(r"(?:\[Errno |exit status )(\d+)\]?(?:[^:\n]*: '([^'\n]*)')?")


class Console(logging.Handler):
    """Shows a run on a stream.

    Parameters
    ----------
    stream : where to
    dry : whether the run only says what it would do
    """

    def __init__(self, stream: TextIO, *, dry: bool) -> None:
        super().__init__()
        self._stream = stream
        self._dry = dry
        self._steps: dict[int, Any] = {}
        self._total = 0
        self._done = 0
        self._fault = ""
        self.locked_by = ""

    @classmethod
    def attach(cls, logger: logging.Logger, *, dry: bool) -> Console | None:
        """Take the place of the handler that writes to the terminal; log files stay as they are."""
        console = None
        for handler in list(logger.handlers):
            # A disk that is full says so once, not at each line that could not be logged.
            handler.handleError = lambda record: None  # type: ignore[method-assign]
            if isinstance(handler, logging.StreamHandler) and not isinstance(
                handler, logging.FileHandler
            ):
                console = cls(handler.stream, dry=dry)
                console.filters = list(handler.filters)
                logger.removeHandler(handler)
                logger.addHandler(console)
        return console

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a record says, if anything."""
        for line in self.lines(record):
            print(line, file=self._stream, flush=True)

    def lines(self, record: logging.LogRecord) -> Iterator[str]:
        """What a record says to a reader of the console."""
        event = str(getattr(record, "event", None) or "")
        message = record.getMessage() if record.msg else ""
        speaker = getattr(self, f"_{event}", None)
        if speaker is not None:
            yield from speaker(record)
        elif not message.startswith(_KEPT_TO_THE_LOG) and (
            record.levelno >= logging.WARNING or not event
        ):
            yield message.strip()
        if message.startswith("Nothing to be done") and PAGE.exists():
            yield f"Open {PAGE}"

    def _run_info(self, record: Any) -> Iterator[str]:
        if not self._total:
            self._total = record.stats["total"]
            yield f"{self._total} steps{' would run' if self._dry else ''}"

    def _job_info(self, record: Any) -> Iterator[str]:
        self._steps[record.jobid] = record
        if self._dry and record.log:
            yield f"  {_name(record)}: {_reason(record.reason)}"

    def _job_finished(self, record: Any) -> Iterator[str]:
        self._done += 1
        step = self._steps.get(record.job_id)
        # The last step of all makes no file.
        said = step and step.log and (logs.ending(step.log[0]) or _name(step))
        if said:
            yield f"[{self._done:{len(str(self._total))}}/{self._total}] {said}"
        if self._done == self._total and PAGE.exists():
            yield f"Done. Open {PAGE}"

    def _job_error(self, record: Any) -> Iterator[str]:
        step = self._steps.get(record.jobid, record)
        said = logs.ending(record.log[0]) if record.log else ""
        if record.indent and not said:
            return  # of a submission of several steps: it ended well, or was not begun
        if not self._fault or said not in ("", self._fault):
            places = f"Log: {', '.join(record.log)}"
            yield f"Failed: {_name(step)}: {said or 'no reason given.'} {places}"

    def _group_error(self, record: Any) -> Iterator[str]:
        yield f"Failed: {len(record.job_error_info)} steps. Log: {', '.join(record.aux_logs)}"

    def _error(self, record: Any) -> Iterator[str]:
        text = record.getMessage()
        if "At least one job did not complete successfully" in text:
            yield (
                f"Stopped after {self._done} of {self._total} steps. Nothing half-written is kept; "
                "the same command goes on from here."
            )
        elif record.exception == "LockException":
            yield f"Stopped: {Path.cwd()} is locked by {self.locked_by or UNKNOWN}."
        elif fault := _storage_fault(text):
            if not self._fault:
                self._fault = fault
                yield f"Stopped: {fault}"
        elif "CalledProcessError" not in text:  # the step that ended so says why
            yield _without_places(text)


def _name(step: Any) -> str:
    """The rule of a step and what it is about, e.g. `pool ptsd/symptoms`."""
    about = "/".join(map(str, step.wildcards.values())) if getattr(step, "wildcards", None) else ""
    return f"{step.rule_name} {about}".strip()


def _reason(said: str) -> str:
    for begins, ours in _REASONS:
        at = said.find(begins)
        if at >= 0 and ours.endswith(": "):
            listed, _, _ = said[at + len(begins) :].partition(";")
            files = listed.split(", ")
            more = f" and {len(files) - 2} more" if len(files) > 2 else ""
            return f"{ours}{', '.join(files[:2])}{more}"
        if at >= 0:
            return ours
    return said[:60]


def _storage_fault(text: str) -> str:
    """That a disk is full or a folder must not be written, where an error says so."""
    for match in _STORAGE.finditer(text):
        if fault := logs.storage_fault(int(match[1]), match[2] or Path.cwd()):
            return fault
    return ""


def _without_places(text: str) -> str:
    """An error as Snakemake shows it, without places in its own code."""
    lines = [line for line in text.splitlines() if not line.startswith('  File "')]
    if lines and re.fullmatch(r"\w+( in .*)?:", lines[0]):
        lines = lines[1:]
    return "\n".join(lines).strip()
