"""What a check costs in process: ours beside fastText and scikit-learn's hashing, in one run, on comments made here.

    python -m benchmarks.speed [--train FILE...]

Single checks include reading the comment, scoring it, and its reasons in words. fastText predicts from the same strings
(fields appended to the text). With ``--train``, the files are learned from as well, and the seconds shown.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from model import SHIPPED
from model.artifact import load
from model.comment import Comment

if TYPE_CHECKING:
    from collections.abc import Callable

COMMENT_CHARACTERS = 300
SINGLE_COMMENTS = 300
BATCH_COMMENTS = 5_000
ROUNDS = 7
_TALK = """the a of and to in is it you that was for on are with as his they be at one have this from or had by hot but
some what there we can out other were all your when up use word how said an each she which do their time if will way
about many then them would write like so these her long make thing see him two has look more day could go come did my
sound no most number who over know water than call first people may down side been now find any new work compiler
release thanks article cheap online garden naïve café straße привет спасибо 学习 ありがとう"""
WORDS = _TALK.split()
PLAIN_WORDS = [word for word in WORDS if word.isascii()]


def made_up_comments(count: int, seed: int = 0) -> list[Comment]:
    """Make comments of about 300 characters; one in four has a link, one in five other letters than ASCII's.

    All have an author, URL and e-mail address.
    """
    chooser = random.Random(seed)  # noqa: S311 - a sample, not a secret
    comments = []
    for number in range(count):
        text, words = "", WORDS if number % 5 == 0 else PLAIN_WORDS
        while len(text) < COMMENT_CHARACTERS:
            text += chooser.choice(words) + chooser.choice((" ", " ", " ", " ", " ", ", ", ". "))
        if number % 4 == 0:
            text += f' <a href="http://site{number}.example/page">{chooser.choice(WORDS)}</a>'
        name = f"{chooser.choice(WORDS)} {chooser.choice(WORDS)}"
        url = f"http://{chooser.choice(PLAIN_WORDS)}{number}.example/{chooser.choice(PLAIN_WORDS)}"
        comments.append(Comment(text=text, author=name, author_url=url, author_email=f"x{number}@mail.example"))
    return comments


def microseconds(work: Callable[[], object], items: int) -> float:
    """Return the best of several rounds, per item."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) / items * 1e6


def medians(
    pairs: list[tuple[Callable[[Comment], object], Callable[[Comment], object]]], comments: list[Comment]
) -> None:
    """Print the median of single calls, the two taking turns comment by comment."""
    for ours, peer in pairs:
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for comment in comments:
                for index, work in enumerate((ours, peer)):
                    start = time.perf_counter()
                    work(comment)
                    taken[index].append(time.perf_counter() - start)
        ours_us, peer_us = (statistics.median(times) * 1e6 for times in taken)
        print(
            f"| one check, median | {ours_us:.0f} µs | fastText predict: {peer_us:.0f} µs | {ours_us / peer_us:.1f} |"
        )


def as_line(comment: Comment) -> str:
    """Join the fields as the peers see them."""
    return f"{comment.text} {comment.author} {comment.author_url} {comment.author_email}".replace("\n", " ")


def trained_fasttext(comments: list[Comment]) -> object:
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        labels = (f"__label__{'spam' if number % 2 else 'ham'} {as_line(c)}" for number, c in enumerate(comments))
        lines.write_text("\n".join(labels), encoding="utf-8")
        return fasttext.train_supervised(str(lines), wordNgrams=3, minn=2, maxn=5, epoch=1, verbose=0)


def main() -> None:
    """Print a markdown table."""
    from sklearn.feature_extraction.text import HashingVectorizer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", nargs="+", metavar="FILE", help="also train on these labelled files")
    arguments = parser.parse_args()
    start = time.perf_counter()
    model = load(SHIPPED)
    load_ms = (time.perf_counter() - start) * 1e3
    comments = made_up_comments(SINGLE_COMMENTS)
    peer = trained_fasttext(made_up_comments(2_000, seed=1))
    print("| what | Hamgate | peer | ratio |\n| --- | --- | --- | --- |")
    medians([(model.check, lambda comment: peer.predict(as_line(comment)))], comments)  # type: ignore[attr-defined]
    batch = made_up_comments(BATCH_COMMENTS, seed=2)
    lines = [as_line(comment) for comment in batch]
    hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(1, 5))
    hashed = microseconds(lambda: hashing.transform(lines), len(lines))
    chunks = [batch[i : i + 32] for i in range(0, len(batch), 32)]
    scored = microseconds(lambda: [model.scorer.log_odds(chunk) for chunk in chunks], len(batch))
    judged = microseconds(lambda: model.check_many(batch), len(batch))
    for name, ours in (("batch, scores", scored), ("batch, scores and reasons", judged)):
        print(f"| {name}, a comment | {ours:.0f} µs | HashingVectorizer alone: {hashed:.0f} µs | {ours / hashed:.2f} |")
    print(f"| loading and verifying the model | {load_ms:.0f} ms | | |")
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4 // 1024
    print(f"\nResident memory of this process, scikit-learn and fastText included: {resident} MiB")
    if arguments.train:
        _time_training(arguments.train)


def _time_training(files: list[str]) -> None:
    from training.formats.row import Rejected
    from training.labelled import read_labelled
    from training.train import train

    examples = [e for name in files for e in read_labelled(name) if not isinstance(e, Rejected)]
    start = time.perf_counter()
    trained = train(examples, jobs=2)
    print(f"training on {trained.card['trained_on']['comments']} comments: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
