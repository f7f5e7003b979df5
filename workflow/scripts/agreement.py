"""Compare the tables of two extractors of a condition."""

from pathlib import Path

from trialpool import logs
from trialpool.review.extraction.agreement import agreement, disagreements
from trialpool.review.extraction.second import load
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0])
folder = Path(snakemake.input.raw[0]).parent
comparison = load(folder.parent, folder.name, columns_of(snakemake.params.columns))
files.write(snakemake.output.agreement, agreement(comparison))
files.write(snakemake.output.disagreements, disagreements(comparison))
