"""Labelled comments: file formats, training, evaluation, batch scoring, and the database. Knows nothing of HTTP.

Reading order: formats, labelled, corrections, migrations, database, fingerprint, pseudonyms, tables, store, settings,
lists, accounts, attempts, doubts, labels, queue, history, callbacks, tellings, holdout, forgetting, statistics, jobs,
memory, online, campaigns, registry, people, importing, preview, dataset, made_up, budget, batch, measures, intervals,
foresight, consequences, traits, distribution, train, evaluate, tally, figures, report, retrain, gate, promotion,
traffic, diary, ageing, survey, trial, errands.
"""
