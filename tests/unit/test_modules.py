"""Which library files a script depends on, read without running it."""

from __future__ import annotations

from pathlib import Path

import pytest
from small import ROOT

from trialpool.modules import dependencies


def named(script: str) -> set[str]:
    paths = dependencies(ROOT / "workflow/scripts" / script)
    return {path.split("trialpool/", 1)[1] for path in paths}


def test_the_closure_has_what_is_reached_and_nothing_else() -> None:
    """Figures depend on no choice of the review, and pooling on no figure."""
    figures, pool = named("figures.py"), named("pool.py")
    assert {"figures/forest.py", "figures/style.py", "tables.py", "__init__.py"} <= figures
    # All subsets of the trials are fitted where they are drawn: nobody would read that table.
    assert "diagnostics/influence.py" in figures
    assert {"pooling/tau2.py", "review/fitting/fit.py", "bayes/model.py"} <= pool
    rooms = ("review/extraction/", "review/effects/", "review/choosing/", "review/fitting/",
             "review/trust/")  # fmt: skip
    assert not [path for path in figures if path.startswith(rooms)]
    assert not [path for path in pool if path.startswith(("figures/", "review/report/"))]


@pytest.mark.parametrize("script", sorted(p.name for p in (ROOT / "workflow/scripts").glob("*.py")))
def test_the_wording_of_a_check_is_data_after_cleaning(script: str) -> None:
    """Only cleaning runs the checks; all that follows reads what they said from flags.csv."""
    checks = [path for path in named(script) if path.startswith("review/extraction/checks/")]
    assert bool(checks) == (script == "clean.py")


def test_templates_come_with_the_pages() -> None:
    """Editing the stylesheet re-runs the pages."""
    files = {"base.html", "style.css"}
    assert {f"review/report/templates/{name}" for name in files} <= named("page.py")


def test_what_only_the_type_checker_reads_is_left_out(tmp_path: Path) -> None:
    """An import under TYPE_CHECKING never runs; one inside a function does."""
    script = tmp_path / "script.py"
    script.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from trialpool.bayes import normal_normal\n"
        "def f():\n    from trialpool.results import NAN\n",
        encoding="utf-8",
    )
    found = {Path(path).name for path in dependencies(script)}
    assert found == {"__init__.py", "results.py"}


def test_the_lazy_front_door_is_refused(tmp_path: Path) -> None:
    """`from trialpool import pool` would hide what the script depends on."""
    script = tmp_path / "script.py"
    script.write_text("from trialpool import pool\n", encoding="utf-8")
    with pytest.raises(ImportError, match="import pool from its own module"):
        dependencies(script)
