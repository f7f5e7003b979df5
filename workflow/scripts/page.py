"""Lay out the first page of the review."""

from pathlib import Path

from trialpool import logs
from trialpool.review.report.pages import index_page, read_analyses, write_page
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
page = index_page(
    snakemake.params.review,
    read_analyses(snakemake.input.analyses, columns_of(snakemake.params.review["columns"])),
    {
        Path(path).parent.name: {"flags": files.read(path), "certainty": files.read(rated)}
        for path, rated in zip(snakemake.input.flags, snakemake.input.certainty, strict=True)
    },
    {name: files.read(snakemake.input[name]) for name in ("summary", "verification", "claims")},
)
write_page(snakemake.output.page, page)
logs.done(f"first page {snakemake.output.page}")
