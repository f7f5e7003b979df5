"""List what the checks warn about in the raw tables of a condition."""

from trialpool import logs, tables
from trialpool import words as w
from trialpool.review.schema.processed import FLAGS

logs.start(snakemake.log[0], snakemake.output)
tables.write_rows(snakemake.output.flags, snakemake.params.rows, FLAGS.columns)
logs.done(f"{snakemake.wildcards.condition}: {w.count(len(snakemake.params.rows), 'warning')}")
