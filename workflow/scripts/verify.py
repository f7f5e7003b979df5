"""Recompute every pooled result with statsmodels; stop on a disagreement."""

import pandas as pd

from trialpool import logs, typed_json
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.accounts.verify import raise_disagreements, verify
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

logs.start(snakemake.log[0], snakemake.output)
results = [typed_json.read(path, AnalysisResult) for path in snakemake.input.models]
added = columns_of(snakemake.params.columns)
studies = (files.read(path, added) for path in snakemake.input.studies)
parts = [verify(result, table) for result, table in zip(results, studies, strict=True)]
verification = pd.concat(parts, ignore_index=True)
raise_disagreements(verification)
files.write(snakemake.output.verification, verification)
logs.done(f"{w.count(len(results), 'analysis')} computed a second way, with the same results")
