"""What code a script depends on, read without running it, as a digest that only doing changes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from small import ROOT

from trialpool import code_digest
from trialpool.code_digest import Code, CodeFile, _code

SCRIPTS = ROOT / "workflow/scripts"
NAMES = sorted(path.name for path in SCRIPTS.glob("*.py"))


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Code:
    return Code(SCRIPTS.joinpath, tmp_path_factory.mktemp("notes") / "code.json")


def test_the_closure_has_what_is_reached_and_nothing_else(code: Code) -> None:
    """Figures depend on no choice of the review, and pooling on no figure."""
    figures, pool = set(code.closure("figures.py")), set(code.closure("pool.py"))
    assert {"trialpool.figures.forest", "trialpool.figures.style", "trialpool.tables"} <= figures
    # All subsets of the trials are fitted where they are drawn: nobody would read that table.
    assert "trialpool.diagnostics.influence" in figures
    assert {"trialpool.pooling.tau2", "trialpool.review.fitting.fit"} <= pool
    rooms = ("extraction", "effects", "choosing", "fitting", "trust")
    assert not [x for x in figures if x.startswith(tuple(f"trialpool.review.{r}." for r in rooms))]
    assert not [x for x in pool if x.startswith(("trialpool.figures.", "trialpool.review.report."))]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library and the scripts."""
    folder = tmp_path_factory.mktemp("copy")
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/trialpool", folder / "trialpool", ignore=leave)
    shutil.copytree(SCRIPTS, folder / "scripts", ignore=leave)
    return folder


def digests(library: Path) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(code_digest, "ROOT", library / "trialpool")
        code = Code((library / "scripts").joinpath, library / "notes.json")
        return {name: code.digest(name) for name in NAMES}


@pytest.fixture(scope="module")
def before(library: Path) -> dict[str, str]:
    """The digests of the library as it is."""
    return digests(library)


PAGES = {"page.py", "page_condition.py", "methods.py", "downloads.py"}
EDITS = [
    ("pooling/tau2.py", '"""', '"""A word more. ', set()),
    ("pooling/tau2.py", "\n\n\n", "\n\n\n# a comment\n", set()),
    ("review/report/templates/style.css", "; }", "; color: red; }", PAGES | {"trials.py"}),
    ("review/accounts/verify.py", "\n\n\ndef", "\n\nADDED = 1\n\n\ndef", {"verify.py"}),
    ("digits.py", "DIGITS = 6", "DIGITS = 7", set(NAMES)),
]


@pytest.mark.parametrize(("file", "old", "new", "changed"), EDITS)
def test_only_what_a_script_does_changes_its_digest(
    library: Path, before: dict[str, str], file: str, old: str, new: str, changed: set[str]
) -> None:
    """Comments and docstrings change nothing, a colour what draws, a number all that writes."""
    target = library / "trialpool" / file
    text = target.read_text(encoding="utf-8")
    assert old in text
    try:
        target.write_text(text.replace(old, new, 1), encoding="utf-8")
        after = digests(library)
    finally:
        target.write_text(text, encoding="utf-8")
    assert {name for name in NAMES if before[name] != after[name]} == changed
    assert digests(library) == before


def test_it_is_the_same_wherever_the_package_is(code: Code, before: dict[str, str]) -> None:
    assert before == {name: code.digest(name) for name in NAMES}


@pytest.mark.parametrize("broken", ["", "{", '{"a": 1}', '{"a": ["b", 3]}'])
def test_notes_that_cannot_be_read_cost_only_time(code: Code, tmp_path: Path, broken: str) -> None:
    notes = tmp_path / "code.json"
    notes.write_text(broken, encoding="utf-8")
    assert Code(SCRIPTS.joinpath, notes).digest("summary.py") == code.digest("summary.py")
    assert len(notes.read_text(encoding="utf-8")) > 1000


def test_a_folder_that_cannot_be_written_is_no_error(code: Code, tmp_path: Path) -> None:
    notes = tmp_path / "file" / "code.json"
    notes.parent.write_text("not a folder", encoding="utf-8")
    assert Code(SCRIPTS.joinpath, notes).digest("summary.py") == code.digest("summary.py")


def test_a_file_is_read_again_only_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, notes = tmp_path / "script.py", tmp_path / "code.json"
    script.write_text("from trialpool import tables\n", encoding="utf-8")
    first = Code(tmp_path.joinpath, notes).digest("script.py")
    monkeypatch.setattr(code_digest, "_code", lambda path: pytest.fail(f"{path} is read again"))
    assert Code(tmp_path.joinpath, notes).digest("script.py") == first
    monkeypatch.undo()
    script.write_text("from trialpool import tablez\n".replace("z", "s") + "x = 1\n")
    os.utime(script, ns=(0, 0))
    assert Code(tmp_path.joinpath, notes).digest("script.py") != first


def test_one_changed_file_costs_no_other_its_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many scripts are asked for after the first one, whose file it is."""
    notes = tmp_path / "code.json"
    scripts = {"one.py": "import trialpool.tables\n", "two.py": "import trialpool.digits\n"}
    for name, text in scripts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def read() -> list[str]:
        asked: list[str] = []

        def noticed(path: Path) -> CodeFile:
            asked.append(path.name)
            return _code(path)

        monkeypatch.setattr(code_digest, "_code", noticed)
        code = Code(tmp_path.joinpath, notes)
        for name in scripts:
            code.digest(name)
        return asked

    assert {"one.py", "two.py", "tables.py", "digits.py"} <= set(read())
    (tmp_path / "one.py").write_text("import trialpool.tables\nx = 1\n", encoding="utf-8")
    assert read() == ["one.py"]
    assert read() == []


def test_what_only_the_type_checker_reads_is_left_out(tmp_path: Path) -> None:
    """An import under TYPE_CHECKING never runs; one inside a function does."""
    (tmp_path / "script.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from trialpool.bayes import normal_normal\n"
        "def f():\n    from trialpool.results import NAN\n",
        encoding="utf-8",
    )
    reached = Code(tmp_path.joinpath, tmp_path / "notes").closure("script.py")
    assert set(reached) == {"trialpool", "trialpool.results"}


def test_the_lazy_front_door_is_refused(tmp_path: Path) -> None:
    """`from trialpool import pool` would hide what the script depends on."""
    (tmp_path / "script.py").write_text("from trialpool import pool\n", encoding="utf-8")
    with pytest.raises(ImportError, match="import pool from its own module"):
        Code(tmp_path.joinpath, tmp_path / "notes").digest("script.py")
