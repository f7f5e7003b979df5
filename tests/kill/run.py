"""Kill runs of the made-up review, and let its disk run full: the plain command must go on.

`make test-kill` calls this; it takes some minutes. The disk of 8 MB is a file system in memory,
which only root can mount.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from runs import Workflow

KILLS = 20
FULL = 4
DISK = 8 * 1024**2
MADE = ("results", "data/processed", "data/schemas", "data/datapackage.json", ".snakemake", "logs")


class Elsewhere(Workflow):
    """A review whose library is on another disk: Python itself leaves half a .pyc on a full one."""

    library: Path

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PYTHONPATH": str(self.library)}


def main() -> int:
    """Run both tests; the seed is an argument, to repeat one that failed."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        whole = Workflow.fresh(Path(name) / "whole")
        Elsewhere.library = whole.folder / "src"
        start = time.monotonic()
        ended_well(whole.run())
        seconds = time.monotonic() - start
        killed(Workflow.fresh(Path(name) / "killed"), whole.digests(), seconds, chance)
        full(whole, Path(name) / "disk", chance)
    return 0


def killed(
    workflow: Workflow, whole: dict[str, str], seconds: float, chance: random.Random
) -> None:
    """SIGKILL to all processes of a run at random moments, until it has been 20 times."""
    kills = 0
    while kills < KILLS:
        process = subprocess.Popen(
            workflow.command(),
            cwd=workflow.folder,
            env=workflow.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=chance.uniform(0.1, seconds / 3))
            assert process.returncode == 0, said
            assert workflow.digests() == whole
            clear(workflow.folder)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            kills += 1
            print(f"kill {kills}: after {said.count('[')} steps")
        assert "Traceback" not in said, said
    ended_well(workflow.run())
    assert workflow.digests() == whole
    print(f"{KILLS} kills, the same bytes")


def full(whole: Workflow, folder: Path, chance: random.Random) -> None:
    """A disk that runs full in the middle of a run, then has space again."""
    if os.geteuid() != 0:
        print("not root: no disk was mounted")
        return
    folder.mkdir()
    wanted = whole.digests()
    for _ in range(FULL):
        command(f"mount -t tmpfs -o size={DISK} tmpfs {folder}")
        try:
            workflow = Elsewhere.fresh(folder / "review")
            shutil.rmtree(workflow.folder / "src")
            space = shutil.disk_usage(folder).free
            left = chance.randrange(200_000, 3_000_000)
            (folder / "filler").write_bytes(bytes(max(space - left, 0)))
            done = workflow.run()
            said = done.stdout + done.stderr
            assert done.returncode != 0
            assert said.count("no space is left in") == 1, said
            assert "Traceback" not in said, said
            assert workflow.digests().items() <= wanted.items(), "a file is half-written"
            (folder / "filler").unlink()
            command(f"mount -o remount,size={10 * DISK} {folder}")
            ended_well(workflow.run())
            assert workflow.digests() == wanted
            print(f"full with {left // 1000} kB: one sentence, then the same bytes")
        finally:
            command(f"umount {folder}")


def clear(folder: Path) -> None:
    """As before the first run."""
    for name in MADE:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def ended_well(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def command(words: str) -> None:
    subprocess.run(words.split(), check=True)


if __name__ == "__main__":
    sys.exit(main())
