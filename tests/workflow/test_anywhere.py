"""The workflow from the wheel, without a clone: the same steps, whoever finds the Snakefile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from runs import Workflow
from small import ROOT

pytest.importorskip("snakemake", reason="the workflow needs Snakemake")

MODULE = """
configfile: "config/review.yaml"

module review:
    snakefile: {}
    config: config

use rule * from review
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the wheel holds it, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture
def review(finished: Workflow, tmp_path: Path) -> Path:
    """The made-up review after a run in a clone, of which only the review is left."""
    folder = finished.copy(tmp_path / "review").folder
    for part in ("Snakefile", "environment.yml", "workflow", "profiles", "src"):
        path = folder / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def dry_run(installed: Path, folder: Path, snakefile: Path) -> str:
    """What a Snakefile would make in a folder, started beside it."""
    places = ["-s", str(snakefile), "--directory", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", *places],
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_the_whole_workflow(installed: Path) -> None:
    """Every file of workflow/, and the command that says where it is."""
    files = [path for path in (ROOT / "workflow").rglob("*") if path.is_file()]
    for path in files:
        packed = installed / "trialpool" / path.relative_to(ROOT)
        if "__pycache__" not in path.parts:
            assert packed.read_bytes() == path.read_bytes()
    command = [sys.executable, "-m", "trialpool.cli", "workflow"]
    for library, where in (
        (installed, installed / "trialpool/workflow/Snakefile"),
        (ROOT / "src", ROOT / "workflow/Snakefile"),
    ):
        environment = {**os.environ, "PYTHONPATH": str(library)}
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert said.stdout == f"{where}\n"


def test_a_review_of_the_clone_is_up_to_date_for_the_wheel(installed: Path, review: Path) -> None:
    """Started elsewhere, with another place of the code: the same steps with the same settings."""
    said = dry_run(installed, review, installed / "trialpool/workflow/Snakefile")
    assert "Nothing to be done" in said


@pytest.mark.parametrize(
    "kind",
    [
        "path",
        pytest.param(
            "github", marks=pytest.mark.skipif(sys.platform != "linux", reason="cache elsewhere")
        ),
    ],
)
def test_a_review_of_the_clone_is_up_to_date_for_a_module(
    installed: Path, review: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path, and fetched from a tag, as snakedeploy declares it."""
    workflow = installed / "trialpool/workflow"
    place = f'"{workflow}/Snakefile"'
    if kind == "github":
        place = 'github("owner/review", path="workflow/Snakefile", tag="v1")'
        cached_repository(workflow, review.parent / "cache", monkeypatch)
    mine = review / "Snakefile"
    mine.write_text(MODULE.format(place), encoding="utf-8")
    assert "Nothing to be done" in dry_run(installed, review, mine)


def cached_repository(workflow: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository where Snakemake keeps those it has cloned, so that it asks no network."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    shutil.copytree(workflow, cache / "clone/workflow")
    kept = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/review"
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "--quiet", "."],
        ["add", "."],
        [*identity, "commit", "--quiet", "-m", "first"],
        ["tag", "v1"],
        ["clone", "--quiet", "--bare", ".", str(kept)],
    ):
        subprocess.run(["git", *command], cwd=cache / "clone", check=True)
