"""The zip file of a RevMan Web review, read in memory: which tables are in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from trialpool.review.exchange import revman_csv
from trialpool.review.exchange.draft import MAX_BYTES, MalformedFileError, read_bytes

_MAX_DEPTH = 2  # zip files within the zip file


def members(path: Path, kinds: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The tables by kind, and what else is in the package by its name: (name, text).

    The download of a review holds the data package as a zip file within it. Nothing is unpacked to
    disk.

    Parameters
    ----------
    kinds : how the names of the tables end

    Raises
    ------
    MalformedFileError
        if it is no zip file, unpacks to more than MAX_BYTES, or has two tables of a kind
    """
    files: dict[str, tuple[str, str]] = {}
    left = MAX_BYTES
    content = read_bytes(path)
    packages = [("", content, 0)]
    name = ""
    try:
        while packages:
            inside, packed, depth = packages.pop()
            with zipfile.ZipFile(io.BytesIO(packed)) as package:
                for info in package.infolist():
                    name = f"{inside}{info.filename}"
                    ends = [kind for kind in kinds if name.lower().endswith(kind)]
                    inner = name.lower().endswith(".zip") and depth < _MAX_DEPTH
                    if info.is_dir():
                        continue
                    if not ends and not inner:
                        files[name] = (name, "")
                        continue
                    with package.open(info) as stream:
                        data = stream.read(left + 1)
                    left -= len(data)
                    if left < 0:
                        rule = f"unpacks to more than {MAX_BYTES:,} bytes"
                        raise MalformedFileError(path, "", rule)
                    if inner:
                        packages.append((f"{name}/", data, depth + 1))
                        continue
                    if ends[0] in files:
                        rule = f"two files end in `{ends[0]}`"
                        raise MalformedFileError(path, name, rule, "Import one review at a time")
                    files[ends[0]] = (name, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise MalformedFileError(path, name, "not UTF-8 text") from None
    except MalformedFileError:
        raise
    except Exception as error:  # whatever a damaged archive can make its reader raise
        rule = f"not readable as a zip file ({error})"
        fix = "Choose the data package as downloaded"
        if content.lstrip().startswith(b"<?xml") or revman_csv.is_export(content):
            fix = "A review file of RevMan 5, or its CSV, is read by `trialpool import revman5`"
        raise MalformedFileError(path, name, rule, fix) from None
    return files
