"""Draw every figure of the analyses of a condition."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.figures import style
from trialpool.review.report import sheets
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0])
added = columns_of(snakemake.params.columns)
of_condition = {name: files.read(snakemake.input[name]) for name in ("risk_of_bias", "flags")}
for folder in (Path(path).parent for path in snakemake.input.models):
    paths = [path for path in map(Path, snakemake.input.tables) if path.parent == folder]
    tables = {path.stem: files.read(path, added) for path in paths} | of_condition
    places = [path for path in map(Path, snakemake.output) if path.parent == folder]
    result = typed_json.read(folder / "model.json", AnalysisResult)
    for name, figure in sheets.draw_all(result, tables):
        style.save(figure, [path for path in places if path.stem == name])
