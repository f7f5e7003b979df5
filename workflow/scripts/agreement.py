"""Compare the tables of two extractors of a condition."""

from pathlib import Path

from trialpool import logs, tables
from trialpool.review.extraction.agreement import agreement, disagreements
from trialpool.review.extraction.second import load

logs.start(snakemake.log[0])
folder = Path(snakemake.input.raw[0]).parent
comparison = load(folder.parent, folder.name)
tables.write_table(snakemake.output.agreement, agreement(comparison))
tables.write_table(snakemake.output.disagreements, disagreements(comparison))
