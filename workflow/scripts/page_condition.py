"""Lay out the page of one condition."""

from pathlib import Path

from trialpool import logs
from trialpool.review.report.pages import condition_page, read_analyses, write_page
from trialpool.review.report.question_section import read_questions
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
names = (
    *("summary", "certainty", "findings", "others"),
    *("agreement", "disagreements", "evidence", "judgements"),
)
added = columns_of(snakemake.params.review["columns"])
processed = {Path(path).stem: files.read(path, added) for path in snakemake.input.processed}
page = condition_page(
    snakemake.params.review,
    read_analyses(snakemake.input.analyses, added),
    {path.parent.name: path.read_bytes() for path in map(Path, snakemake.input.forests)},
    processed | {name: files.read(snakemake.input[name]) for name in names},
    read_questions(Path(path).parent for path in snakemake.input.figures),
)
write_page(snakemake.output.page, page)
logs.done(f"{snakemake.wildcards.condition}: page {snakemake.output.page}")
