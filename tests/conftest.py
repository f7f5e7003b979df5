"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1]))  # holds benchmarks

from runs import Workflow
from small import SmallReview


@pytest.fixture
def small(tmp_path: Path) -> SmallReview:
    """The made-up review, in a folder of its own."""
    return SmallReview(tmp_path / "review")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The workflow on the made-up review after a cold run: one run for all tests of all workers.

    For reading only. A test that edits something, or runs something that writes, does so in
    `finished.copy(tmp_path / "changed")`, where only what the edit concerns is made again.
    """
    pytest.importorskip("snakemake", reason="the workflow needs Snakemake")
    base = tmp_path_factory.getbasetemp()
    # Each worker of pytest-xdist has a folder of its own in the folder of the session.
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return Workflow.finished(session / "finished")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long runs of the workflow first, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")
