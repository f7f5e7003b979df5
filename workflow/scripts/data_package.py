"""Describe the tables of data and of results for other programs."""

from pathlib import Path

from trialpool import logs, tables
from trialpool.review.schema.added import columns_of
from trialpool.review.schema.data_package import data_package

logs.start(snakemake.log[0], snakemake.output)
added = columns_of(snakemake.params.columns)
described = snakemake.params.tables
for root, paths in described.items():
    package = data_package(Path(root), map(Path, paths), snakemake.params.about, added)
    for place, content in package.items():
        tables.write_json(Path(root) / place, content)
logs.done(f"tables described in {' and '.join(f'{root}/datapackage.json' for root in described)}")
