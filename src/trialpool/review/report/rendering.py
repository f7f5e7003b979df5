"""Templates to HTML: every text escaped, numbers kept with their signs, no letter turned around."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from trialpool import words as w
from trialpool.figures import style
from trialpool.review.report import row_plot, templates

# It begins with the space, so that a search jumps from one to the next.
_TOGETHER = re.compile(r" (?:(?<=\b[knp] )[=<] (?=\d)|(?<=\d )(?=%)|(?<=% )(?=Cr?I\b))")

# Marks that turn the direction of all text that follows them: a name with one would turn the page.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])


def render(template: str, **view: Any) -> str:
    """A page from its template and what it shows."""
    return _environment().get_template(template).render(view)


def write_page(path: str | Path, page: str) -> None:
    """Write a page with the same bytes on every system."""
    Path(path).write_text(page, encoding="utf-8", newline="\n")


def unbroken(shown: Any) -> Any:
    """Text with `n = 90` and `95 % CI` kept on one line, and without marks that turn text."""
    if not isinstance(shown, str) or isinstance(shown, Markup):
        return shown
    return _TOGETHER.sub(lambda match: match.group().replace(" ", "\u00a0"), unturned(shown))


def unturned(words: str) -> str:
    """Text without marks that turn the direction of what follows."""
    return words if words.isascii() else words.translate(_TURNING)


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates.FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=unbroken,
    )
    script = (Path(templates.FOLDER) / "sort.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals |= {
        "style": style,
        "sentence": w.sentence,
        "plot_width": row_plot.WIDTH,
        "plot_height": row_plot.HEIGHT,
        "script": Markup(script),
        "script_digest": digest,
    }
    return environment
