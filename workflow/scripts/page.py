"""Lay out the first page of the review."""

from pathlib import Path

from trialpool import logs
from trialpool.review.report.pages import first_pages, read_analyses
from trialpool.review.report.rendering import write_page
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
pages = first_pages(
    snakemake.params.review,
    read_analyses(snakemake.input.analyses, columns_of(snakemake.params.review["columns"])),
    {
        Path(path).parent.name: {"certainty": files.read(path), "findings": files.read(summed)}
        for path, summed in zip(snakemake.input.certainty, snakemake.input.findings, strict=True)
    },
    files.read(snakemake.input.claims),
    snakemake.params.menu,
)
for place, page in zip(snakemake.output, pages.values(), strict=True):
    write_page(place, page)
logs.done(f"first page {snakemake.output[0]}")
