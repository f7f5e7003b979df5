"""List what the checks warn about in the raw tables of a condition."""

from trialpool import logs
from trialpool import words as w
from trialpool.review.schema import files
from trialpool.review.schema.processed import FLAGS

logs.start(snakemake.log[0], snakemake.output)
files.write(snakemake.output.flags, FLAGS.frame(snakemake.params.rows))
logs.done(f"{snakemake.wildcards.condition}: {w.count(len(snakemake.params.rows), 'warning')}")
