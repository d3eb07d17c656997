"""Labelled comments: their file formats, training, evaluation and batch scoring. Knows nothing of HTTP."""
