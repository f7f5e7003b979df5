"""What a run says on the console, how a step ends in its log, and whose lock it is."""

from __future__ import annotations

import errno
import io
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.figure import Figure

from trialpool import logs
from trialpool.figures import style
from trialpool.review.running.console import Console
from trialpool.review.running.locks import RUNS, SNAKEMAKE_LOCKS, Lock, lift_dead_locks
from trialpool.review.running.start import start

JOB: dict[str, Any] = {
    "jobid": 3,
    "rule_name": "pool",
    "wildcards": {"condition": "ptsd", "analysis": "mood"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(console: Console, level: int = logging.INFO, msg: str | None = None, **more: Any) -> str:
    """What the console says of one record of Snakemake's."""
    record = logging.makeLogRecord({"levelno": level, "msg": msg, **more})
    return "\n".join(console.lines(record))


@pytest.fixture
def console() -> Console:
    """A run of four steps in which the third is at work."""
    console = Console(io.StringIO(), dry=False)
    shown(console, event="run_info", stats={"pool": 3, "all": 1, "total": 4})
    shown(console, event="job_info", **JOB, log=["step.log"], reason="")
    return console


def test_a_step_is_shown_by_what_it_says_of_itself(console: Console) -> None:
    """The last word of its log; the rule and its names where the log has none."""
    assert shown(console, event="job_finished", job_id=3) == "[1/4] pool ptsd/mood"
    Path("step.log").write_text("python\na warning\ndone: ptsd: mood from 3 trials\n")
    assert shown(console, event="job_finished", job_id=3) == "[2/4] ptsd: mood from 3 trials"


def test_the_last_line_names_the_page(console: Console) -> None:
    """If there is one; the step that only asks for all files is not shown."""
    page = Path("results/index.html")
    page.parent.mkdir()
    page.touch()
    shown(console, event="job_info", jobid=4, rule_name="all", wildcards={}, log=[], reason="")
    ended = [shown(console, event="job_finished", job_id=job) for job in (3, 3, 3, 4)]
    assert ended[-2:] == ["[3/4] pool ptsd/mood", "Done. Open results/index.html"]
    nothing = shown(console, msg="Nothing to be done (all requested files are present).")
    assert nothing.splitlines()[-1] == "Open results/index.html"


def test_a_failure_is_one_sentence_with_its_log(console: Console) -> None:
    """The traceback stays in the log, what Snakemake says of the process is not repeated."""
    Path("step.log").write_text("Traceback\n  deep\nfailed: row 3 has no n\n")
    crash = "RuleException:\nCalledProcessError in file a.smk: returned non-zero exit status 1."
    assert not shown(console, logging.ERROR, crash, event="error", exception="RuleException")
    assert shown(console, logging.ERROR, event="job_error", **JOB, log=["step.log"], indent=0) == (
        "Failed: pool ptsd/mood: row 3 has no n Log: step.log"
    )
    end = "WorkflowError:\nAt least one job did not complete successfully."
    assert shown(console, logging.ERROR, end, event="error", exception="WorkflowError") == (
        "Stopped after 0 of 4 steps. Nothing half-written is kept; the same command goes on from "
        "here."
    )


def test_an_error_in_the_protocol_is_shown_without_places_in_code(console: Console) -> None:
    """All lines of what is wrong, none of where Snakemake found out."""
    text = (
        'WorkflowError in file "/a/Snakefile", line 24:\nmood: unknown\nfix it\n  File "/a", line 2'
    )
    said = shown(console, logging.ERROR, text, event="error", exception="WorkflowError")
    assert said == "mood: unknown\nfix it"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Traceback\nOSError: [Errno 28] No space left on device", "no space is left in {}; free"),
        ("CalledProcessError: non-zero exit status 28.", "no space is left in {}; free"),
        ("OSError: [Errno 30] Read-only file system: '/a/b.csv'", "/a/b.csv cannot be written;"),
    ],
)
def test_a_full_or_read_only_disk_is_said_once(
    console: Console, folder: Path, text: str, words: str
) -> None:
    """Steps that end of the same cause, and whatever follows, add nothing."""
    first = shown(console, logging.ERROR, text, event="error", exception="OSError")
    assert first.startswith(f"Stopped: {words.format(folder)}")
    assert len(first.splitlines()) == 1
    assert not shown(console, logging.ERROR, text, event="error", exception="OSError")
    assert not shown(console, logging.ERROR, event="job_error", **JOB, log=[], indent=False)


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, None])
def test_other_errors_of_a_disk_are_not_taken_for_it(number: int | None) -> None:
    """Only a full disk and a folder that refuses have their sentence."""
    assert logs.storage_fault(number, "a.csv") == ""


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Updated input files: a.csv", "changed: a.csv"),
        ("Updated input files: a, b, c, d", "changed: a, b and 2 more"),
        ("Missing output files: x; Updated input files: a", "changed: a"),
        ("Params have changed since last execution: Union of", "the protocol or the program"),
        ("Missing output files: x, y", "not made yet"),
        ("Input files updated by another job: a", "what it reads is made again"),
    ],
)
def test_a_dry_run_says_why(reason: str, words: str) -> None:
    """One line per step, the cause nearest to the reader first."""
    console = Console(io.StringIO(), dry=True)
    said = shown(console, event="job_info", **JOB, log=["a.log"], reason=reason)
    assert said.startswith(f"  pool ptsd/mood: {words}")


@pytest.mark.parametrize(
    ("level", "message", "kept"),
    [
        (logging.INFO, "Using shell: /bin/bash", False),
        (logging.INFO, "Job 3 has been submitted with SLURM jobid 7", True),
        (logging.WARNING, "The disk is slow", True),
    ],
)
def test_what_is_not_known_as_noise_is_shown(
    console: Console, level: int, message: str, kept: bool
) -> None:
    """So that a new message of another version is not lost."""
    assert (shown(console, level, message) == message) is kept


def test_the_console_takes_the_place_of_the_terminal_only(folder: Path) -> None:
    """A log file goes on as it was, and what asks for silence is heard."""
    logger = logging.Logger("of a run")
    stream, file = io.StringIO(), logging.FileHandler(folder / "all.log")
    terminal = logging.StreamHandler(stream)
    terminal.addFilter(lambda record: record.levelno > logging.INFO)
    logger.addHandler(terminal)
    logger.addHandler(file)
    Console.attach(logger, dry=False)
    logger.info("quiet")
    logger.warning("loud")
    file.close()
    assert stream.getvalue() == "loud\n"
    assert (folder / "all.log").read_text() == "quiet\nloud\n"


STEP = """
import sys
from pathlib import Path
from trialpool import logs
logs.start("logs/step.log", ["whole.csv", "asked"])
Path("whole.csv").write_text("a")
Path("asked").mkdir()

{}
"""


def step(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", STEP.format(code)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "said", "status"),
    [
        ("logs.done('two trials')", "two trials", 0),
        ("print('warning'); raise ValueError('no n')", "ValueError: no n", 1),
        ("raise OSError(28, 'No space left')", "no space is left in {}; free some, then run the "
         "same command again.", 28),
        ("from trialpool.results import TrialpoolError; raise TrialpoolError('a\\nb')", "a\nb", 1),
    ],
)  # fmt: skip
def test_the_log_ends_with_how_the_step_ended(
    folder: Path, code: str, said: str, status: int
) -> None:
    """The console stays empty; an error has its traceback in the log and leaves no file."""
    done = step(code)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    log = folder / "logs/step.log"
    assert logs.ending(log) == said.format(folder)
    assert ("Traceback" in log.read_text()) is (status > 0)
    assert Path("whole.csv").exists() is Path("asked").exists() is (status == 0)


def test_a_log_that_cannot_be_written_is_told_by_the_exit_status(folder: Path) -> None:
    """There is no other way to say it."""
    (folder / "logs").mkdir()
    (folder / "logs/step.log").symlink_to("/dev/full")
    assert step("").returncode == errno.ENOSPC


def test_half_a_figure_is_not_left_on_a_full_disk(folder: Path) -> None:
    """A run does not know the names of all figures, so that it could remove them."""
    target = folder / "a.svg"
    target.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        style.save(Figure(), [target])
    assert not target.is_symlink()


def lock_of(name: str | None) -> None:
    """Snakemake's lock on this folder, and the note of a run that has ended."""
    SNAKEMAKE_LOCKS.mkdir(parents=True)
    (SNAKEMAKE_LOCKS / "0.output.lock").write_text("results/index.html\n")
    RUNS.mkdir(parents=True)
    if name is not None:
        (RUNS / name).touch()


HERE = platform.node()


def test_the_lock_of_a_dead_process_is_lifted() -> None:
    """Its note is left, and nobody holds it; then this process is at work."""
    lock_of(f"{HERE}.4")
    assert lift_dead_locks() == Lock("process 4", lifted=True)
    assert not SNAKEMAKE_LOCKS.exists()
    assert [path.name for path in RUNS.iterdir()] == [f"{HERE}.{os.getpid()}"]


@pytest.mark.parametrize(
    ("name", "words"),
    [(None, "left no name"), ("elsewhere.4", "a run on elsewhere; if that one is no more")],
)
def test_a_lock_nobody_can_know_of_stays(name: str | None, words: str) -> None:
    """Of another host that shares the folder, or of a run without a note."""
    lock_of(name)
    lock = lift_dead_locks()
    assert words in lock.by
    assert not lock.lifted
    assert any(SNAKEMAKE_LOCKS.iterdir())


AT_WORK = """
from trialpool.review.running.locks import lift_dead_locks
from trialpool.review.running.start import start
from trialpool.review.running.start import start
lift_dead_locks()
print("at work", flush=True)
input()
"""


def test_the_lock_of_a_living_process_stays() -> None:
    """Even if an older one was killed before; once it has ended, no note of it is left."""
    process = subprocess.Popen(
        [sys.executable, "-c", AT_WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    (RUNS / f"{HERE}.4").touch()
    SNAKEMAKE_LOCKS.mkdir(parents=True)
    (SNAKEMAKE_LOCKS / "0.output.lock").touch()
    assert lift_dead_locks() == Lock(f"process {process.pid}; wait until it has ended")
    assert any(SNAKEMAKE_LOCKS.iterdir())
    process.communicate("\n")
    assert not (RUNS / f"{HERE}.{process.pid}").exists()


@pytest.mark.parametrize("local", [True, False])
def test_jobs_per_second_are_counted_on_a_cluster_only(local: bool) -> None:
    """On one machine the count makes Snakemake look at all files again and again."""
    workflow = SimpleNamespace(
        is_main_process=True, dag_settings=None, local_exec=local,
        scheduling_settings=SimpleNamespace(max_jobs_per_timespan="100/1s"),
        output_settings=SimpleNamespace(verbose=True, dryrun=True),
    )  # fmt: skip
    logger = logging.Logger("of a run")
    start(workflow, logger)
    assert workflow.scheduling_settings.max_jobs_per_timespan == "100/1s"
    logger.handle(logging.LogRecord("x", logging.INFO, "x", 1, "planned", None, None))
    assert workflow.scheduling_settings.max_jobs_per_timespan == (None if local else "100/1s")
