"""Labelled comments: file formats, training, evaluation, batch scoring, and the database. Knows nothing of HTTP.

Reading order: formats, labelled, corrections, migrations, database, fingerprint, pseudonyms, tables, store, accounts,
attempts, labels, forgetting, statistics, jobs, memory, online, campaigns, registry, importing, preview, dataset,
budget, batch, measures, intervals, traits, distribution, train, evaluate, tally, figures, report, retrain, gate,
promotion, traffic, diary, ageing, survey, trial, errands.
"""
