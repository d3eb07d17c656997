"""A job's process as the service sees it: started at low priority, listened to, and ended with the service.

The process only says on standard output how far it is and how it ended; the service, which is not held up by others,
writes that down. A process of low priority that writes to SQLite every second would now and then keep everybody waiting
while it waits for a processor itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = (sys.executable, "-c", "from service.cli import main; main()", "job")
NICENESS = 19
IMPORT_NICENESS = 5
"""An import mostly writes: at the lowest priority it would keep others from the database for long."""


class JobProcess:
    """The process of one job.

    Attributes:
        share: how much of the job is done, 0 to 1.
        message: what it is doing.
        outcome: what came of it, JSON values, once it is done.
        reason: why it could not be done.
    """

    def __init__(self, number: int, kind: str, environment: Mapping[str, str]) -> None:
        self.share = 0.0
        self.message = "begins"
        self.outcome: dict[str, Any] | None = None
        self.reason: str | None = None
        niceness = IMPORT_NICENESS if kind == "import" else NICENESS
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            (*COMMAND, str(number)),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=partial(os.nice, niceness) if hasattr(os, "nice") else None,
        )
        self._listener = Thread(target=self._listen, name=f"job-{number}", daemon=True)
        self._listener.start()

    def has_ended(self) -> bool:
        """Whether the process is gone; ``outcome`` or ``reason`` then tell how, unless it ended without a word."""
        if self._process.poll() is None:
            return False
        self._listener.join()
        self._close()
        if self.outcome is None and self.reason is None:
            self.reason = f"its process ended without a word, with status {self._process.returncode}"
        return True

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._close()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            try:
                said = json.loads(line)
            except ValueError:  # a library that prints
                continue
            self.share, self.message = said.get("share", self.share), said.get("message", self.message)
            self.outcome, self.reason = said.get("outcome"), said.get("reason")

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
