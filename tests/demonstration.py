"""A running ``hamgate demo``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conftest import HAMGATE, free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Where the newspaper and Hamgate answer, and the link to the queue that was printed."""

    process: subprocess.Popen[bytes]
    newspaper: str
    hamgate: str
    queue: str
    folder: Path

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Stop both as Ctrl-C does, and return the exit status."""
        os.killpg(self.process.pid, how)
        return self.process.wait(timeout=60)


def start_demonstration(folder: Path, *flags: str) -> Demonstration:
    """Start one that keeps everything in a folder, and wait until it can be used."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = free_port(), free_port()
    command = [*HAMGATE, "demo", "--port", str(ports[0]), "--hamgate-port", str(ports[1]), *flags]
    command += ["--timeout", "60"]  # others may use this machine as well
    printed = folder / "printed"
    with printed.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    wait_until(lambda: process.poll() is not None or b"Ctrl-C" in printed.read_bytes(), 120)
    said = printed.read_text(encoding="utf-8")
    assert process.poll() is None, said
    queue = re.search(r"queue: (\S+)", said)
    assert queue, said
    newspaper, hamgate = (f"http://127.0.0.1:{port}" for port in ports)
    return Demonstration(process, newspaper, hamgate, queue[1], folder)
