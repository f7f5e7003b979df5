"""Answer the questions of a condition beyond one number: time, dose, networks."""

from pathlib import Path

from trialpool import logs
from trialpool import words as w
from trialpool.review.case import Tables
from trialpool.review.effects.records import Records, marked
from trialpool.review.protocol.protocol import resolve
from trialpool.review.questions import answered
from trialpool.review.questions.questions import answers
from trialpool.review.schema import files

logs.start(snakemake.log[0], snakemake.output)
names = ("trials", "arms", "records")
review = resolve(snakemake.params.review)
(condition,) = review.conditions
known = Tables.read(snakemake.input, review.added)
parts = (files.read(snakemake.input[name], review.added) for name in names)
records = Records(*parts, marked(snakemake.params.marks))
asked = list(answers(known, records, review, condition))
for question in asked:
    answered.write(Path(snakemake.output[0]).parent.parent, question)
logs.done(f"{condition}: {w.count(len(asked), 'question')} of time, dose or a network")
