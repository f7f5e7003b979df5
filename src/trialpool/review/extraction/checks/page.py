"""The page of all checks: python -m trialpool.review.extraction.checks.page > docs/checks.md."""

from __future__ import annotations

from trialpool.review.extraction.checks import CHECKS
from trialpool.review.extraction.checks.registry import Check
from trialpool.review.extraction.forms import FORMS
from trialpool.review.extraction.kinds import BESIDE

_INTRO = """\
# Checks on the raw data

`trialpool check` applies these to `config/review.yaml` and `data/raw/`; a run applies them before
it writes anything. This page is generated from the checks (`python -m
trialpool.review.extraction.checks.page > docs/checks.md`); a test holds the two in step.

- An **error** is impossible. It stops the run; no result is written. In a row with an
  `exclude_reason` an impossible number may stay on record.
- A **warning** is improbable. The number is used, and the warning travels with it to
  `flags.csv`, the figures and the page. A row with an `exclude_reason` is not warned about.
- A warning about a row of `results.csv` or `contrasts.csv` is set aside by naming the check in the
  row's column `checked` (several separated by `;`), with the reason in `notes`.
- It says the rule of a kind of problem once, with the places below. `--select CODE[,CODE]` takes
  some kinds only, `--statistics` counts them; a code is the name in the tables below, and stays.
- It ends with 0 when the review is usable, 1 when not; `--strict` makes warnings count, `--json`
  prints one JSON object.
"""


def checks_page() -> str:
    """The text of docs/checks.md."""
    errors, warnings = (
        [c for c in CHECKS.values() if c.severity == s] for s in ("error", "warning")
    )
    head = "| name | severity | rule | fix |\n|---|---|---|---|\n"
    warned = "| name | severity | rule | fix | on the page |\n|---|---|---|---|---|\n"
    parts = [
        _INTRO,
        "## Warnings\n\n" + warned + "".join(map(_line, warnings)),
        "## Errors of content\n\n" + head + "".join(map(_line, errors)),
        "## Errors of form\n\nWhile a table cannot be read, only these are told.\n\n"
        "| name | rule |\n|---|---|\n"
        + "".join(f"| `{name}` | {_escaped(rule)} |\n" for name, rule in FORMS.items()),
        "## Beside the tables\n\nTold by `trialpool check`, of the protocol and what it makes of "
        "the tables.\n\n| name | rule |\n|---|---|\n"
        + "".join(f"| `{name}` | {_escaped(rule)} |\n" for name, rule in BESIDE.items()),
    ]
    return "\n".join(parts)


def _line(check: Check) -> str:
    cells = [f"`{check.name}`", check.severity, _escaped(check.rule), f"{_escaped(check.fix)}."]
    if check.flag:
        cells.append(_escaped(check.flag))
    return f"| {' | '.join(cells)} |\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(checks_page(), end="")
