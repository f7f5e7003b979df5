"""Sort every raw row of a condition into used or dropped."""

from pathlib import Path

from trialpool import logs
from trialpool.review.extraction.clean import clean, read
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
folder, condition = Path(snakemake.input.instruments).parent, snakemake.wildcards.condition
added = columns_of(snakemake.params.columns)
raw = read(folder, condition, snakemake.params.outcomes, added)
cleaned = clean(raw, snakemake.params.confidence_order)
for name, table in cleaned.all_tables().items():
    files.write(snakemake.output[name], table, added)
used, rows = (int(cleaned.rows[name].sum()) for name in ("rows_used", "rows_in"))
logs.done(f"{condition}: {used} of {rows} raw rows used")
