"""What a run needs however it was started: from a clone, an installed Snakefile or a module."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trialpool.review.running.console import Console
from trialpool.review.running.locks import lift_dead_locks

if TYPE_CHECKING:
    from trialpool.review.extraction.read import RawData
    from trialpool.review.protocol.problems import ProtocolProblem
    from trialpool.review.protocol.protocol import Review

# The module that looks for ties, whose code counts among what was checked.
UNDECIDED = "trialpool.review.commands.undecided"
# Up to this size a file counts as changed by its content, not by its time stamp.
CHECKSUM_BYTES = 100_000_000


def start(workflow: Any, logger: logging.Logger) -> None:
    """Settle how this run goes on after another, whose lock it is, and what the console shows.

    Steps that Snakemake starts elsewhere, on a cluster, read the Snakefile as well; they are left
    alone, and so is the console with `--verbose`.

    Parameters
    ----------
    workflow : the workflow of the Snakefile that calls
    logger : Snakemake's
    """
    if not workflow.is_main_process:
        return

    def settled(record: logging.LogRecord) -> bool:
        # The settings come after the Snakefile was read; the first message after that is in time.
        if workflow.dag_settings is not None:
            settle(workflow.dag_settings)
        if workflow.scheduling_settings is not None and workflow.local_exec:
            unhurried(workflow.scheduling_settings)
        return True

    logger.addFilter(settled)
    output = workflow.output_settings
    console = None if output.verbose else Console.attach(logger, dry=output.dryrun)
    if output.dryrun:
        return
    lock = lift_dead_locks()
    if lock.lifted:
        logger.warning(f"The run of {lock.by} was killed; its lock on {Path.cwd()} is lifted.")
    elif console is not None:
        console.locked_by = lock.by


def undecided(review: Review, data: Mapping[str, RawData]) -> Iterable[ProtocolProblem]:
    """Effects of a trial between which no rule decides; looked for when data are checked anew."""
    # To plan a run that has nothing new takes no pandas.
    problems: Iterable[ProtocolProblem] = import_module(UNDECIDED).undecided(review, data)
    return problems


def say_left_over(
    workflow: Any, logger: logging.Logger, pairs: Collection[tuple[str, str]]
) -> None:
    """Name results of analyses that the protocol no longer asks: nothing reads or deletes them.

    Parameters
    ----------
    workflow, logger : as of `start`
    pairs : condition and analysis of all that is asked
    """
    if not workflow.is_main_process:
        return
    for model in sorted(Path("results").glob("*/*/model.json")):
        if model.parent.parts[-2:] not in pairs:
            logger.warning(
                f"{model.parent.as_posix()} is of no analysis of the protocol: no page shows it; "
                "delete it if nobody needs it."
            )


def unhurried(settings: Any) -> None:
    """On one machine, count no jobs per second.

    With that limit Snakemake looks at all files of all jobs again every second, and once more for
    each time it has looked: a third of the processor time of a run. It is meant for clusters.
    """
    settings.max_jobs_per_timespan = None


def settle(settings: Any) -> None:
    """What would otherwise need a profile in the folder of each review."""
    # What a killed run left unfinished is made again.
    settings.force_incomplete = True
    settings.max_checksum_file_size = max(settings.max_checksum_file_size, CHECKSUM_BYTES)
    # Code counts by its digest among the settings of a step, not by the time stamp of its script.
    settings.rerun_triggers = frozenset(t for t in settings.rerun_triggers if t.name != "CODE")
