"""The published pages in a real browser: nothing clipped, nothing fetched, nothing broken.

They are opened from disk as a reader would open them after a download.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

RESULTS = Path(__file__).resolve().parents[2] / "results"
# Each template at its fullest: the rest are made by the same ones.
PAGES = [
    path
    for name in (
        *("index.html", "methods.html", "claims.html"),
        *("ptsd/index.html", "safety/index.html", "safety/tables.html"),
        *("ptsd/symptoms_1_2_weeks/index.html", "safety/dropout_any/index.html"),
        *("trials/index.html", "trials/Feder2014.html"),
    )
    if (path := RESULTS / name).is_file()
]
WIDTHS = (1440, 768, 390)
# What a page may weigh (docs/pages.md).
MOST_BYTES, MOST_NODES = 400_000, 5_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Figures as PNG and PDF are made by `make results` but not kept in git.
UNTRACKED = (".png", ".pdf")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.skipif(not PAGES, reason="results/ holds no page; run `make results`"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
NAMES = [path.relative_to(RESULTS).as_posix() for path in PAGES]


class Opened:
    """A page open in the browser, and what it asked for and complained about."""

    def __init__(self, browser: Browser, path: Path, width: int) -> None:
        self.path = path
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.goto(path.as_uri(), wait_until="load")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Opened]:
    """Each page in turn, open on a desk."""
    held = Opened(browser, request.param, 1280)
    yield held
    held.page.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_its_window(opened: Opened, width: int) -> None:
    """Only figures and wide tables scroll sideways, each in its own frame; nothing is fetched."""
    opened.page.set_viewport_size({"width": width, "height": 900})
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    # Folded parts must fit as well.
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert not [url for url in opened.requests if urlsplit(url).scheme not in ("file", "data")]
    assert opened.complaints == []


def test_every_link_within_the_results_leads_somewhere(opened: Opened) -> None:
    """A file exists on disk, and a place on a page has its id there, exactly once."""
    hrefs = opened.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    doubled = opened.page.evaluate(
        "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, a) => "
        "a.indexOf(id) !== i)"
    )
    broken = []
    for href in sorted({str(href) for href in hrefs}):
        address, place = urldefrag(href)
        if urlsplit(address).scheme != "file":
            assert urlsplit(address).scheme in ("https", "http"), href
            continue
        target = Path(unquote(urlsplit(address).path))
        if not target.is_file():
            broken += [] if target.suffix in UNTRACKED else [href]
        elif place and f'id="{unquote(place)}"' not in target.read_text(encoding="utf-8"):
            broken.append(href)
    assert broken == []
    assert doubled == []


def test_images_are_loaded_and_described(opened: Opened) -> None:
    """Every image has a size of its own, a place kept for it, and words that replace it."""
    opened.page.set_viewport_size({"width": 1280, "height": 900})
    # Charts in folded parts are read when somebody opens them.
    opened.page.evaluate(
        "Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode() }))"
    )
    images = opened.page.eval_on_selector_all(
        "img",
        "all => all.map(i => ({loaded: i.complete && i.naturalWidth > 0 && i.naturalHeight > 0,"
        " kept: Math.abs(i.width / i.height - i.naturalWidth / i.naturalHeight) < 0.02,"
        " alt: i.alt}))",
    )
    assert all(image["loaded"] and image["kept"] for image in images)
    assert all(len(image["alt"]) > 30 for image in images)


def test_structure_for_those_who_do_not_see_it(opened: Opened) -> None:
    """One h1, no heading level skipped, headers with a scope, a language, a main part."""
    levels = opened.page.eval_on_selector_all(
        "h1, h2, h3, h4, h5, h6", "all => all.map(h => Number(h.tagName[1]))"
    )
    bare = opened.page.eval_on_selector_all("th:not([scope])", "all => all.length")
    uncaptioned = opened.page.eval_on_selector_all("table:not(:has(caption))", "all => all.length")
    language = opened.page.evaluate("document.documentElement.lang")
    mains = opened.page.eval_on_selector_all("main", "all => all.length")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert (bare, uncaptioned, language, mains) == (0, 0, "en", 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nobody_is_shut_out(opened: Opened, scheme: Any, width: int) -> None:
    """WCAG 2.2 AA as far as axe can tell, with all folds open."""
    opened.page.set_viewport_size({"width": width, "height": 900})
    opened.page.emulate_media(color_scheme=scheme)
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    told = axe.Axe().run(
        opened.page,
        options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    )
    wrong = [
        (each["id"], node["html"][:120])
        for each in told.response["violations"]
        for node in each["nodes"][:3]
    ]
    assert wrong == []


def test_a_page_is_light(opened: Opened) -> None:
    """Small enough for a telephone, in bytes and in elements."""
    assert opened.path.stat().st_size < MOST_BYTES
    assert opened.page.evaluate("document.querySelectorAll('*').length") < MOST_NODES


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_first_figure_stands_on_the_first_screen(
    browser: Browser, width: int, height: int
) -> None:
    """Of each page with an answer: the overview, conditions and results."""
    low = []
    pages = [p for p in PAGES if p.name == "index.html" and p.parent.name != "trials"]
    for path in pages:
        opened = Opened(browser, path, width)
        opened.page.set_viewport_size({"width": width, "height": height})
        ends = opened.page.evaluate(
            "[...document.querySelectorAll('.plot svg')].map(e => e.getBoundingClientRect())"
            ".filter(r => r.width > 0).map(r => r.bottom)"
        )
        if not ends or min(ends) > height:
            low.append((path.relative_to(RESULTS).as_posix(), ends[:1]))
        opened.page.close()
    assert low == []


def test_on_paper_what_is_folded_stays_folded(opened: Opened) -> None:
    """Nothing runs off the sheet; every sheet has its number; a reader opens what to print."""
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false })")
    opened.page.emulate_media(media="print")
    # A4 less the margins of the print style, in CSS pixels.
    opened.page.set_viewport_size({"width": 695, "height": 1000})
    shown = opened.page.eval_on_selector_all(
        "details > *:not(summary)", "all => all.filter(e => e.checkVisibility()).length"
    )
    wide = opened.page.eval_on_selector_all(
        "table, img", "all => all.filter(e => e.getBoundingClientRect().right > 696).length"
    )
    printed = opened.page.pdf(prefer_css_page_size=True)
    opened.page.emulate_media(media="screen")
    assert (shown, wide) == (0, 0)
    assert printed.startswith(b"%PDF")
    assert len(printed) > 10_000


def test_a_page_moved_alone_still_answers(browser: Browser, tmp_path: Path) -> None:
    """Its sentence, its forest plots and its tables are in it; no script is needed for that."""
    for name in ("index.html", "ptsd/index.html", "ptsd/symptoms_1_2_weeks/index.html"):
        alone = tmp_path / name.replace("/", "_")
        shutil.copy(RESULTS / name, alone)
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(alone.as_uri())
        assert page.locator("h1").is_visible()
        assert page.locator(".plot svg").first.is_visible()
        assert page.locator("table").first.is_visible()
        assert page.locator(".lead, .card p").first.inner_text().endswith(".")
        context.close()


def test_a_patient_finds_the_answer_on_one_screen(browser: Browser) -> None:
    """On a telephone, without scrolling: what is known of PTSD, how sure it is, what is missing."""
    opened = Opened(browser, RESULTS / "index.html", 390)
    opened.page.set_viewport_size({"width": 390, "height": 844})
    card = opened.page.locator(".card", has=opened.page.locator("#ptsd"))
    box = card.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 844
    said = card.inner_text()
    for part in ("In people with PTSD", "not shown", "gave no usable numbers", "certainty"):
        assert part in said
    opened.page.close()


def test_a_psychiatrist_finds_dose_harm_and_certainty(browser: Browser) -> None:
    """From the overview: harms in people of 100 with their certainty, and the question of dose."""
    opened = Opened(browser, RESULTS / "index.html", 768)
    row = opened.page.locator(".glance tr", has_text="Dissociation").first
    assert "of 100 people" in row.inner_text()
    assert "low" in row.locator(".certainty").inner_text()
    opened.page.goto((RESULTS / "ptsd/index.html").as_uri())
    opened.page.get_by_role("link", name="Which dose?").click()
    assert "mg/kg" in opened.page.locator("section", has_text="Which dose?").last.inner_text()
    opened.page.close()


def test_a_methodologist_goes_from_a_number_to_its_source(browser: Browser) -> None:
    """From the forest plot to the trial's numbers and their source, and to the other choices."""
    opened = Opened(browser, RESULTS / "ptsd/symptoms_1_2_weeks/index.html", 1440)
    page = opened.page
    page.locator(".forest a", has_text="Duek 2023").first.click()
    details = page.locator("#trial-Duek2023")
    assert details.is_visible()
    assert "results.csv:" in details.inner_text()
    assert details.locator("a[href^=http]").count() > 0
    page.locator("summary", has_text="Would another analysis say the same?").click()
    choices = page.locator("#same table").first
    assert choices.is_visible()
    assert choices.locator("td.plot svg").count() > 5
    details.get_by_role("link", name="Page of Duek 2023").click()
    assert page.locator("h1").inner_text() == "Duek 2023"
    page.close()


def test_a_forest_plot_can_be_sorted(browser: Browser) -> None:
    """By trial, effect and weight, each way; the pooled result stays where it is."""
    opened = Opened(browser, RESULTS / "ptsd/symptoms_1_2_weeks/index.html", 1440)
    head = opened.page.locator(".forest th[data-sort=e] button")
    head.click()
    cells = ".forest tbody.trials tr th"
    assert opened.page.locator(cells).all_inner_texts()[0].startswith("Feder 2021")
    head.click()
    assert opened.page.locator(cells).all_inner_texts()[0].startswith("Duek 2023")
    assert opened.complaints == []
    opened.page.close()
