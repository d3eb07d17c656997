"""Compare ``POST /v1/check`` while a retraining runs beside the service with how it is without: same server, one run.

    python -m benchmarks.beside [--seconds 5] [--rounds 3] [--labels 4000]

Starts one service, gives its label store made-up labels, and loads it in turns: alone, and while a retraining runs as a
job that somebody asked for. Prints a line for each turn, and the medians and their ratios at the end.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.http import BODY_COUNT, CHECK, Contender, Load, load_with_asyncio, running
from benchmarks.speed import made_up_comments
from model.comment import Comment
from training.database import Database
from training.jobs import Jobs
from training.labels import GivenLabel, LabelStore

SITE = "blog.example"
WORDS = re.findall(r"\w+", __doc__)
CONNECTIONS = 8


def labels(count: int, seed: int = 1) -> list[GivenLabel]:
    """Make up as much spam as ham."""
    rng = random.Random(seed)  # noqa: S311  # makes up comments, not secrets
    made = []
    for number in range(count):
        words = " ".join(rng.choices(WORDS, k=50))
        is_spam = bool(number % 2)
        text = f"{words} {'cheap watches at watches.example' if is_spam else 'thank you'} {number}"
        now = datetime.now(UTC)
        made.append(GivenLabel(SITE, Comment(text=text), "spam" if is_spam else "ham", f"user {number % 7}", now))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=4_000)
    parser.add_argument("--port", type=int, default=8_766)
    wanted = parser.parse_args()
    comments = made_up_comments(BODY_COUNT)
    command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--workers", "2"]
    contender = Contender(CHECK, [*command, "--port", str(wanted.port)], "/v1/check")
    seen: dict[str, list[Load]] = {"alone": [], "beside a retraining": []}
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/hamgate.sqlite3"
        with Database(url) as database:
            LabelStore(database).add(labels(wanted.labels))
            with running(contender, wanted.port, Path(directory)) as (key, _):
                address = f"http://127.0.0.1:{wanted.port}/v1/check"
                load_with_asyncio(address, key, 2, CONNECTIONS, comments)
                for round_number in range(wanted.rounds):
                    for turn, loads in seen.items():
                        number = _asked(Jobs(database)) if turn != "alone" else None
                        loads.append(load_with_asyncio(address, key, wanted.seconds, CONNECTIONS, comments))
                        if number is not None:
                            _require_running(Jobs(database), number)
                        print(f"round {round_number + 1}  {_line(turn, loads[-1])}", flush=True)
    medians = {turn: _median(loads) for turn, loads in seen.items()}
    for turn, load in medians.items():
        print(f"median   {_line(turn, load)}")
    alone, beside = medians.values()
    print(f"beside a retraining: {beside.per_second / alone.per_second:.0%} of the requests, ", end="")
    print(f"{beside.p50_ms / alone.p50_ms:.2f} times the median and {beside.p99_ms / alone.p99_ms:.2f} times the p99")


def _asked(jobs: Jobs) -> int:
    """Ask for a retraining, and wait until it has begun; one that still runs from the turn before will do."""
    job = jobs.newest("retrain")
    number = (
        jobs.ask("retrain", {"promote": False}, datetime.now(UTC), "benchmark")
        if job is None or job.has_ended
        else job.number
    )
    while True:
        job = jobs.find(number)
        if job is not None and job.state != "waiting":
            return number
        time.sleep(0.1)


def _require_running(jobs: Jobs, number: int) -> None:
    job = jobs.find(number)
    if job is None or job.state != "running":
        raise SystemExit(f"the retraining ended before the load did ({job and job.message}): give more --labels")


def _median(loads: list[Load]) -> Load:
    return Load(
        *(statistics.median(getattr(load, name) for load in loads) for name in ("per_second", "p50_ms", "p99_ms"))
    )


def _line(turn: str, load: Load) -> str:
    return f"{turn:22}{load.per_second:9,.0f}/s  p50 {load.p50_ms:6.2f} ms  p99 {load.p99_ms:6.2f} ms"


if __name__ == "__main__":
    main()
