"""pyproject.toml, environment.yml and requirements.lock name the same dependencies."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]

# conda-forge keeps the bare name for the Node.js package.
CONDA_NAMES = {"playwright": "playwright-python"}

# One entry of the lock file: `name==version`, an optional marker, then one hash a line.
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.+!]+)(?: ; (?P<marker>.+))?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def requirements(*extras: str) -> list[Requirement]:
    """Requirements of the package and of the named extras."""
    table = project()
    optional = table["optional-dependencies"]
    lines = table["dependencies"] + [line for extra in extras for line in optional[extra]]
    return [Requirement(line) for line in lines]


# What a run on Slurm needs besides has a file of its own.
LOCKS = [ROOT / "requirements.lock", ROOT / "tests/slurm/requirements.lock"]


def lock_text() -> str:
    return "".join(path.read_text() for path in LOCKS)


def lock_entries() -> list[list[str]]:
    """Return the entries of the lock files, each as its pin followed by its hashes."""
    text = lock_text().replace("\\\n", " ")
    return [re.split(r" +(?=--hash=)", line.strip()) for line in text.splitlines() if line.strip()]


def pins() -> dict[str, Version]:
    found: dict[str, Version] = {}
    for pin, *_ in lock_entries():
        match = PIN.fullmatch(pin)
        assert match, f"not an exact version: {pin}"
        found[canonicalize_name(match["name"])] = Version(match["version"])
    return found


def test_conda_environment_equals_pyproject() -> None:
    """Same names, same ranges; conda adds only Python and pip."""
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {line.name: line.specifier for line in map(Requirement, lines)}
    assert len(conda) == len(lines)
    assert str(conda.pop("python")) == project()["requires-python"]
    conda.pop("pip")

    wanted = {
        CONDA_NAMES.get(line.name, line.name): line.specifier
        for line in requirements("workflow", "dev")
    }
    assert conda == wanted


def test_environment_of_a_run_equals_the_dependencies() -> None:
    """What `--sdm conda` installs: nothing that only a developer needs."""
    lines = yaml.safe_load((ROOT / "workflow/envs/run.yaml").read_text())["dependencies"]
    python, *conda = map(Requirement, lines)
    assert (python.name, str(python.specifier)) == ("python", project()["requires-python"])
    assert conda == requirements()


@pytest.mark.parametrize("requirement", requirements("workflow", "slurm", "dev"), ids=str)
def test_lock_pins_every_requirement(requirement: Requirement) -> None:
    """Each range of pyproject.toml, extras included, holds the locked version."""
    version = pins().get(canonicalize_name(requirement.name))
    assert version is not None, "missing: run make lock"
    assert requirement.specifier.contains(version), "out of range: run make lock"


def test_no_executor_is_imported_by_every_run() -> None:
    """Snakemake imports each plugin that is installed; Slurm's brings pandas along."""
    assert "snakemake-executor-plugin-" not in LOCKS[0].read_text()
    assert {pin.split("==")[0] for pin, *_ in lock_entries() if "slurm" in pin} == {
        "snakemake-executor-plugin-slurm", "snakemake-executor-plugin-slurm-jobstep"
    }  # fmt: skip


def test_every_extra_is_locked() -> None:
    """A new extra must be added to the test above."""
    assert set(project()["optional-dependencies"]) == {"workflow", "slurm", "dev"}


def test_every_locked_entry_has_a_hash() -> None:
    """`pip --require-hashes` installs nothing that was not seen when the file was made."""
    for pin, *hashes in lock_entries():
        assert hashes, pin
        assert all(HASH.fullmatch(value) for value in hashes), pin


def test_lock_names_no_address_and_no_path() -> None:
    """The lock file serves any index and any machine."""
    text = lock_text()
    assert "/" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE), "an option of pip stands in it"
