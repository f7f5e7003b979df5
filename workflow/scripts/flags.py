"""List what the checks warn about in the raw tables of a condition."""

from trialpool import logs
from trialpool.review.schema import files
from trialpool.review.schema.processed import FLAGS

logs.start(snakemake.log[0])
files.write(snakemake.output.flags, FLAGS.frame(snakemake.params.rows))
