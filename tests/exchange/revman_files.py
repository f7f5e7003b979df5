"""Files in the shapes of RevMan, made here: what a test says, in the words of each format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# Aspirin after myocardial infarction, and mental health treatment (length of stay): Fleiss 1993,
# Stat Methods Med Res 2:121, tables 1 and 4.
ASPIRIN = (("MRC-1", 49, 615, 67, 624), ("CDP", 44, 758, 64, 771), ("MRC-2", 102, 832, 126, 850),
           ("GASP", 32, 317, 38, 309), ("PARIS", 85, 810, 52, 406), ("AMIS", 246, 2267, 219, 2257),
           ("ISIS-2", 1570, 8587, 1720, 8600))  # fmt: skip
STAY = (("Davis", 5.0, 4.7, 13, 6.5, 3.8, 13), ("Florell", 4.9, 1.71, 30, 6.1, 2.3, 50),
        ("Gruen", 22.5, 3.44, 35, 24.9, 10.65, 35), ("Hart", 12.5, 1.47, 20, 12.3, 1.66, 20),
        ("Wilson", 6.5, 0.76, 8, 7.38, 1.41, 8))  # fmt: skip
# What RevMan 5.0 stores of them; R package meta 8.3, extdata/Fleiss1993.rm5.
ASPIRIN_STORED = {
    "EFFECT_SIZE": "0.8968655609130709", "CI_START": "0.8405144008917793",
    "CI_END": "0.9569947088336491", "CHI2": "9.946055983220074", "I2": "39.67458045558399",
    "TAU2": "0.0", "P_Z": "0.0010103343130005407",
}  # fmt: skip
STAY_STORED = {
    "EFFECT_SIZE": "-0.70938839", "CI_START": "-1.25848502", "CI_END": "-0.16029176",
    "CHI2": "5.66012379", "I2": "29.33016758", "TAU2": "0", "P_Z": "0.01133769",
}  # fmt: skip

Attributes = Mapping[str, object]


def element(tag: str, attributes: Attributes, *inside: str) -> str:
    words = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<{tag}{words}>{''.join(inside)}</{tag}>"


def name(text: str) -> str:
    return f"<NAME>{text}</NAME>"


def labels(drug: str = "Drug", control: str = "Placebo", favours: Sequence[str] = ()) -> str:
    groups = f"<GROUP_LABEL_1>{drug}</GROUP_LABEL_1><GROUP_LABEL_2>{control}</GROUP_LABEL_2>"
    sides = "".join(
        f"<GRAPH_LABEL_{i}>Favours {side}</GRAPH_LABEL_{i}>" for i, side in enumerate(favours, 1)
    )
    return groups + sides


def counts(study: str, *cells: object) -> str:
    names = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    # RevMan 5 writes O_E = 0 and the variance of the effect on every line of counts.
    more = {"O_E": "0.0", "VAR": "0.04", "ESTIMABLE": "YES"}
    cell = dict(zip(names, cells, strict=True))
    return element("DICH_DATA", {"STUDY_ID": f"STD-{study}", **cell, **more})


def means(study: str, *cells: object) -> str:
    names = ("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2")
    return element("CONT_DATA", {"STUDY_ID": f"STD-{study}"} | dict(zip(names, cells, strict=True)))


def generic(study: str, estimate: float, se: float) -> str:
    return element("IV_DATA", {"STUDY_ID": f"STD-{study}", "ESTIMATE": estimate, "SE": se})


def logrank(study: str, shift: float, variance: float) -> str:
    about = {"EVENTS_1": 9, "TOTAL_1": 40, "EVENTS_2": 12, "TOTAL_2": 41}
    return element("IPD_DATA", {"STUDY_ID": f"STD-{study}", "O_E": shift, "VAR": variance, **about})


def rm5(studies: Iterable[str], *comparisons: str) -> str:
    included = "".join(
        element("STUDY", {"ID": f"STD-{s}", "NAME": s, "YEAR": 2001 + i})
        for i, s in enumerate(dict.fromkeys(studies))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><COCHRANE_REVIEW DOI=""><STUDIES_AND_REFERENCES>'
        f"<STUDIES><INCLUDED_STUDIES>{included}</INCLUDED_STUDIES></STUDIES>"
        f"</STUDIES_AND_REFERENCES><ANALYSES_AND_DATA>{''.join(comparisons)}</ANALYSES_AND_DATA>"
        "</COCHRANE_REVIEW>"
    )


def comparison(number: int, title: str, *outcomes: str) -> str:
    return element("COMPARISON", {"ID": f"CMP-00{number}", "NO": number}, name(title), *outcomes)


def package(tables: Mapping[str, Sequence[Sequence[object]]], *, inner: bool) -> bytes:
    """A data package; `inner`: as RevMan Web gives it, within the zip file of the whole review."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for table, rows in tables.items():
            text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)
            archive.writestr(f"1-analysis-data/1-{table}.csv", text)
    if not inner:
        return data.getvalue()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("Review/1-article.pdf", "%PDF")
        archive.writestr("Review/1-files/1-data.zip", data.getvalue())
    return whole.getvalue()


def export(mark: str, lines: Sequence[Sequence[object]], columns: Sequence[str]) -> bytes:
    """RevMan 5's CSV; with semicolons numbers have decimal commas."""

    def cell(value: object) -> str:
        text = f"{value}"
        return text.replace(".", ",") if mark == ";" and isinstance(value, float) else text

    rows = [mark.join(columns), *(mark.join(cell(value) for value in line) for line in lines)]
    return ("\ufeff" + "\n".join(rows) + "\n").encode()


def write(folder: Path, file: str, content: str | bytes) -> Path:
    path = folder / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
