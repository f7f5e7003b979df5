"""What a reader sees where a repository shows Markdown and no pages: the answers and the plots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trialpool.review.report.answers import Answer
from trialpool.review.report.glance import GlanceRow
from trialpool.review.report.rendering import unturned
from trialpool.review.report.sections import Section

# Letters that would be read as marks; `<` and `&` as HTML.
_MARKS = re.compile(r"([\\`*_\[\]|~]|^[#>+-])")
_HEADINGS = ("Outcome", "Effect (95 %)", "In people, or in points", "Trials, people", "Certainty",
             "Missing")  # fmt: skip


def review_readme(review: Mapping[str, Any], answers: Sequence[Answer]) -> str:
    """`results/README.md`: the answer for each condition, and every outcome."""
    lines = [f"# {escaped(review['title'])}", escaped(review["question"]), *_notice(review)]
    for answer in answers:
        lines += [
            f"## [{escaped(answer.title)}]({answer.name}/README.md)",
            escaped(answer.plain),
            _certainty(answer.main),
            "\n".join(_table(answer.rows, f"{answer.name}/README.md")),
        ]
    lines += [
        "## Pages and tables",
        "After a download, `index.html` shows all of this with the trials, their sources and how "
        "sure each result is. Tables: [summary](summary.csv), [claims](claims.csv), "
        "[trials](characteristics.csv), [flow](prisma_flow.csv), "
        "[checklists](prisma_checklist.csv).",
    ]
    return _joined(lines)


def condition_readme(review: Mapping[str, Any], answer: Answer, sections: Iterable[Section]) -> str:
    """`results/{condition}/README.md`: each result with its verdict and its forest plot."""
    lines = [
        f"# {escaped(answer.title)}",
        escaped(answer.plain),
        *_notice(review),
        "\n".join(_table(answer.rows, "")),
    ]
    for section in sections:
        lines += [
            f'<a id="{section.name}"></a>',
            f"## {escaped(section.title)}",
            escaped(section.answer),
            f"{_certainty(section)} {escaped(section.statement)}".strip(),
            f"**Verdict.** {escaped(section.verdict)}",
            f"![{escaped(section.forest.caption)}]({section.name}/forest.svg)",
            f"Tables: [trials]({section.name}/studies.csv), "
            f"[missing]({section.name}/missing.csv), "
            f"[other choices]({section.name}/sensitivity.csv), "
            f"[sources of each number]({section.name}/trace.csv).",
        ]
    return _joined(lines)


def escaped(text: str) -> str:
    """Text as Markdown shows it: no mark, no tag, one line."""
    words = " ".join(unturned(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKS.sub(r"\\\1", words)


def _notice(review: Mapping[str, Any]) -> Iterator[str]:
    built = "; ".join(review["built_from"])
    yield f"> {escaped(review['notice'])} Built from: {escaped(built)}."
    yield f"Version {escaped(review['version'])}, data until {escaped(review['data_until'])}."


def _certainty(of: GlanceRow | Section) -> str:
    return f"{of.symbols} **{of.certainty} certainty**." if of.symbols else "Certainty not rated."


def _table(rows: Iterable[GlanceRow], page: str) -> Iterator[str]:
    yield f"| {' | '.join(_HEADINGS)} |"
    yield f"|{'---|' * len(_HEADINGS)}"
    for row in rows:
        cells = (
            f"[{escaped(row.title)}]({page}#{row.name})",
            escaped(row.effect) or "–",
            escaped(row.absolute) or "–",
            escaped(row.basis),
            f"{row.symbols} {row.certainty}" if row.symbols else "–",
            escaped(row.missing) or "–",
        )
        yield f"| {' | '.join(cells)} |"


def _joined(lines: Iterable[str]) -> str:
    return "\n\n".join(filter(None, lines)) + "\n"
