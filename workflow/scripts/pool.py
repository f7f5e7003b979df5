"""Select and pool the effects of one analysis, and lay out what each number was made of."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool.review.accounts.trace import chain, raw_tables
from trialpool.review.analysis import analyse
from trialpool.review.case import Case, Tables
from trialpool.review.protocol.protocol import resolve
from trialpool.review.schema import files

logs.start(snakemake.log[0])
review, wanted = resolve(snakemake.params.review), snakemake.wildcards
added = review.added
tables = Tables.read(snakemake.input, added)
made = analyse(Case.of(review, wanted.condition, wanted.analysis, tables))
typed_json.write(snakemake.output.model, made.result)
for name in ("studies", "selection", "missing", "sensitivity"):
    files.write(snakemake.output[name], getattr(made, name), added)
for name, table in made.trust.items():
    files.write(snakemake.output[name], table)
records = files.read(snakemake.input.records, added)
raw = raw_tables(Path(snakemake.input.raw[0]).parent, added)
files.write(snakemake.output.trace, chain(made.result, made.studies, records, raw))
