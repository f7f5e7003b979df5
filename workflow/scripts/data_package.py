"""Describe the tables of data and of results for other programs."""

from pathlib import Path

from trialpool import logs, tables
from trialpool.review.schema.added import columns_of
from trialpool.review.schema.data_package import data_package

logs.start(snakemake.log[0])
added = columns_of(snakemake.params.columns)
asked = [path for folder in snakemake.input.questions for path in Path(folder).rglob("*.csv")]
described = {"data": snakemake.input.data, "results": [*snakemake.input.results, *asked]}
for root, paths in described.items():
    package = data_package(Path(root), map(Path, paths), snakemake.params.about, added)
    for place, content in package.items():
        tables.write_json(Path(root) / place, content)
