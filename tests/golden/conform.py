"""Hold trialpool against a folder of reference numbers.

    python tests/golden/conform.py ../shared/reference

Prints per quantity how many numbers were compared, the worst relative error, where it is, and how
many are over tolerance; then what differs by definition, by name what the library does not have
yet, and what a comparer could not read. Exits 1 if anything is over tolerance, 3 if something could
not be read and all else agrees.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from conformity import document  # noqa: E402
from conformity.report import text, verdict  # noqa: E402
from conformity.run import check_folder  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and tell by the exit code whether all agree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="reference files, *.json")
    parser.add_argument("--brief", action="store_true", help="print the verdict only")
    parser.add_argument(
        "--write-docs", type=Path, metavar="PAGE", help="write the page of results as well"
    )
    given = parser.parse_args(arguments)
    if not any(given.folder.glob("*.json")):
        print(f"{given.folder}: no reference files (*.json) there", file=sys.stderr)
        return 2
    ledger = check_folder(given.folder)
    print(verdict(ledger) if given.brief else text(ledger))
    if given.write_docs:
        document.write(given.write_docs, ledger, given.folder)
    return 1 if ledger.over else 3 if ledger.unread else 0


if __name__ == "__main__":
    raise SystemExit(main())
