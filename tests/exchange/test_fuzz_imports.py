"""Spoiled files of every format: one clear sentence, or every effect accounted for.

The committed test tries a few hundred; as many as are asked for:
`PYTHONPATH=tests:tests/exchange python tests/exchange/test_fuzz_imports.py 2000`.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import revman_files as made
from exchange_tables import DATA
from test_metapsy_layouts import NEW_HEAD, NEW_ROWS, OLD_HEAD, OLD_ROWS
from test_revman_whole import CSV_COLUMNS, csv_lines, fleiss
from test_table import COUNTS, EFFECTS, TWO_ARMS

from trialpool.results import TrialpoolError
from trialpool.review.exchange.formats import FORMATS, ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.starter import outcomes_of, starter
from trialpool.review.exchange.verify_import import verify

ODD = (b"", b"0", b"-1", b"NaN", b"inf", b"1e999", b"999999999999999999999", b"x", b"\x00", b"\xff",
       b'"', b",", b";", b"\n", b"<", b">", b"&x;", b"1,5", b"n.r.", b"{", b"]", b"\xe2\x80\x8b",
       b"true", b"null", b"1/0", b"(", b"%", b"A" * 300)  # fmt: skip


def package() -> bytes:
    files = {
        path.relative_to(DATA / "package").as_posix(): path.read_bytes()
        for path in sorted((DATA / "package").rglob("*.csv"))
    }
    return zipped(files)


def seeds() -> list[tuple[str, str, bytes]]:
    """Format, name of the file, and a file that can be read."""
    old, new = ("\n".join((head, *lines)) for head, lines in
                ((OLD_HEAD, OLD_ROWS), (NEW_HEAD, NEW_ROWS)))  # fmt: skip
    return [
        ("revman5", "a.rm5", (DATA / "made_up.rm5").read_bytes()),
        ("revman5", "b.rm5", fleiss(made.ASPIRIN_STORED, made.STAY_STORED).encode()),
        ("revman5", "c.csv", made.export(",", csv_lines(), CSV_COLUMNS)),
        ("revman-web", "d.zip", package()),
        ("clinicaltrials", "e.json", (DATA / "made_up_nct.json").read_bytes()),
        ("metapsy", "f.csv", old.encode()),
        ("metapsy", "g.csv", new.encode()),
        ("table", "h.csv", TWO_ARMS.encode()),
        ("table", "i.csv", COUNTS.encode()),
        ("table", "j.csv", EFFECTS.encode()),
    ]


def spoiled(content: bytes, rng: random.Random) -> bytes:
    """A file with one to three places changed: bytes, cells, lines."""
    for _ in range(rng.randint(1, 3)):
        if not content:
            return content
        at, end = rng.randrange(len(content)), min(len(content), rng.randrange(1, 60))
        kind = rng.randrange(7)
        if kind == 0:
            content = content[:at] + rng.choice(ODD) + content[at + rng.randrange(4) :]
        elif kind == 1:
            content = content[:at]
        elif kind == 2:
            content = content[:at] + content[at + end :]
        elif kind == 3:
            content = content[:at] + content[at : at + end] + content[at:]
        elif kind == 4:
            lines = content.split(b"\n")
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            content = b"\n".join(lines)
        elif kind == 5:
            lines = content.split(b"\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            content = b"\n".join(lines)
        else:
            digits = [i for i, byte in enumerate(content) if 48 <= byte <= 57]
            if digits:
                at = rng.choice(digits)
                content = content[:at] + rng.choice(ODD) + content[at + 1 :]
    return content


def spoiled_inside(content: bytes, rng: random.Random) -> bytes:
    """A zip file that is whole, with one of its files spoiled."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    chosen = rng.choice(sorted(files))
    files[chosen] = spoiled(files[chosen], rng)
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def one(form: str, name: str, content: bytes, folder: Path) -> str:
    """Import a file: `read`, or `refused` with a sentence. Any other error goes up."""
    path = folder / name
    path.write_bytes(content)
    try:
        imported = FORMATS[form].read(path, ImportOptions(condition="made"))
    except TrialpoolError as error:
        return "refused" if str(error).strip() else "refused without a word"
    accounted(imported)
    starter(imported, "made", "a file", {})
    outcomes_of(imported)
    verify(imported)
    return "read"


def accounted(imported: Imported) -> None:
    """What the source holds is taken or listed as lost."""
    assert 0 <= imported.effects_taken <= imported.effects_in
    lost = sum(entry.effect for entry in imported.left)
    assert imported.effects_in - imported.effects_taken <= lost


def tried(count: int, seed: int = 15) -> Counter[tuple[str, str]]:
    rng, out = random.Random(seed), Counter[tuple[str, str]]()
    whole = seeds()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(count):
            form, name, content = whole[i % len(whole)]
            made_of = spoiled(content, rng)
            if name.endswith(".zip") and rng.random() < 0.8:
                made_of = spoiled_inside(content, rng)
            try:
                out[form, one(form, name, made_of, Path(folder))] += 1
            except Exception:
                print(f"{form}, file {i}, seed {seed}: {made_of[:200]!r}", file=sys.stderr)
                raise
    return out


@pytest.mark.parametrize("number", range(len(seeds())))
def test_a_whole_file_is_read(number: int, tmp_path: Path) -> None:
    form, name, content = seeds()[number]
    assert one(form, name, content, tmp_path) == "read"


def test_spoiled_files_end_in_a_sentence_or_an_account() -> None:
    counts = tried(200)
    assert sum(counts.values()) == 200
    assert {outcome for _, outcome in counts} == {"read", "refused"}


if __name__ == "__main__":
    run: Callable[[int], Counter[tuple[str, str]]] = tried
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
