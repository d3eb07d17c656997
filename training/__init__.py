"""Labelled comments: their file formats, training, evaluation and batch scoring. Knows nothing of HTTP.

Reading order: formats, labelled, corrections, store, dataset, budget, batch, measures, intervals, train,
evaluate, tally, figures, report.
"""
