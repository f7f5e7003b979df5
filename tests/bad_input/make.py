"""Write the broken tables from the lists of cases: python tests/bad_input/make.py

The files are committed, and so is what is said of each (expected.csv, where every sentence has
been read): a change here that changes a message must be read there.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from cases_content import CONTENT, SEVERAL  # noqa: E402
from cases_form import FOLDERS, FORM  # noqa: E402
from cases_warnings import WARNINGS, WARNINGS_SEVERAL  # noqa: E402
from mutations import good  # noqa: E402


def broken() -> Iterator[tuple[Path, bytes]]:
    """Every file with what stands in it: TABLE/CASE.csv, or several/CASE/TABLE.csv."""
    for folder, lists, several in (
        (HERE, (FORM, CONTENT), SEVERAL),
        (HERE / "warnings", (WARNINGS,), WARNINGS_SEVERAL),
    ):
        for cases in lists:
            for table, named in cases.items():
                for name, change in named.items():
                    yield folder / table / f"{name}.csv", change(good(table))
        for name, tables in several.items():
            for table, change in tables.items():
                yield folder / "several" / name / f"{table}.csv", change(good(table))
    for table, name in FOLDERS:
        yield HERE / table / f"{name}.csv" / "kept.txt", b"A folder in place of a table.\n"


def main() -> None:
    """Write all files anew; old ones go."""
    for folder in [*HERE.iterdir(), *(HERE / "warnings").iterdir()]:
        if folder.is_dir() and folder.name not in ("warnings", "__pycache__"):
            shutil.rmtree(folder)
    for path, content in broken():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
