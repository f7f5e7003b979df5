"""One row per analysis, over all conditions."""

from trialpool import logs, tables
from trialpool.review.report.summary import numbers, summary_table
from trialpool.review.schema import files

logs.start(snakemake.log[0])
models = [tables.read_json(path) for path in snakemake.input.models]
files.write(snakemake.output.summary, summary_table(models))
tables.write_json(snakemake.output.numbers, numbers(models))
