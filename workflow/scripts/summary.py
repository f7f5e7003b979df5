"""One row per analysis, over all conditions."""

from pathlib import Path

from trialpool import logs, tables, typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.report.summary import numbers, summary_table
from trialpool.review.schema import files

logs.start(snakemake.log[0], snakemake.output)
results = [typed_json.read(path, AnalysisResult) for path in snakemake.input.models]
rated = {Path(path).parent.name: files.read(path) for path in snakemake.input.certainty}
files.write(snakemake.output.summary, summary_table(results, rated))
tables.write_json(snakemake.output.numbers, numbers(results, rated))
logs.done(f"{w.count(len(results), 'analysis')} in {snakemake.output.summary}")
