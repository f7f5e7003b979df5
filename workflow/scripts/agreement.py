"""Compare the tables of two extractors of a condition."""

from pathlib import Path

from trialpool import logs
from trialpool import words as w
from trialpool.review.extraction.agreement import agreement, disagreements
from trialpool.review.extraction.second import load
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
folder = Path(snakemake.input.raw[0]).parent
comparison = load(folder.parent, folder.name, columns_of(snakemake.params.columns))
differing = disagreements(comparison)
files.write(snakemake.output.agreement, agreement(comparison))
files.write(snakemake.output.disagreements, differing)
twice = w.count(len(comparison.tables), "table")
logs.done(f"{folder.name}: {twice} extracted twice, {w.count(len(differing), 'disagreement')}")
