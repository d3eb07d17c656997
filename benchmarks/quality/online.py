"""Learning at once, as the TREC spam track measured it: score a comment, then learn its true label, in order of date.

    python -m benchmarks.quality.online FOLDER [--base FILE]

The streams are the dated comments of the blogs whose owners decided on every comment, of those with at least 15 spam
and 15 ham, the first 2,500. Hamgate starts warm, from a model that has seen nothing of either set, or cold, from none.
The other filters start cold, and are given author, link and mail domain as text, with which all of them do better.
bogofilter must be installed. Prints Markdown tables: 1 - ROCA in per cent, and spam caught at 0.1 % of its ham.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict, deque
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from joblib import Parallel, cpu_count, delayed
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

from benchmarks.quality.peers import SpamBayes, VowpalWabbit, as_text
from benchmarks.quality.retraining import base_without_store, store_examples
from model.artifact import Filter, load, log_odds_of
from training.labels import GivenLabel
from training.measures import caught_at, roc_auc
from training.memory import Memory
from training.online import OnlineLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from training.labelled import LabelledComment

    Stream = list[LabelledComment]
    Floats = np.ndarray

MIN_OF_LABEL = 15
MAX_COMMENTS = 2_500
DELAY = 100
ONE_IN = 10
CURVE = (0, 10, 50, 200, 1_000)
NEXT_COMMENTS = 1_000
SITE = "blog.example"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class OnlineFilter(Protocol):
    """A filter that learns as it goes."""

    def score(self, example: LabelledComment) -> float:
        """Return a number, the higher the more like spam."""

    def learn(self, example: LabelledComment) -> None:
        """Learn the true label."""


class Ours:
    """What a site gets: the model, its own weights on top, and what was said of near-duplicates."""

    def __init__(self, model: Filter, *, has_memory: bool = True) -> None:
        self._model = model
        self._online = OnlineLayer(model.scorer)
        self._memory = Memory() if has_memory else None
        self._count = 0

    def score(self, example: LabelledComment) -> float:
        (verdict,) = self._model.check_many([example.comment], partial(self._online.log_odds, SITE))
        recalled = self._memory.recall(SITE, verdict.sketch) if self._memory else None
        if recalled is not None:
            is_spam = recalled.label == "spam"
            verdict = self._model.overruled(verdict, is_spam, recalled.is_same, recalled.is_sure)
        return sum(reason.weight for reason in verdict.reasons)

    def learn(self, example: LabelledComment) -> None:
        assert example.label  # noqa: S101 - the streams have no others
        given = GivenLabel(SITE, example.comment, example.label, "owner", NOW)
        self._count += 1
        self._online.learn(given)
        if self._memory:
            self._memory.learn(self._count, given)


class Bogofilter:
    """The program, with a word list of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._has_learnt = False

    def score(self, example: LabelledComment) -> float:
        if not self._has_learnt:
            return 0.5
        answer = self._run(example, "-T").split()
        return float(answer[1]) if len(answer) > 1 else 0.5

    def learn(self, example: LabelledComment) -> None:
        self._run(example, "-s" if example.label == "spam" else "-n")
        self._has_learnt = True

    def _run(self, example: LabelledComment, flag: str) -> str:
        text = as_text(example.comment, with_fields=True).encode("utf-8", "replace")
        done = subprocess.run(
            ["bogofilter", "-d", self._folder.name, flag], input=b"\n" + text + b"\n", capture_output=True, check=False
        )
        if done.returncode > 2:  # 0 spam, 1 ham, 2 unsure
            raise RuntimeError(done.stderr.decode())
        return done.stdout.decode()


class OnlineSpamBayes(SpamBayes):
    """Orthogonal sparse bigrams, learnt one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.fit([], 0)

    def score(self, example: LabelledComment) -> float:
        return self._probability(example)

    def learn(self, example: LabelledComment) -> None:
        self.classifier_.learn(self._tokens(example), example.label == "spam")


class OnlineVowpalWabbit(VowpalWabbit):
    """Its logistic regression, one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.fit([], 0)

    def score(self, example: LabelledComment) -> float:
        return float(self.workspace_.predict(self._line(example)))

    def learn(self, example: LabelledComment) -> None:
        self.workspace_.learn(f"{1 if example.label == 'spam' else -1} {self._line(example)}")


class CharacterRegression:
    """Online logistic regression on hashed character 4-grams (as Goodman and Yih 2006 for e-mail)."""

    def __init__(self) -> None:
        self._vectorizer = HashingVectorizer(analyzer="char", ngram_range=(4, 4), binary=True, alternate_sign=False)
        self._model = SGDClassifier(loss="log_loss", alpha=1e-9, learning_rate="constant", eta0=5.0)
        self._is_fitted = False

    def score(self, example: LabelledComment) -> float:
        return float(self._model.decision_function(self._row(example))[0]) if self._is_fitted else 0.0

    def learn(self, example: LabelledComment) -> None:
        self._model.partial_fit(self._row(example), [int(example.label == "spam")], classes=[0, 1])
        self._is_fitted = True

    def _row(self, example: LabelledComment) -> object:
        return self._vectorizer.transform([as_text(example.comment, with_fields=True).lower()])


def cold(model: Filter) -> Filter:
    """Return a model that knows nothing."""
    scorer = model.scorer
    nothing = replace(
        scorer,
        table=np.zeros_like(scorer.table),
        family_offsets=np.zeros_like(scorer.family_offsets),
        offset=0.0,
    )
    return Filter(nothing, model.thresholds, {}, "cold")


def filters(model: Filter) -> dict[str, Callable[[], OnlineFilter]]:
    """Name every filter and how a fresh one is made."""
    return {
        "Hamgate, warm": lambda: Ours(model),
        "Hamgate, cold": lambda: Ours(cold(model)),
        "Hamgate, warm, without memory of near-duplicates": lambda: Ours(model, has_memory=False),
        "Hamgate, cold, without": lambda: Ours(cold(model), has_memory=False),
        "SpamBayes (OSB)": OnlineSpamBayes,
        "bogofilter": Bogofilter,
        "Vowpal Wabbit": OnlineVowpalWabbit,
        "character 4-grams, logistic": CharacterRegression,
    }


def immediate(fresh: OnlineFilter, stream: Stream) -> Floats:
    """Score each comment, then learn it: shape (n,)."""
    return delayed_feedback(fresh, stream, 0)


def delayed_feedback(fresh: OnlineFilter, stream: Stream, delay: int) -> Floats:
    """Score each comment, and learn it so many comments later."""
    waiting: deque[LabelledComment] = deque()
    scores = []
    for example in stream:
        scores.append(fresh.score(example))
        waiting.append(example)
        if len(waiting) > delay:
            fresh.learn(waiting.popleft())
    return np.array(scores)


def partial_feedback(fresh: OnlineFilter, stream: Stream) -> Floats:
    """Score each comment, and learn one in ten."""
    scores = []
    for number, example in enumerate(stream):
        scores.append(fresh.score(example))
        if number % ONE_IN == 0:
            fresh.learn(example)
    return np.array(scores)


def curve(fresh: OnlineFilter, stream: Stream) -> list[Floats | None]:
    """Learn the first comments and score the next 1,000, for each number of labels in ``CURVE``."""
    found: list[Floats | None] = []
    learnt = 0
    for count in CURVE:
        for example in stream[learnt:count]:
            fresh.learn(example)
        learnt = max(learnt, min(count, len(stream)))
        rest = stream[count : count + NEXT_COMMENTS]
        has_both = len({example.label for example in rest}) == 2
        found.append(np.array([fresh.score(example) for example in rest]) if has_both else None)
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", type=Path, help="an artefact that has seen nothing of the two sets")
    arguments = parser.parse_args()
    model = load(arguments.base) if arguments.base else base_without_store(arguments.folder)
    every = streams(arguments.folder)
    for name, stream in every.items():
        spam = sum(example.label == "spam" for example in stream)
        print(f"stream {name}: {spam} spam, {len(stream) - spam} ham", file=sys.stderr)
    _print_blocked(model, every)
    print("\nEach cell: 1 - ROCA %, then caught % at 0.1 %; means over the streams.\n")
    print("| filter | immediate | second half of it | 100 comments later | 1 in 10 |\n" + "| --- " * 5 + "|")
    by_site = {}
    for name, make in filters(model).items():
        found = _over_streams(lambda stream, make=make: immediate(make(), stream), every)  # type: ignore[misc]
        late = _over_streams(lambda stream, make=make: delayed_feedback(make(), stream, DELAY), every)  # type: ignore[misc]
        few = _over_streams(lambda stream, make=make: partial_feedback(make(), stream), every)  # type: ignore[misc]
        by_site[name] = [
            _cell([_measured(scores, stream)]) for scores, stream in zip(found, every.values(), strict=True)
        ]
        cells = [
            _cell([_measured(scores, stream) for scores, stream in zip(found, every.values(), strict=True)]),
            _cell([_measured(s[len(s) // 2 :], e[len(e) // 2 :]) for s, e in zip(found, every.values(), strict=True)]),
            _cell([_measured(scores, stream) for scores, stream in zip(late, every.values(), strict=True)]),
            _cell([_measured(scores, stream) for scores, stream in zip(few, every.values(), strict=True)]),
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\n| immediate | {' | '.join(every)} |\n" + "| --- " * (len(every) + 1) + "|")
    for name, row in by_site.items():
        print(f"| {name} | {' | '.join(row)} |")
    print(f"\n| the next 1,000 after labels | {' | '.join(map(str, CURVE))} |\n" + "| --- " * (len(CURVE) + 1) + "|")
    for name, make in filters(model).items():
        curves = _over_streams(lambda stream, make=make: curve(make(), stream), every)  # type: ignore[misc]
        columns = [
            _cell(
                [
                    _measured(scores[index], stream[count : count + NEXT_COMMENTS])
                    for scores, stream in zip(curves, every.values(), strict=True)
                    if scores[index] is not None
                ]
            )
            for index, count in enumerate(CURVE)
        ]
        print(f"| {name} | {' | '.join(columns)} |", flush=True)


def _print_blocked(model: Filter, every: dict[str, Stream]) -> None:
    """Tell what is blocked at the model's own threshold, with immediate feedback and without any."""
    block = log_odds_of(model.thresholds.block)
    learning = _over_streams(lambda stream: immediate(Ours(model), stream), every)
    alone = _over_streams(lambda stream: delayed_feedback(Ours(model), stream, len(stream)), every)
    print(f"\n| blocked at its own threshold | {' | '.join(every)} |\n" + "| --- " * (len(every) + 1) + "|")
    for name, found in (("the model alone", alone), ("learning", learning)):
        cells = []
        for scores, stream in zip(found, every.values(), strict=True):
            is_spam = np.array([example.label == "spam" for example in stream])
            blocked = scores >= block
            cells.append(f"{100 * blocked[is_spam].mean():.0f} % of spam, {blocked[~is_spam].sum()} ham")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def streams(folder: Path) -> dict[str, Stream]:
    """Put the dated comments of each blog in order."""
    by_site: defaultdict[str, Stream] = defaultdict(list)
    for example in store_examples(folder):
        if example.label and example.comment.date:
            by_site[example.site].append(example)
    return {
        site: sorted(stream, key=lambda example: example.comment.date)[:MAX_COMMENTS]
        for site, stream in sorted(by_site.items())
        if min(sum(one.label == label for one in stream) for label in ("spam", "ham")) >= MIN_OF_LABEL
    }


def _over_streams(run: Callable[[Stream], object], every: dict[str, Stream]) -> list:
    return list(Parallel(n_jobs=cpu_count(), backend="threading")(delayed(run)(stream) for stream in every.values()))


def _measured(scores: Floats, stream: Sequence[LabelledComment]) -> tuple[float, float]:
    is_spam = np.array([example.label == "spam" for example in stream])
    spam, ham = scores[is_spam], scores[~is_spam]
    if not len(spam) or not len(ham):
        return np.nan, np.nan
    return 100 * (1 - roc_auc(spam, ham)), 100 * caught_at(spam, ham, 0.001)


def _cell(measured: Sequence[tuple[float, float]]) -> str:
    if not measured:
        return "-"
    area, caught = np.nanmean(np.array(measured), axis=0)
    return f"{area:.2f}, {caught:.1f}"


if __name__ == "__main__":
    main()
