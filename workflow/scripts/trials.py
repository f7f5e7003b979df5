"""Lay out the pages of trials, and the table of their characteristics."""

from pathlib import Path

from trialpool import logs
from trialpool.review.report.characteristics import characteristics
from trialpool.review.report.pages import read_analyses
from trialpool.review.report.rendering import write_page
from trialpool.review.report.trial_pages import characteristics_grid, trial_pages
from trialpool.review.report.word_tables import write_word_table
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
added = columns_of(snakemake.params.review["columns"])
by_condition = {}
for path in map(Path, snakemake.input.processed):
    by_condition.setdefault(path.parent.name, {})[path.stem] = files.read(path, added)
table = characteristics(by_condition)
analyses = read_analyses(snakemake.input.analyses, added)
review = snakemake.params.review
pages = trial_pages(review, by_condition, analyses, table)
files.write(snakemake.output.table, table)
grid = characteristics_grid(table, {n: c["title"] for n, c in review["conditions"].items()})
write_word_table(snakemake.output.document, grid, review["title"])
folder = Path(snakemake.output.pages)
folder.mkdir(parents=True, exist_ok=True)
for place, page in pages.items():
    write_page(folder / place, page)
logs.done(f"{folder}: {len(table)} trials")
