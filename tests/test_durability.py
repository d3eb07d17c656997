"""An acknowledged label is never lost: writers are killed, again and again, and all that they acknowledged is there."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from model.comment import Comment
from training.database import Database
from training.labels import GivenLabel, LabelStore

if TYPE_CHECKING:
    from pathlib import Path

    from postgresql import PostgreSQL

ROUNDS = 25
WRITERS = 4


def write(url: str, name: str, log: Path) -> None:
    """Add labels one after the other, and note a number once its label is acknowledged."""
    store = LabelStore(Database(url))
    with log.open("a", encoding="utf-8") as noted:
        for number in range(1_000_000):
            store.add([GivenLabel("blog.example", Comment(text=f"{name}:{number}"), "spam", "ann", datetime.now(UTC))])
            print(number, file=noted, flush=True)


class Writers:
    """Processes that write, begun from one that has imported all they need, since importing takes seconds."""

    def __init__(self, url: str, name: str, folder: Path) -> None:
        self._logs = {f"{name}-{writer}": folder / f"{name}-{writer}.log" for writer in range(WRITERS)}
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["training.labels"])
        self._processes = [context.Process(target=write, args=(url, *named)) for named in self._logs.items()]
        for log, process in zip(self._logs.values(), self._processes, strict=True):
            log.touch()
            process.start()

    def wait_for_labels(self) -> None:
        """Wait until each has added one."""
        while not all(log.stat().st_size for log in self._logs.values()):
            assert all(process.is_alive() for process in self._processes)
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill them all."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()
            process.close()

    def acknowledged(self) -> set[str]:
        """Name the labels that were acknowledged; a line cut off does not count."""
        return {
            f"{writer}:{line}"
            for writer, log in self._logs.items()
            for line in log.read_text(encoding="utf-8").split("\n")[:-1]
            if line.isdigit()
        }


def labels_in(url: str) -> set[str]:
    with Database(url) as database:
        return {given.comment.text for _, given in LabelStore(database).latest()}


def assert_none_is_lost(url: str, folder: Path, server: PostgreSQL | None = None) -> None:
    """Kill the writers, and before them the server if there is one, at some moment under load, again and again."""
    chooser = Random(0)  # noqa: S311 - moments, not secrets
    Database(url).close()
    acknowledged: set[str] = set()
    for turn in range(ROUNDS):
        writers = Writers(url, str(turn), folder)
        writers.wait_for_labels()
        time.sleep(chooser.uniform(0, 0.1))
        if server:
            server.kill()
        writers.kill()
        acknowledged |= writers.acknowledged()
        if server:
            server.start()
    assert len(acknowledged) >= ROUNDS * WRITERS
    assert acknowledged <= labels_in(url)


def test_no_acknowledged_label_is_lost_when_writers_are_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'labels.sqlite3'}"
    assert_none_is_lost(url, tmp_path)
    with Database(url) as database, database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


def test_no_acknowledged_label_is_lost_when_postgresql_is_killed(postgresql: PostgreSQL, tmp_path: Path) -> None:
    assert_none_is_lost(postgresql.new_database(), tmp_path, postgresql)
