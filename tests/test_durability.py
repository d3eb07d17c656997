"""An acknowledged label is never lost: writers are killed, again and again, and all that they acknowledged is there."""

from __future__ import annotations

import subprocess
import sys
import time
from random import Random
from typing import TYPE_CHECKING

from training.database import Database
from training.labels import LabelStore

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 25
WRITERS = 4
WRITER = """
import sys
from datetime import datetime, UTC
from model.comment import Comment
from training.database import Database
from training.labels import GivenLabel, LabelStore

url, name = sys.argv[1:]
store = LabelStore(Database(url))
for number in range(1_000_000):
    store.add([GivenLabel("blog.example", Comment(text=f"{name}:{number}"), "spam", "ann", datetime.now(UTC))])
    print(number, flush=True)
"""


def test_no_acknowledged_label_is_lost_when_writers_are_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'labels.sqlite3'}"
    chooser = Random(0)  # noqa: S311 - moments, not secrets
    Database(url).close()
    acknowledged: set[str] = set()
    for turn in range(ROUNDS):
        logs = {f"{turn}-{writer}": tmp_path / f"{turn}-{writer}.log" for writer in range(WRITERS)}
        processes = []
        for name, log in logs.items():
            with log.open("wb") as output:
                processes.append(subprocess.Popen([sys.executable, "-c", WRITER, url, name], stdout=output))
        while not all(log.stat().st_size for log in logs.values()):
            assert all(process.poll() is None for process in processes)
            time.sleep(0.01)
        time.sleep(chooser.uniform(0, 0.1))
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        for name, log in logs.items():
            whole_lines = log.read_text(encoding="ascii").split("\n")[:-1]
            acknowledged |= {f"{name}:{number}" for number in whole_lines}
    with Database(url) as database:
        kept = {given.comment.text for _, given in LabelStore(database).latest()}
        with database.transaction() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert len(acknowledged) > ROUNDS * WRITERS
    assert acknowledged <= kept
