"""Lay out the pages of one condition."""

from pathlib import Path

from trialpool import logs
from trialpool.review.report.pages import condition_pages, read_analyses
from trialpool.review.report.question_section import read_questions
from trialpool.review.report.rendering import write_page
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
names = (
    *("summary", "certainty", "findings", "others"),
    *("agreement", "disagreements", "evidence", "judgements"),
)
added = columns_of(snakemake.params.review["columns"])
processed = {Path(path).stem: files.read(path, added) for path in snakemake.input.processed}
pages = condition_pages(
    snakemake.params.review,
    read_analyses(snakemake.input.analyses, added),
    processed | {name: files.read(snakemake.input[name]) for name in names},
    snakemake.params.menu,
    read_questions(Path(path).parent for path in snakemake.input.figures),
)
folder = Path(snakemake.output[0]).parent
for place, page in pages.items():
    write_page(folder / place, page)
logs.done(f"{folder}: {len(pages)} pages")
