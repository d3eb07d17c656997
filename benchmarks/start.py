"""How long ``hamgate serve`` takes to answer and to stop, beside an earlier checkout, in one run.

    python -m benchmarks.start [--rounds 5] [--workers 2] [--before CHECKOUT]

Each round starts every service once, on a database that is there already and with its loops compiled, as they are after
the first start ever, which is not counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path


def times_of(checkout: Path, port: int, workers: int, directory: Path) -> tuple[float, float]:
    """Return the seconds until a service answers, and until it has stopped once it is told to."""
    code = f"import sys; sys.path.insert(0, {str(checkout)!r}); from service.cli import main; main()"
    environment = os.environ | {"HAMGATE_DATABASE": f"sqlite:///{directory / 'hamgate.sqlite3'}"}
    command = [sys.executable, "-c", code, "serve", "--port", str(port), "--workers", str(workers)]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not answers(port):
            if process.poll() is not None:
                raise RuntimeError(f"{checkout}: the service ended with {process.returncode}")
            time.sleep(0.01)
        answered = time.perf_counter()
        process.terminate()
        process.wait()
    return answered - began, time.perf_counter() - answered


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
            return True
    except OSError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--port", type=int, default=8_765)
    parser.add_argument("--before", type=Path, help="a checkout of an earlier state")
    wanted = parser.parse_args()
    checkouts = {"Hamgate": Path.cwd()} | ({"before": wanted.before.resolve()} if wanted.before else {})
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(wanted.rounds + 1):
            for name, checkout in checkouts.items():
                (directory := Path(folder) / name).mkdir(exist_ok=True)
                times = times_of(checkout, wanted.port, wanted.workers, directory)
                if number:
                    seen[name].append(times)
    for name, times in seen.items():
        start, stop = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:10} answers after {start:.1f} s, has stopped after {stop:.1f} s (medians of {len(times)})")


if __name__ == "__main__":
    main()
