"""Lay out the first page of the review."""

from trialpool import logs, tables
from trialpool.review.report.pages import index_page, read_analyses, write_page

logs.start(snakemake.log[0])
page = index_page(
    snakemake.params.review,
    read_analyses(snakemake.input.analyses),
    tables.read_table(snakemake.input.summary),
    tables.read_table(snakemake.input.verification),
)
write_page(snakemake.output.page, page)
