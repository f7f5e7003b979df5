"""Check the raw tables of a condition and sort every row into used or dropped."""

from pathlib import Path

from trialpool import logs
from trialpool.review.extraction.clean import clean, load
from trialpool.review.schema import files

logs.start(snakemake.log[0])
folder, condition = Path(snakemake.input.instruments).parent, snakemake.wildcards.condition
order = snakemake.params.confidence_order
raw, warnings = load(folder, condition, snakemake.params.outcomes, order)
cleaned = clean(raw, warnings, order)
for name, table in cleaned.all_tables().items():
    files.write(snakemake.output[name], table)
