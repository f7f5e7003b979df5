"""Fixtures shared by all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1]))  # holds benchmarks

from small import SmallReview


@pytest.fixture
def small(tmp_path: Path) -> SmallReview:
    """The made-up review, in a folder of its own."""
    return SmallReview(tmp_path / "review")
