"""Measure how long the moderators' pages take on the server, with many comments in the queue.

    python -m benchmarks.pages [--waiting 10000] [--remembered 100000] [--rounds 20] [--database URL]

Fills a database (SQLite in a temporary folder, unless an empty one is given): comments that wait, a tenth of them in
campaigns, among others that were not held, some with labels. Then asks the application for each page, with no network
between. Prints what writing a thousand checks took, held and not, and of each page the median time and processor time,
the worst time, and the size in KiB.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model import SHIPPED
from model.artifact import load
from model.comment import Comment
from service.app import create_app
from service.auth import digest_of
from service.config import Config
from service.passwords import make_token, token_digest
from training.accounts import Account, Accounts, Role
from training.labels import Check, GivenLabel, LabelStore, first_id
from training.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = (
    "tea",
    "train",
    "kettle",
    "mayor",
    "violin",
    "garden",
    "old",
    "speech",
    "buy",
    "cheap",
    "online",
    "visit",
    "best",
)
SITES = ("blog.example", "news.example", "shop.example")
BATCH = 1_000
PAGES = {
    "queue, most uncertain first": "/moderate/",
    "queue, newest first": "/moderate/?order=newest",
    "queue of one site": "/moderate/?site=news.example",
    "queue, a word": "/moderate/?words=kettle",
    "queue, a word that is nowhere": "/moderate/?words=zorbex",
    "queue, a reason": "/moderate/?reason=links",
    "history": "/moderate/history",
    "history, a word that is nowhere": "/moderate/history?words=zorbex",
    "what people said": "/moderate/history/labels",
}


def comments(count: int) -> Iterator[Comment]:
    """Make comments of 20 to 120 words; a tenth are nearly the same as a hundred others."""
    for number in range(count):
        in_campaign = number % 10 == 0
        chooser = random.Random(number // 1_000 if in_campaign else number)  # noqa: S311 - a sample, not a secret
        text = " ".join(chooser.choices(WORDS, k=60 if in_campaign else chooser.randint(20, 120)))
        yield Comment(text=f"{text} http://site.example/{number}", author=f"{chooser.choice(WORDS)} {number}")


def checks(count: int, is_held: bool, end: datetime) -> Iterator[list[Check]]:
    """Judge comments, and say of all that they were held, or of none; in batches, ten a second until ``end``."""
    served, made = load(SHIPPED), comments(count)
    for start in range(0, count, BATCH):
        batch = [comment for comment, _ in zip(made, range(min(BATCH, count - start)), strict=False)]
        written = []
        for number, (comment, verdict) in enumerate(zip(batch, served.check_many(batch), strict=True), start):
            at, site = end - timedelta(seconds=(count - number) / 10), SITES[number % len(SITES)]
            identity = f"{first_id(at)}{number:019x}{is_held:x}"
            kept = (verdict.reasons, verdict.sketch) if is_held else ((), b"")
            decision, score = ("review", 0.87 + number % 100 / 1_000) if is_held else ("allow", verdict.score)
            written.append(Check(identity, site, at, comment, score, decision, verdict.model, *kept))
        yield written


def fill(store: Store, waiting: int, remembered: int) -> None:
    """Write checks of both kinds, and labels of a few that were not held; print what a thousand took."""
    labels, now = LabelStore(store), datetime.now(UTC)
    for site in SITES:
        store.add_site(site, digest_of(site), now)
    for count, is_held in ((remembered, False), (waiting, True)):
        worked = []
        for batch in checks(count, is_held, now):
            begun = time.thread_time()
            labels.remember(batch)
            worked.append(time.thread_time() - begun)
            if not is_held:
                labels.add([GivenLabel(check.site, check.comment, "ham", "ann", now) for check in batch[:20]])
        kind = "held" if is_held else "not held"
        print(f"writing {BATCH:,} checks, {kind}: {1_000 * statistics.median(worked):.0f} ms of work")


def measure(config: Config, rounds: int) -> None:
    """Ask for each page, again and again."""
    app = create_app(config)
    store = app.extensions["hamgate.store"]
    accounts, token, now = Accounts(store), make_token(), datetime.now(UTC)
    accounts.add(Account("ann", Role.ADMIN, frozenset(), now), None)
    accounts.begin_session(token_digest(token), "ann", now, now + timedelta(days=1))
    client = app.test_client()
    client.set_cookie("hamgate-session", token)
    for name, path in PAGES.items():
        took, worked = [], []
        for _ in range(rounds):
            began, begun_work = time.perf_counter(), time.thread_time()
            answer = client.get(path)
            took.append(1_000 * (time.perf_counter() - began))
            worked.append(1_000 * (time.thread_time() - begun_work))
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status}")
        size = len(answer.data) / 1_024
        median, work = statistics.median(took), statistics.median(worked)
        print(f"{name:<32} {median:5.0f} ms ({work:4.0f} ms of work), worst {max(took):5.0f} ms, {size:4.0f} KiB")
    for part in ("follower", "recorder", "store"):
        app.extensions[f"hamgate.{part}"].close()


def main() -> None:
    """Fill and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--remembered", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Config(database=options.database or f"sqlite:///{folder}/hamgate.sqlite3", log_requests=False)
        with Store(config.database) as store:
            fill(store, options.waiting, options.remembered)
        measure(config, options.rounds)


if __name__ == "__main__":
    main()
