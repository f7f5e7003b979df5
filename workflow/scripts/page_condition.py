"""Lay out the page of one condition."""

from pathlib import Path

from trialpool import logs
from trialpool.review.report.pages import condition_page, read_analyses, write_page
from trialpool.review.report.question_section import read_questions
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0])
names = ("summary", "agreement", "disagreements", "evidence", "judgements")
added = columns_of(snakemake.params.review["columns"])
processed = {Path(path).stem: files.read(path, added) for path in snakemake.input.processed}
figures = map(Path, snakemake.input.figures)
page = condition_page(
    snakemake.params.review,
    read_analyses(snakemake.input.analyses, added),
    {(path.parent.name, path.stem): path.read_bytes() for path in figures},
    processed | {name: files.read(snakemake.input[name]) for name in names},
    read_questions(snakemake.input.questions),
)
write_page(snakemake.output.page, page)
