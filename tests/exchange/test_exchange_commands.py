"""`trialpool import` and `trialpool export`: what they print, write, refuse and leave alone."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from metapsy_files import NO_SCORES, SOUND, make
from small import ROOT, SMALL, SmallReview

from trialpool.cli import main
from trialpool.review.exchange.formats import FORMATS, Export, ImportOptions
from trialpool.review.exchange.metapsy.columns import EXPORTED
from trialpool.review.exchange.metapsy.source import read_source
from trialpool.review.exchange.store import raw_cells
from trialpool.review.extraction.read import read_condition
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema.added import with_added
from trialpool.review.schema.raw import RAW_TABLES

RAW = ROOT / "data" / "raw"
CONFIG = ROOT / "config" / "review.yaml"
ADDED = read_protocol(CONFIG).added
SHIPPED = ("--config", str(CONFIG))
EFFECTS = ROOT / "data" / "processed" / "ptsd" / "effects.csv"
# Made up: an event and a change beside the sound row's scores.
ROWS = (
    {".g": "0.8571"},
    {**NO_SCORES, "outcome_type": "response", "event_arm1": "10", "totaln_arm1": "20",
     "event_arm2": "2", "totaln_arm2": "20", ".g": "1.187"},
    {**NO_SCORES, "outcome_type": "change", "mean_change_arm1": "-5", "sd_change_arm1": "3",
     "n_change_arm1": "20", "mean_change_arm2": "-1", "sd_change_arm2": "3",
     "n_change_arm2": "20", ".g": "NA"},
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a Metapsy file."""
    make(tmp_path / "made.csv", *ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes()
            for p in folder.rglob("*") if p.is_file()}  # fmt: skip


def test_an_import_is_a_review_that_can_be_checked(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command writes raw tables and a protocol; `trialpool check` is content with both."""
    assert main(["import", "metapsy", "made.csv", "--condition", "mood",
                 "--report", "report.json"]) == 0  # fmt: skip
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "data/raw/mood: 1 instruments, 1 trials, 2 arms, 6 results"
    assert "  - `.g` is arm 2 minus arm 1 in 1 of 1 rows with means" in said
    assert said[-1] == "3 of 3 effects taken"
    assert said[-2] == (
        "config/review.yaml: a protocol to start from; reword it before you publish"
    )
    report = json.loads((place / "report.json").read_text("utf-8"))
    assert report["tables"]["results"] == 6
    assert {"where", "what", "value", "why", "effect"} == set(report["left"][0])
    review = read_protocol(place / "config" / "review.yaml")
    assert review.pairs() == [("mood", n) for n in ("symptoms", "symptoms_change", "response")]
    assert review.defaults.smd.variance == "Metapsy"
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "1 condition, 3 analyses: usable, 0 warnings\n"


def test_a_second_condition_joins_the_first(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instruments of both are kept, the protocol is left alone, and what it lacks is named."""
    main(["import", "metapsy", "made.csv", "--condition", "mood"])
    config = (place / "config" / "review.yaml").read_bytes()
    make(place / "other.csv", {"instrument": "HAMD"}, {})
    capsys.readouterr()
    assert main(["import", "metapsy", "other.csv", "--condition", "low_mood"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2] == "config/review.yaml: was left as it is; declare there: condition low_mood"
    rows = raw_cells(place / "data" / "raw", "low_mood")["instruments"]
    assert [row["instrument"] for row in rows] == ["BDI", "HAMD"]
    assert (place / "config" / "review.yaml").read_bytes() == config
    assert main(["check"]) == 0


def test_a_condition_that_is_there_is_not_written_over(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless --force is given."""
    main(["import", "metapsy", "made.csv", "--condition", "mood"])
    before = files(place)
    make(place / "made.csv", {"study": "Roe, 2021"})
    before["made.csv"] = (place / "made.csv").read_bytes()
    capsys.readouterr()
    assert main(["import", "metapsy", "made.csv", "--condition", "mood"]) == 1
    assert capsys.readouterr().err == (
        "data/raw/mood: is there already; nothing was written. Choose another condition, or write "
        "over it with --force\n"
    )
    assert files(place) == before
    assert main(["import", "metapsy", "made.csv", "--condition", "mood", "--force"]) == 0
    assert "Roe_2021" in (place / "data/raw/mood/trials.csv").read_text("utf-8")
    assert "declares the condition" in capsys.readouterr().out
    assert {p.name for p in (place / "data/raw").iterdir()} == {"mood", "instruments.csv"}


def test_a_move_that_fails_leaves_everything_as_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk at the last step: the old folder is put back."""
    main(["import", "metapsy", "made.csv", "--condition", "mood"])
    before = files(place)
    real = os.replace

    def failing(source: Path, target: Path) -> None:
        if target.name == "instruments.csv":
            raise OSError("no space left")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    assert main(["import", "metapsy", "made.csv", "--condition", "mood", "--force"]) == 1
    assert "no space left" in capsys.readouterr().err
    assert files(place) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["metapsy", "absent.csv", "--condition", "mood"], "absent.csv"),
        (["metapsy", "no.csv", "--condition", "mood"], "no.csv: no column study"),
        (["xlsx", "no.csv", "--condition", "mood"], "no.csv: not a workbook that can be read"),
        (["metapsy", "made.csv", "--condition", "../mood"], "condition ../mood: must be lower"),
        (["metapsy", "made.csv", "--condition", "mood", "--config", "no.csv"], "no.csv: must be"),
    ],
)
def test_what_cannot_be_imported_is_one_clear_error(
    arguments: list[str], words: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, no traceback, nothing written."""
    (place / "no.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    before = files(place)
    assert main(["import", *arguments]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert files(place) == before


def test_a_scale_that_measures_something_else_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two outcomes cannot share an instrument; the message says what to do."""
    main(["import", "metapsy", "made.csv", "--condition", "mood"])
    capsys.readouterr()
    before = files(place)
    assert main(["import", "metapsy", "made.csv", "--condition", "worry", "--outcome", "worry",
                 "--config", "config/other.yaml"]) == 1  # fmt: skip
    assert capsys.readouterr().err == (
        "nothing was written\ndata/raw/instruments.csv, instrument BDI, outcome = symptoms: the "
        "import has worry. Give the import another outcome, or rename the scale.\n"
    )
    assert files(place) == before


def test_the_protocol_that_is_there_judges_the_import(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An outcome it declares otherwise is an error at the rows that hold it."""
    review = SmallReview(place)
    config = review.folder / "config" / "review.yaml"
    text = config.read_text("utf-8").replace("harm: {title", "symptoms: {title", 1)
    config.write_text(text.replace("outcome: harm", "outcome: symptoms"), "utf-8")
    assert main(["import", "metapsy", "made.csv", "--condition", "red"]) == 1
    error = capsys.readouterr().err
    assert "made.csv, table results row 2, outcome_type = msd: does not fit outcome" in error
    assert not (place / "data/raw/red").exists()


def test_a_workbook_goes_out_and_comes_back(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped condition: a cell edited in the workbook is the only difference."""
    shutil.copytree(RAW, place / "raw")
    shutil.copy(ROOT / "config" / "review.yaml", place / "review.yaml")
    assert (
        main(
            [
                "export",
                "xlsx",
                "ptsd.xlsx",
                "--condition",
                "ptsd",
                "--raw",
                "raw",
                "--config",
                "review.yaml",
            ]
        )
        == 0
    )
    assert "ptsd.xlsx: 25 instruments, 10 trials" in capsys.readouterr().out
    before = files(place / "raw")
    arguments = ["import", "xlsx", "ptsd.xlsx", "--condition", "ptsd", "--out", "raw",
                 "--config", "review.yaml"]  # fmt: skip
    assert main(arguments) == 1
    assert main([*arguments, "--force"]) == 0
    after = files(place / "raw")
    assert after.keys() == before.keys()
    for name in before:
        stored, again = (
            list(csv.DictReader(io.StringIO(text.decode()))) for text in (before[name], after[name])
        )
        # A workbook has every column; an optional one that the table lacked comes back blank.
        further = dict.fromkeys(set(again[0]) - set(stored[0]), "") if stored else {}
        if further:
            table = with_added(RAW_TABLES[Path(name).stem], ADDED)
            assert not [column for column in further if table[column].required]
        assert again == [row | further for row in stored], name


def test_an_export_writes_over_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless --force is given."""
    (place / "out.csv").write_text("mine", encoding="utf-8")
    arguments = ["export", "metapsy", "out.csv", "--condition", "ptsd", "--raw", str(RAW), *SHIPPED]
    assert main(arguments) == 1
    assert "out.csv: is there already" in capsys.readouterr().err
    assert (place / "out.csv").read_text(encoding="utf-8") == "mine"
    assert main([*arguments, "--force"]) == 0


def test_the_shipped_condition_in_the_metapsy_standard(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every comparison of effects.csv with an SMD or RR, and the arms' numbers as typed."""
    assert main(["export", "metapsy", "out.csv", "--condition", "ptsd", "--raw", str(RAW), *SHIPPED,
                 "--effects", str(EFFECTS), "--report", "report.json"]) == 0  # fmt: skip
    with EFFECTS.open(encoding="utf-8", newline="") as stream:
        effects = [e for e in csv.DictReader(stream) if not e["variant"] and e["yi"]]
    with (place / "out.csv").open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert list(written[0]) == list(EXPORTED)
    for measure, column in (("SMD", ".g"), ("RR", ".log_rr")):
        ours = sorted(float(e["yi"]) for e in effects if e["measure"] == measure)
        theirs = sorted(float(w[column]) for w in written if w[column] != "NA")
        assert theirs == ours
    means = {(w["mean_arm1"], w["sd_arm1"], w["n_arm1"]) for w in written if w["mean_arm1"] != "NA"}
    raw = raw_cells(RAW, "ptsd")["results"]
    assert means <= {(row["mean"], row["sd"], row["n"]) for row in raw}
    assert not any(";" in cell for w in written for cell in w.values())
    assert len({w[".id"] for w in written}) == len(written)
    left = json.loads((place / "report.json").read_text("utf-8"))["left"]
    assert {e["what"] for e in left} >= {"MD", "row", "column", "table"}
    said = capsys.readouterr().out
    assert "`.g` and `.log_rr` are arm 1 minus arm 2; arm 1 is the experimental arm" in said


@pytest.mark.parametrize("comma", [False, True])
def test_the_shipped_condition_comes_back_from_the_standard(place: Path, comma: bool) -> None:
    """Exported and imported, in both styles: the same arms, scores, counts and times."""
    style = ["--decimal-comma"] if comma else []
    main(["export", "metapsy", "out.csv", "--condition", "ptsd", "--raw", str(RAW), *SHIPPED,
          "--effects", str(EFFECTS), *style])  # fmt: skip
    assert (place / "out.csv").read_text("utf-8").split("\n")[0].count(";") == (
        len(EXPORTED) - 1 if comma else 0
    )
    assert main(["import", "metapsy", "out.csv", "--condition", "ptsd"]) == 0
    assert main(["check"]) == 0
    numbers = ("n", "mean", "sd", "event", "totaln")
    before = raw_cells(RAW, "ptsd")["results"]
    after = raw_cells(place / "data" / "raw", "ptsd")["results"]
    held = {tuple(row[n] for n in ("outcome_type", "time_days", *numbers)) for row in before}
    for row in after:
        time = "" if row["outcome_type"] == "baseline" else row["time_days"]
        mine = (row["outcome_type"], *(row[n] for n in numbers))
        assert mine in {(kind, *rest) for kind, _, *rest in held}
        assert not time or time in {t for _, t, *_ in held}
    assert len(after) >= 20


def test_experimental_arms_that_were_combined_are_written_as_one(tmp_path: Path) -> None:
    """The pipeline combines them; the row says which, and holds the combined numbers."""
    condition = next(c for c in ("ptsd", "anxiety", "safety") if _combined(c))
    effects = ROOT / "data" / "processed" / condition / "effects.csv"
    FORMATS["metapsy"].write(
        tmp_path / "out.csv", Export(raw=RAW, condition=condition, effects=effects, added=ADDED)
    )
    lines = [x for x in read_source(tmp_path / "out.csv").lines if " + " in x["multi_arm1"]]
    assert lines
    first = _combined(condition)[0]
    of_scores = "n_change_arm1" if first["outcome_type"] == "change" else "n_arm1"
    name = "totaln_arm1" if first["event_experimental"] else of_scores
    column = "totaln_experimental" if first["event_experimental"] else "n_experimental"
    assert first[column] in {line[name] for line in lines}


def _combined(condition: str) -> list[dict[str, str]]:
    path = ROOT / "data" / "processed" / condition / "effects.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return [e for e in csv.DictReader(stream)
                if "+" in e["experimental_arms"] and e["measure"] in ("SMD", "RR")
                and e["yi"] and not e["variant"] and e["basis"] == "arms"]  # fmt: skip


def test_what_two_arms_do_not_give_is_written_as_reported(tmp_path: Path) -> None:
    """A paired effect, and changes in SDs of scores: the arms' numbers would give another one."""
    effects = ROOT / "data" / "processed" / "anxiety" / "effects.csv"
    export = Export(raw=RAW, condition="anxiety", effects=effects, added=ADDED)
    FORMATS["metapsy"].write(tmp_path / "out.csv", export)
    lines = [x for x in read_source(tmp_path / "out.csv").lines if x["precalc_g"]]
    with effects.open(encoding="utf-8", newline="") as stream:
        alone = [e for e in csv.DictReader(stream) if e["measure"] == "SMD" and e["yi"]
                 and (e["design"] == "crossover, paired" or e["standardiser"])
                 and not e["variant"]]  # fmt: skip
    assert {e["trial_id"] for e in alone} >= {"Taylor2018", "Fedgchin2019", "Chen2023"}
    assert [float(x[".g"]) for x in lines] == [float(e["yi"]) for e in alone]
    assert all(x["precalc_g"] == x[".g"] and not x["mean_arm1"] for x in lines)


def test_effects_of_other_tables_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their row numbers would name other trials."""
    arguments = ["export", "metapsy", "out.csv", "--condition", "safety", "--raw", str(RAW)]
    assert main([*arguments, *SHIPPED, "--effects", str(EFFECTS)]) == 1
    assert "is not that trial's row in the raw tables; make the effects anew" in (
        capsys.readouterr().err
    )
    assert not (place / "out.csv").exists()


def test_raw_tables_that_are_not_there_cannot_be_exported(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In either format."""
    for form in ("metapsy", "xlsx"):
        assert (
            main(["export", form, "out.x", "--condition", "none", "--raw", str(RAW), *SHIPPED]) == 1
        )
        assert "none/trials.csv: the file is missing" in capsys.readouterr().err


def test_an_export_is_of_one_condition_that_is_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["export", "metapsy", "out.csv", "--raw", str(RAW), *SHIPPED])
    assert "--condition" in capsys.readouterr().err
    assert not (place / "out.csv").exists()


def test_excluded_and_lonely_rows_are_listed_by_an_export(tmp_path: Path) -> None:
    """A row of ours that no comparison is made of, with its reason."""
    raw = tmp_path / "raw"
    shutil.copytree(SMALL / "data" / "raw", raw)
    done = FORMATS["metapsy"].write(tmp_path / "out.csv", Export(raw=raw, condition="blue"))
    data, _ = read_condition(raw, "blue", {})
    unused = [entry for entry in done.left if entry.what == "row"]
    assert done.rows["rows"] > 0
    assert all(entry.why for entry in unused)
    excluded = [r for r in data["results"].rows if r["exclude_reason"] is not None]
    assert {f"results.csv row {r['row']}" for r in excluded} <= {e.where for e in unused}


def test_every_format_is_registered_with_what_it_does(tmp_path: Path) -> None:
    """Names and files for the help; only formats with a writer can be exported to."""
    assert all(name == entry.name and entry.file for name, entry in FORMATS.items())
    for name, entry in FORMATS.items():
        export = ["export", name, str(tmp_path / "out"), "--condition", "none", *SHIPPED]
        if entry.writer:
            assert main([*export, "--raw", str(tmp_path)]) == 1
        else:
            with pytest.raises(SystemExit):
                main(export)
    made = make(tmp_path / "made.csv", SOUND)
    assert FORMATS["metapsy"].read(made, ImportOptions(condition="x")).tables["trials"]
