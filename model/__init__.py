"""The filter itself: comments, text, features, the estimator, verdicts and the artefact.

Knows nothing of HTTP, databases, clocks or environment variables.

Reading order: comment, verdict, thresholds, characters, links, lookalikes, spelling, text, kept, compiled, letters,
traits, shape, segments, lists, ngrams, sketch, scorer, relation, explanation, scripts, design, classifier, artifact.
"""

from pathlib import Path

SHIPPED = Path(__file__).with_name("shipped.hamgate")
"""The model that is used where no other is named."""
