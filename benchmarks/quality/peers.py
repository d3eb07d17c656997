"""Other filters, trained and asked in the same way as ours: learn from labelled comments, then score comments.

Owns how each peer is set up: so that it does its best on the published splits, and then the same everywhere.
``with_fields`` gives a text filter the author, the author's URL and the mail domain as plain text after the comment.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.comment import Comment
    from training.labelled import LabelledComment


class Peer(Protocol):
    """A filter that can be measured."""

    def fit(self, examples: Sequence[LabelledComment], seed: int) -> Self:
        """Learn from scratch."""

    def scores(self, examples: Sequence[LabelledComment]) -> np.ndarray:
        """Return one number for each comment, the higher the more like spam: shape (n,)."""


def as_text(comment: Comment, *, with_fields: bool) -> str:
    """Write a comment as one text, as a filter that knows no fields is given it."""
    if not with_fields:
        return comment.text
    domain = comment.author_email.rpartition("@")[2] if "@" in comment.author_email else ""
    return "\n".join(part for part in (comment.text, comment.author, comment.author_url, domain) if part)


class TextPipeline:
    """A scikit-learn pipeline over texts."""

    def __init__(self, pipeline: Pipeline, *, with_fields: bool) -> None:
        self.pipeline = pipeline
        self.with_fields = with_fields

    def fit(self, examples: Sequence[LabelledComment], seed: int) -> Self:
        self.pipeline.steps[-1][1].set_params(random_state=seed)
        self.pipeline.fit(self._texts(examples), [example.label == "spam" for example in examples])
        return self

    def scores(self, examples: Sequence[LabelledComment]) -> np.ndarray:
        return np.asarray(self.pipeline.decision_function(self._texts(examples)))

    def _texts(self, examples: Sequence[LabelledComment]) -> list[str]:
        return [as_text(example.comment, with_fields=self.with_fields) for example in examples]


def word12_regression(*, with_fields: bool = True) -> TextPipeline:
    """TF-IDF of words and word pairs, logistic regression."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return TextPipeline(make_pipeline(vectorizer, LogisticRegression(C=10, max_iter=1000)), with_fields=with_fields)


def word12_regression_text() -> TextPipeline:
    """Give the same pipeline the text alone."""
    return word12_regression(with_fields=False)


def char15_svm(*, with_fields: bool = True) -> TextPipeline:
    """TF-IDF of one to five characters within words, linear support vectors."""
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True, dtype=np.float32)
    return TextPipeline(make_pipeline(vectorizer, LinearSVC()), with_fields=with_fields)


class SpamBayes:
    """SpamBayes with orthogonal sparse bigrams (package ``sbclassifier``): token odds joined by Fisher's method."""

    def __init__(self, *, with_fields: bool = True) -> None:
        self.with_fields = with_fields

    def fit(self, examples: Sequence[LabelledComment], seed: int) -> Self:
        from sbclassifier import Classifier, ClassifierDb  # type: ignore[import-untyped]  # ships no types

        self.classifier_ = Classifier(ClassifierDb())
        for example in examples:  # counts only: the order, and so the seed, says nothing
            self.classifier_.learn(self._tokens(example), example.label == "spam")
        return self

    def scores(self, examples: Sequence[LabelledComment]) -> np.ndarray:
        return np.array([self._probability(example) for example in examples])

    def _probability(self, example: LabelledComment) -> float:
        return float(self.classifier_.spamprob(self._tokens(example)))

    def _tokens(self, example: LabelledComment) -> list[str]:
        from sbclassifier.tokenizer import add_sparse_bigrams, tokenize_text  # type: ignore[import-untyped]  # ships no types

        return list(add_sparse_bigrams(tokenize_text(as_text(example.comment, with_fields=self.with_fields))))


class VowpalWabbit:
    """Vowpal Wabbit: online logistic regression over hashed words and word pairs, three passes in random order."""

    _BETWEEN_WORDS = re.compile(r"\W+")  # takes the characters of Vowpal Wabbit's own syntax away too
    _PASSES = 3

    def __init__(self, *, with_fields: bool = True) -> None:
        self.with_fields = with_fields

    def fit(self, examples: Sequence[LabelledComment], seed: int) -> Self:
        from vowpalwabbit import Workspace  # type: ignore[import-untyped]  # ships no types

        self.workspace_ = Workspace(f"--loss_function logistic --ngram 2 -b 22 --random_seed {seed} --quiet")
        lines = [f"{1 if example.label == 'spam' else -1} {self._line(example)}" for example in examples]
        order = _shuffled(lines, seed)  # it learns online: sorted by site it would remember the last site best
        for line in order * self._PASSES:
            self.workspace_.learn(line)
        return self

    def scores(self, examples: Sequence[LabelledComment]) -> np.ndarray:
        return np.array([self.workspace_.predict(self._line(example)) for example in examples])

    def _line(self, example: LabelledComment) -> str:
        text = as_text(example.comment, with_fields=self.with_fields)
        return "|t " + self._BETWEEN_WORDS.sub(" ", text.lower())


class FastText:
    """FastText, supervised, with subwords of three to six characters (package ``fasttext-numpy2``)."""

    _SETTINGS: ClassVar = {"minn": 3, "maxn": 6, "wordNgrams": 2, "bucket": 200_000, "dim": 50, "epoch": 25, "lr": 0.5}

    def __init__(self, *, with_fields: bool = True) -> None:
        self.with_fields = with_fields

    def fit(self, examples: Sequence[LabelledComment], seed: int) -> Self:
        import fasttext  # type: ignore[import-untyped]  # ships no types

        lines = [f"__label__{example.label} {self._line(example)}\n" for example in examples]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "train.txt")
            path.write_text("".join(_shuffled(lines, seed)), encoding="utf-8")
            self.model_ = fasttext.train_supervised(str(path), **self._SETTINGS, seed=seed, thread=1, verbose=0)
        return self

    def scores(self, examples: Sequence[LabelledComment]) -> np.ndarray:
        labels, odds = self.model_.predict([self._line(example) for example in examples], k=2)
        return np.array(
            [p[list(names).index("__label__spam")] for names, p in zip(labels, odds, strict=True)], dtype=np.float64
        )

    def _line(self, example: LabelledComment) -> str:
        return " ".join(as_text(example.comment, with_fields=self.with_fields).lower().split())


def _shuffled(lines: Sequence[str], seed: int) -> list[str]:
    return [lines[i] for i in np.random.default_rng(seed).permutation(len(lines))]
