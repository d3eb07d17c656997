"""What a site's lists cost a check: without any settings, with some, and with 10,000 and 20,000 lines, in one run.

    python -m benchmarks.lists [--rounds 9]

Checks go through ``Judge.check`` in process, the ways in random order for each comment. Phrases are of one to three
words, half of which begin with words that every comment has. Also shows the
processor time that taking up the lists takes a worker.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.speed import WORDS, made_up_comments
from model import SHIPPED
from model.lists import Line, Subject
from model.text import _read
from model.verdict import Decision
from service.follower import Follower
from service.judge import Judge
from service.metrics import Metrics
from service.rulebook import Rulebook
from service.served_model import ServedModel
from training.database import Database
from training.labels import LabelStore
from training.lists import ListStore
from training.registry import Registry
from training.settings import LOG_ONLY, SettingsStore

COMMENTS = 200
COUNTS = {"no settings": 0, "log-only, no list": 0, "10 lines": 10, "10,000 lines": 10_000, "20,000 lines": 20_000}


def made_up_lines(count: int) -> list[Line]:
    """Make lines of all kinds, six phrases in ten; none speaks of a made-up comment."""
    chooser = random.Random(count)  # noqa: S311 - a sample, not a secret
    lines = []
    for number in range(count):
        first = chooser.choice(WORDS) if number % 2 else f"brand{number}"
        written = {
            6: (Subject.DOMAIN, f"spam{number}.example"),
            7: (Subject.IP, f"10.{number // 250 % 250}.{number % 250}.0/24"),
            8: (Subject.EMAIL, f"ann{number}@spam.example"),
            9: (Subject.AUTHOR, f"spammer number {number}"),
        }.get(number % 10, (Subject.PHRASE, f"{first} offer{number} now"))
        lines.append(Line.of(*written, Decision.BLOCK))
    return lines


def forget_readings() -> None:
    """Have the next check read its text itself, which another has just read."""
    _read.cache_clear()


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, Database(f"sqlite:///{Path(folder) / 'b.sqlite3'}") as database:
        settings, lists, now = SettingsStore(database), ListStore(database), datetime.now(UTC)
        rulebook = Rulebook(settings, lists)
        served = ServedModel(SHIPPED, Metrics())
        follower = Follower(LabelStore(database), Registry(database), served, rulebook)
        follower.close()
        judge = Judge(served, follower, rulebook)
        taken_up: dict[str, float] = {}
        for name, count in COUNTS.items():
            if name != "no settings":
                settings.change(name, LOG_ONLY, True, now, "benchmark")
            lists.add(name, made_up_lines(count), now, "benchmark")
            start = time.thread_time()
            rulebook.follow()
            taken_up[name] = (time.thread_time() - start) * 1e3
        comments = made_up_comments(COMMENTS)
        chooser = random.Random(0)  # noqa: S311 - an order, not a secret
        taken: dict[str, list[float]] = {name: [] for name in COUNTS}
        for _ in range(rounds):
            for comment in comments:
                for name in chooser.sample(list(taken), len(taken)):
                    forget_readings()
                    start = time.perf_counter()
                    judge.check(name, comment)
                    taken[name].append(time.perf_counter() - start)
        first = statistics.median(taken["no settings"])
        print("| a site with | one check, median | ratio | lists taken up in |\n| --- | --- | --- | --- |")
        for name, times in taken.items():
            median = statistics.median(times)
            print(f"| {name} | {median * 1e6:.0f} µs | {median / first:.2f} | {taken_up[name]:.0f} ms |")


if __name__ == "__main__":
    main()
