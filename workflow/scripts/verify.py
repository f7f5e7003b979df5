"""Recompute every pooled result with statsmodels; stop on a disagreement."""

import pandas as pd

from trialpool import logs, tables
from trialpool.review.accounts.verify import raise_disagreements, verify
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0])
models = map(tables.read_json, snakemake.input.models)
added = columns_of(snakemake.params.columns)
studies = (files.read(path, added) for path in snakemake.input.studies)
parts = [verify(model, table) for model, table in zip(models, studies, strict=True)]
verification = pd.concat(parts, ignore_index=True)
raise_disagreements(verification)
files.write(snakemake.output.verification, verification)
