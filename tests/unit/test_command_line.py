"""What the command line does with words it does not know, and readers that go away."""

from __future__ import annotations

import subprocess
import sys

import pytest
from small import ROOT

from trialpool.cli import main


def test_a_mistyped_command_is_answered_with_the_one_that_is_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["chekc"])
    assert stopped.value.code == 2
    assert "chekc is no command; did you mean check?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["xyzzy"])
    assert "did you mean" not in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("trialpool 0.")


@pytest.mark.parametrize(
    "command", ["check", "trace results/ptsd/symptoms_1_2_weeks", "import --help"]
)
def test_a_reader_that_has_seen_enough_is_no_error(command: str) -> None:
    """As with `| head -1`: nothing on the error stream, no traceback."""
    done = subprocess.run(
        f"{sys.executable} -m trialpool.cli {command} | head -1",
        shell=True, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
