"""One row per analysis, over all conditions."""

from trialpool import logs, tables
from trialpool.review.report.summary import numbers, summary_table

logs.start(snakemake.log[0])
models = [tables.read_json(path) for path in snakemake.input.models]
tables.write_table(snakemake.output.summary, summary_table(models))
tables.write_json(snakemake.output.numbers, numbers(models))
