"""Slips of one cell are told: a sample here, all of them by hand (python tests/slips.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from slips import HEADING, PAGE, Slip, outcome, section, slips

EVERY = 9
SLIPS = slips()
MOST_SILENT = 5


def told_on_the_page() -> list[str]:
    """The lines of docs/checks.md, one for each slip."""
    text = PAGE.read_text(encoding="utf-8").split(HEADING)[1]
    return [line for line in text.splitlines() if line.startswith("| ") and line[2].isdigit()]


def test_the_page_lists_every_slip_and_why_it_is_silent() -> None:
    """At least 150; at most five change a result in silence, each with a reason."""
    lines = told_on_the_page()
    assert len(lines) == len(SLIPS) >= 150
    silent = [slip for slip in SLIPS if slip.reason]
    assert len(silent) <= MOST_SILENT
    for slip, line in zip(SLIPS, lines, strict=True):
        number, review, cell, right, typed, kind, said = line.strip("| ").split(" | ")
        assert (int(number), review, kind) == (slip.number, slip.review, slip.kind)
        assert (right, typed) == (slip.right or "blank", slip.typed or "blank")
        assert cell.endswith(f"{slip.where}, {slip.column}")
        assert said.startswith("nothing: ") == bool(slip.reason)


@pytest.mark.parametrize("slip", SLIPS[::EVERY], ids=lambda slip: str(slip.number))
def test_a_slip_is_told_as_the_page_says(slip: Slip, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks that see it, or that it changes nothing or why it is silent."""
    monkeypatch.chdir(Path(__file__).parents[2])
    each = outcome(slip, results=False)
    said = told_on_the_page()[slip.number - 1].rsplit(" | ", 1)[1]
    names = [*each.errors, *each.warnings]
    assert all(f"`{name}`" in said for name in names)
    assert bool(names) == ("`" in said)


def test_a_cell_that_is_not_as_listed_is_refused(tmp_path: Path) -> None:
    """A list that has fallen behind the data would prove nothing."""
    (tmp_path / "data/raw/blue").mkdir(parents=True)
    path = tmp_path / "data/raw/blue/results.csv"
    path.write_text("trial_id,mean\nAsh,18.0\n", encoding="utf-8")
    cells = {"review": "small", "condition": "blue", "table": "results", "column": "mean",
             "typed": "81", "kind": "digits swapped", "reason": ""}  # fmt: skip
    Slip(number=1, where="Ash", right="18.0", **cells).put_into(tmp_path)
    assert path.read_text(encoding="utf-8") == "trial_id,mean\nAsh,81\n"
    for where, right in (("Ash", "18.0"), ("Elm", "81")):
        with pytest.raises(AssertionError, match="slip 1"):
            Slip(number=1, where=where, right=right, **cells).put_into(tmp_path)


def test_the_section_counts_what_it_lists() -> None:
    """Told, without effect, silent: each of the outcomes is one of them."""
    assert "0 slips" in section([])
