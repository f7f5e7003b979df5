"""Documents that describe code are held in step with it."""

from __future__ import annotations

import re
from pydoc import locate

import pytest
from pydantic import BaseModel
from small import ROOT
from test_house import ROOMS

from trialpool.review.extraction.codebook import code_book
from trialpool.review.protocol import (
    added_columns,
    network_spec,
    protocol,
    settings,
    specs,
    time_dose_spec,
)
from trialpool.review.protocol.settings import Spec


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
    homes = (protocol, specs, settings, network_spec, time_dose_spec, added_columns)
    assert spec.__module__ in [home.__name__ for home in homes]


def test_links_of_the_documents_lead_somewhere() -> None:
    """Relative links in Markdown point to files that exist."""
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/raw/*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://", "mailto:")):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


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
