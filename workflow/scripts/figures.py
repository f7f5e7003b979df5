"""Draw every figure of the analyses and questions of a condition."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.figures.catalogue import CAPTIONS, QUESTION_CAPTIONS
from trialpool.review.questions import answered
from trialpool.review.report.drawing import write
from trialpool.review.report.question_sheets import question_sheets
from trialpool.review.report.sheets import sheets
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
added = columns_of(snakemake.params.columns)
of_condition = {name: files.read(snakemake.input[name]) for name in ("risk_of_bias", "flags")}
for folder in (Path(path).parent for path in snakemake.input.models):
    paths = [path for path in map(Path, snakemake.input.tables) if path.parent == folder]
    tables = {path.stem: files.read(path, added) for path in paths} | of_condition
    result = typed_json.read(folder / "model.json", AnalysisResult)
    write(folder, sheets(result, tables), CAPTIONS)
for folder in {Path(path).parent: None for path in snakemake.input.questions}:
    write(folder, question_sheets(answered.read(folder)), QUESTION_CAPTIONS)
condition = Path(snakemake.input.models[0]).parent.parent.name
logs.done(f"{condition}: figures of {w.count(len(snakemake.input.models), 'analysis')}")
