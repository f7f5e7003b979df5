"""Select and pool the effects of analyses, and lay out what each number was made of."""

from pathlib import Path

from trialpool import logs, typed_json
from trialpool import words as w
from trialpool.review.accounts.trace import chain, raw_tables
from trialpool.review.analysis import analyse
from trialpool.review.case import Case, Tables
from trialpool.review.protocol.protocol import resolve
from trialpool.review.schema import files

logs.start(snakemake.log[0], snakemake.output)
review = resolve(snakemake.params.review)
tables = Tables.read(snakemake.input, review.added)
records = files.read(snakemake.input.records, review.added)
raw = raw_tables(Path(snakemake.input.raw[0]).parent, review.added)
models = [Path(path) for path in snakemake.output.models]
for path in models:
    condition, analysis = path.parent.parts[-2:]
    made = analyse(Case.of(review, condition, analysis, tables))
    trace = chain(made.result, made.studies, records, raw)
    typed_json.write(path, made.result)
    for name, table in {**made.tables(), "trace": trace}.items():
        files.write(path.with_name(f"{name}.csv"), table, review.added)
logs.done(f"{condition}: {w.count(len(models), 'analysis')} pooled")
