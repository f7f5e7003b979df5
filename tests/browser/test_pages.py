"""The published pages in a real browser: nothing clipped, nothing fetched, nothing broken.

They are opened from disk as a reader would open them after a download.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

RESULTS = Path(__file__).resolve().parents[2] / "results"
PAGES = sorted([*RESULTS.glob("index.html"), *RESULTS.glob("*/index.html")])
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


@pytest.mark.parametrize("width", [1280, 390])
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
    assert images or opened.path.parent == RESULTS


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


def test_text_has_contrast(opened: Opened) -> None:
    """WCAG 2.2 level AA: 4.5 to 1 for every colour of text on the ground it stands on."""
    low = opened.page.evaluate(
        """() => {
        const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
          .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
          return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
        const ground = e => { for (; e; e = e.parentElement) {
          const c = getComputedStyle(e).backgroundColor;
          if (c !== 'rgba(0, 0, 0, 0)' && c !== 'transparent') return c; }
          return 'rgb(255, 255, 255)'; };
        const found = new Set();
        for (const e of document.querySelectorAll('p, a, li, td, th, h1, h2, h3, h4, span, dt, dd'))
          if (!e.getAttribute('aria-hidden') && e.textContent.trim()) {
            const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) found.add(e.tagName + ' ' + e.className + ' ' + ratio.toFixed(2)); }
        return [...found]; }"""
    )
    assert low == []


def test_printing_opens_what_is_folded(opened: Opened) -> None:
    """On paper nothing is folded and nothing runs off the sheet."""
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false })")
    opened.page.emulate_media(media="print")
    # A4 less the margins of the print style, in CSS pixels.
    opened.page.set_viewport_size({"width": 695, "height": 1000})
    hidden = opened.page.eval_on_selector_all(
        "details > *:not(summary)",
        "all => all.filter(e => !e.checkVisibility()).length",
    )
    wide = opened.page.eval_on_selector_all(
        "table, img", "all => all.filter(e => e.getBoundingClientRect().right > 696).length"
    )
    printed = opened.page.pdf(prefer_css_page_size=True)
    assert (hidden, wide) == (0, 0)
    assert printed.startswith(b"%PDF")
    assert len(printed) > 10_000
