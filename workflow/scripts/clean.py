"""Check the raw tables of a condition and sort every row into used or dropped."""

from pathlib import Path

from trialpool import logs
from trialpool.review.extraction.clean import clean, load
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0])
folder, condition = Path(snakemake.input.instruments).parent, snakemake.wildcards.condition
order, added = snakemake.params.confidence_order, columns_of(snakemake.params.columns)
raw, warnings = load(folder, condition, snakemake.params.outcomes, order, added)
cleaned = clean(raw, warnings, order)
for name, table in cleaned.all_tables().items():
    files.write(snakemake.output[name], table, added)
