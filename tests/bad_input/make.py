"""Write the broken tables from the lists of cases: python tests/bad_input/make.py

The files are committed, and so is what is said of each (expected.csv, where every sentence has
been read): a change here that changes a message must change both.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from cases_content import CONTENT, SEVERAL  # noqa: E402
from cases_form import FOLDERS, FORM  # noqa: E402
from cases_warnings import WARNINGS, WARNINGS_SEVERAL  # noqa: E402
from mutations import Change, good  # noqa: E402

Cases = Mapping[str, Mapping[str, Change]]


def main() -> None:
    """Write all files anew; old ones go."""
    for folder in [*HERE.iterdir(), *(HERE / "warnings").iterdir()]:
        if folder.is_dir() and folder.name not in ("warnings", "__pycache__"):
            shutil.rmtree(folder)
    for cases in (FORM, CONTENT):
        write(HERE, cases)
    write(HERE / "warnings", WARNINGS)
    for target, several in ((HERE, SEVERAL), (HERE / "warnings", WARNINGS_SEVERAL)):
        for name, tables in several.items():
            for table, change in tables.items():
                save(target / "several" / name / f"{table}.csv", change(good(table)))
    for table, name in FOLDERS:
        save(HERE / table / f"{name}.csv" / "kept.txt", b"A folder in place of a table.\n")


def write(target: Path, cases: Cases) -> None:
    """One file per case: TABLE/CASE.csv."""
    for table, named in cases.items():
        for name, change in named.items():
            content = change(good(table))
            assert content != good(table), name
            save(target / table / f"{name}.csv", content)


def save(path: Path, content: bytes) -> None:
    """Write a file, with the folders above it."""
    assert not path.exists(), path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    main()
