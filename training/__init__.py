"""Labelled comments: their file formats, training, evaluation and batch scoring. Knows nothing of HTTP.

Reading order: formats, labelled, store, dataset, batch, measures, intervals, evaluate, tally, figures, report.
"""
