"""Select and pool the effects of one analysis, and lay out what each number was made of."""

from pathlib import Path

from trialpool import logs, tables
from trialpool.review.accounts.trace import chain, raw_tables
from trialpool.review.analysis import analyse
from trialpool.review.case import Case, Tables
from trialpool.review.protocol.protocol import resolve
from trialpool.review.schema import files

logs.start(snakemake.log[0])
review, wanted = resolve(snakemake.params.review), snakemake.wildcards
added = review.added
held = Tables.read(snakemake.input, added)
result = analyse(Case.of(review, wanted.condition, wanted.analysis, held))
tables.write_json(snakemake.output.model, result.model)
for name in ("studies", "selection", "missing", "sensitivity"):
    files.write(snakemake.output[name], getattr(result, name), added)
for name, table in result.trust.items():
    files.write(snakemake.output[name], table)
records = files.read(snakemake.input.records, added)
raw = raw_tables(Path(snakemake.input.raw[0]).parent, added)
files.write(snakemake.output.trace, chain(result.model, result.studies, records, raw))
