"""Lay out the page of one condition."""

from pathlib import Path

from trialpool import logs, tables
from trialpool.report.pages import condition_page, read_analyses, write_page

logs.start(snakemake.log[0])
figures = map(Path, snakemake.input.figures)
page = condition_page(
    snakemake.params.review,
    snakemake.wildcards.condition,
    read_analyses(snakemake.input.analyses),
    {(path.parent.name, path.stem): path.read_bytes() for path in figures},
    tables.read_table(snakemake.input.summary),
    {Path(path).stem: tables.read_table(path) for path in snakemake.input.processed},
    tables.read_table(snakemake.input.agreement),
    tables.read_table(snakemake.input.disagreements),
)
write_page(snakemake.output.page, page)
