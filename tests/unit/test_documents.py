"""Documents that describe code are held in step with it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pydoc import locate

import pytest
from pydantic import BaseModel
from small import ROOT
from test_house import ROOMS

from trialpool.review.extraction.codebook import code_book
from trialpool.review.protocol import (
    added_columns,
    eligibility,
    multiverse_spec,
    network_spec,
    protocol,
    settings,
    specs,
    thresholds,
    time_dose_spec,
)
from trialpool.review.protocol.base import Spec


def test_the_code_book_is_generated_from_the_schema() -> None:
    """`data/raw/README.md` is what `code_book()` writes."""
    assert (ROOT / "data/raw/README.md").read_text(encoding="utf-8") == code_book()


@pytest.mark.parametrize("spec", Spec.__subclasses__(), ids=lambda spec: spec.__name__)
def test_the_protocol_page_explains_every_key(spec: type[BaseModel]) -> None:
    """Error messages send people to docs/protocol.md; it must know each key."""
    page = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    explained = {
        key.split(".")[-1] for cell in re.findall(r"^\| (.*?) \|", page, re.M)
        for key in re.findall(r"`([\w.]+)`", cell)
    }  # fmt: skip
    # `label`, and the names of groups of settings, stand in the text of their own rows.
    missing = set(spec.model_fields) - explained
    grouped = {
        "model", "smd", "crossover", "change", "medians", "multi_arm", "bayes", "forest", "label",
    }  # fmt: skip
    assert missing <= grouped
    assert all(f"`{name}" in page for name in missing)
    homes = (
        protocol,
        specs,
        eligibility,
        settings,
        multiverse_spec,
        network_spec,
        thresholds,
        time_dose_spec,
        added_columns,
    )
    assert spec.__module__ in [home.__name__ for home in homes]


def test_links_of_the_documents_lead_somewhere() -> None:
    """Relative links in Markdown point to files that exist."""
    for path in (
        p for folder in (".", "docs", "config", "data/raw") for p in ROOT.glob(f"{folder}/*.md")
    ):
        for target in re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://", "mailto:")):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def paths_of_the_table(page: str) -> list[str]:
    """The paths in the second column of the table of CONTRIBUTING, also those a command writes."""
    cells = re.findall(r"^\| [^|]+ \| (.+) \|$", page.partition("## Adding")[2], re.M)
    told = [text for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    written = [text.rpartition("> ")[2] for text in told]
    return [
        text for text in written if re.fullmatch(r"[\w./{}*-]*(/|\.[a-z]{2,4})[\w./{}*-]*", text)
    ]


def nowhere(page: str) -> list[str]:
    """The paths that stand neither at the root nor in the library; `{name}` and `*` are any."""
    return [
        path
        for path in paths_of_the_table(page)
        if not any(
            next(place.glob(re.sub(r"{\w+}", "*", path)), None)
            for place in (ROOT, ROOT / "src/trialpool")
        )
    ]


def test_contributing_names_files_that_exist() -> None:
    """Every path in its table of where things are added; a wrong one is seen."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(paths_of_the_table(page)) > 50
    assert nowhere(page) == []
    wrong = ("review/trust/verdicts.py", "config/revue.yaml", "docs/verdict.me")
    for path in wrong:
        row = f"| a thing | a line in `{path}` and `docs/verdict.md` |\n\n## Raw"
        assert nowhere(page.replace("\n## Raw", row, 1)) == [path]
    assert nowhere(page.replace("> docs/checks.md`", "> docs/check.md`")) == ["docs/check.md"]


def test_contributing_names_modules_that_can_be_run() -> None:
    """Every `python -m` of it is a module."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    modules = re.findall(r"python -m (trialpool[\w.]*)", page)
    assert len(modules) >= 4
    assert [name for name in modules if find_spec(name) is None] == []


def test_the_architecture_names_what_is_there() -> None:
    """Every dotted name of docs/architecture.md is a module, or a function or class in one."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`(trialpool\.[\w.]+)`", page))
    assert len(names) > 20
    for name in names:
        assert locate(name) is not None, name


def test_the_architecture_draws_the_rooms_in_their_order() -> None:
    """The drawing lists every room of the second wing once, in the order of the data."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawing = page.partition("```")[2].partition("imports, never")[0]
    rooms = [room for room in re.findall(r"^ \|   (\w+)", drawing, re.M) if room in ROOMS]
    assert rooms == list(ROOMS)
