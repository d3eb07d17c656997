"""Compare ``POST /v1/check`` with an empty Flask endpoint: same server, workers, client and bodies, in one run.

    python -m benchmarks.http [--seconds 5] [--rounds 3] [--workers 2] [--connections 8] [--before CHECKOUT]
        [--comments FILE...]

Each round starts each service afresh and loads it for some seconds, one after the other, so that what else the machine
does strikes all alike. The client is ``wrk`` where it is installed (apt-get install wrk), else a plain asyncio one.
``--before`` adds the service of another checkout. Comments are made up, or drawn evenly from those of about 300
characters in JSON Lines files. Those made up, of few words and so much like each other, cost more to remember: more of
them are held for review, and compared with others as possible campaigns.
Prints a line for each service and round, and the medians and ratios at the end: of answers a second, and, where the
system tells (``/proc``), of the processor time that the server's processes took for an answer, which other work on the
machine moves less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Flask, Response, jsonify

from benchmarks.speed import made_up_comments
from model.comment import Comment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECK = "POST /v1/check"
BODY_COUNT = 200
LENGTHS = range(200, 421)
FORM_NAMES = {
    "text": "comment_content",
    "author": "comment_author",
    "author_url": "comment_author_url",
    "author_email": "comment_author_email",
}

empty = Flask("empty")


@empty.post("/empty")
def answer_nothing() -> Response:
    return jsonify(ok=True)


def empty_gateway() -> object:
    """Put the empty endpoint behind the same gateway that the service has."""
    from service.gateway import Gateway

    return Gateway(empty, 1024 * 1024, 10.0, ())


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to answer: its name, the command that starts it, and the path to load."""

    name: str
    command: list[str]
    path: str


@dataclass(frozen=True, slots=True)
class Load:
    """What the client saw: answers a second, latencies in milliseconds; and the server's time for one, in µs."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float = 0.0


def forms(comments: Sequence[Comment], key: str) -> list[bytes]:
    """Write comments as an Akismet client does."""
    return [
        urlencode(
            {
                "api_key": key,
                "blog": "http://blog.example",
                **{FORM_NAMES.get(name, name): value for name, value in json.loads(body).items()},
            }
        ).encode()
        for body in bodies(comments)
    ]


def bodies(comments: Sequence[Comment]) -> list[bytes]:
    """Write comments as a site sends them."""
    known = {"user_ip": "192.0.2.1", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"}
    return [json.dumps({field: getattr(one, field) for field in FORM_NAMES} | known).encode() for one in comments]


def comments_in(files: Sequence[Path]) -> list[Comment]:
    """Draw comments of about 300 characters evenly from JSON Lines files."""
    lines = (line for file in files for line in file.read_text(encoding="utf-8").strip().split("\n"))
    every = [Comment.from_mapping(json.loads(line)) for line in lines]
    fitting = [comment for comment in every if len(comment.text) in LENGTHS]
    return fitting[:: max(len(fitting) // BODY_COUNT, 1)][:BODY_COUNT]


def contenders(port: int, workers: int, before: Path | None) -> list[Contender]:
    granian = [sys.executable, "-m", "granian", "--no-ws", "--port", str(port), "--workers", str(workers)]
    hamgate = [sys.executable, "-c", "from service.cli import main; main()", "serve"]
    hamgate += ["--port", str(port), "--workers", str(workers)]
    older = f"import sys; sys.path.insert(0, {str(before)!r}); from service.cli import main; main()"
    return [
        *([Contender("before", [sys.executable, "-c", older, *hamgate[3:]], "/v1/check")] if before else []),
        Contender(
            "empty Flask, same gateway",
            [*granian, "--interface", "rsgi", "--loop", "uvloop", "--factory", "benchmarks.http:empty_gateway"],
            "/empty",
        ),
        Contender(
            "empty Flask, plain WSGI",
            [*granian, "--interface", "wsgi", "--blocking-threads", "1", "benchmarks.http:empty"],
            "/empty",
        ),
        Contender("checks not remembered", [*hamgate, "--keep-checks-days", "0"], "/v1/check"),
        Contender("Akismet comment-check", hamgate, "/1.1/comment-check"),
        Contender(CHECK, hamgate, "/v1/check"),
    ]


@contextmanager
def running(contender: Contender, port: int, directory: Path) -> Iterator[tuple[str, int]]:
    """Start a contender in a process group of its own, and yield the key that it prints, and the group."""
    environment = os.environ | {"HAMGATE_DATABASE": f"sqlite:///{directory / 'hamgate.sqlite3'}"}
    printed = directory / "stdout"
    with printed.open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            contender.command, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
        )
    try:
        _wait_for(port, process, directory / "stderr")
        key = re.search(r"Bearer (\w+)", printed.read_text(encoding="utf-8"))
        yield key[1] if key else "none", process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], stderr: Path) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(1.0)  # until the other workers listen too
                return
        time.sleep(0.1)
    raise RuntimeError(f"nobody answers on port {port}: {stderr.read_text(encoding='utf-8')}")


def load_with_wrk(
    url: str, key: str, seconds: float, connections: int, comments: Sequence[Comment], *, directory: Path
) -> Load:
    script = directory / "load.lua"
    is_form = url.endswith("comment-check")
    listed = ",\n".join(f"[==[{body.decode()}]==]" for body in (forms(comments, key) if is_form else bodies(comments)))
    content_type = "application/x-www-form-urlencoded" if is_form else "application/json"
    script.write_text(
        f"local bodies = {{{listed}}}\n"
        "local headers = {['Content-Type'] = '" + content_type + "', ['Authorization'] = 'Bearer " + key + "'}\n"
        "local at = 0\n"
        "request = function()\n"
        "  at = at % #bodies + 1\n"
        "  return wrk.format('POST', nil, headers, bodies[at])\n"
        "end\n",
        encoding="utf-8",
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}", "--latency", "-s", str(script), url]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in printed:
        raise RuntimeError(printed)
    return Load(
        float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]),  # type: ignore[index]  # wrk always prints it
        _milliseconds(re.search(r"\n\s+50%\s+(\S+)", printed)[1]),  # type: ignore[index]
        _milliseconds(re.search(r"\n\s+99%\s+(\S+)", printed)[1]),  # type: ignore[index]
    )


def _milliseconds(written: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", written).groups()  # type: ignore[union-attr]  # wrk's own format
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1_000.0}[unit]


def load_with_asyncio(url: str, key: str, seconds: float, connections: int, comments: Sequence[Comment]) -> Load:
    return asyncio.run(_load(url, key, seconds, connections, comments))


async def _load(url: str, key: str, seconds: float, connections: int, comments: Sequence[Comment]) -> Load:
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    is_form = path.endswith("comment-check")
    content_type = "application/x-www-form-urlencoded" if is_form else "application/json"
    head = f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: {content_type}\r\n"
    sent = forms(comments, key) if is_form else bodies(comments)
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in sent]
    latencies: list[float] = []
    ends = time.perf_counter() + seconds

    async def keep_asking(offset: int) -> None:
        reader, writer = await asyncio.open_connection(name, int(port))
        number = offset
        while (started := time.perf_counter()) < ends:
            writer.write(requests[number % len(requests)])
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode())
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer)[1]))  # type: ignore[index]
            latencies.append((time.perf_counter() - started) * 1_000)
            number += 1
        writer.close()

    await asyncio.gather(*(keep_asking(offset) for offset in range(connections)))
    hundredths = statistics.quantiles(latencies, n=100)
    return Load(len(latencies) / seconds, hundredths[49], hundredths[98])


def measure(contender: Contender, port: int, seconds: float, connections: int, comments: Sequence[Comment]) -> Load:
    with tempfile.TemporaryDirectory() as directory, running(contender, port, Path(directory)) as (key, group):
        url = f"http://127.0.0.1:{port}{contender.path}"
        load = partial(load_with_wrk, directory=Path(directory)) if shutil.which("wrk") else load_with_asyncio
        load(url, key, 1, connections, comments)
        before = _cpu_seconds(group)
        seen = load(url, key, seconds, connections, comments)
        taken = _cpu_seconds(group) - before
        return replace(seen, cpu_us=taken / (seen.per_second * seconds) * 1e6)


def _cpu_seconds(group: int) -> float:
    """Sum up the processor time of a process group, in seconds; 0 where the system does not tell."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--port", type=int, default=8_765)
    parser.add_argument("--before", type=Path, help="a checkout of an earlier state")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these alone, beside POST /v1/check")
    parser.add_argument("--comments", type=Path, nargs="+", metavar="FILE", help="JSON Lines, instead of made-up ones")
    wanted = parser.parse_args()
    comments = comments_in(wanted.comments) if wanted.comments else made_up_comments(BODY_COUNT)
    loads: dict[str, list[Load]] = {}
    for round_number in range(wanted.rounds):
        for contender in contenders(wanted.port, wanted.workers, wanted.before):
            if wanted.only and contender.name not in (*wanted.only, CHECK):
                continue
            load = measure(contender, wanted.port, wanted.seconds, wanted.connections, comments)
            loads.setdefault(contender.name, []).append(load)
            print(f"round {round_number + 1}  {_line(contender.name, load)}", flush=True)
    print()
    medians = {name: _median(seen) for name, seen in loads.items()}
    for name, load in medians.items():
        print(f"median   {_line(name, load)}")
    check = medians.pop(CHECK)
    for name, load in medians.items():
        print(f"POST /v1/check reaches {check.per_second / load.per_second:.0%} of {name}{_by_time(check, load)}")
    print(f"POST /v1/check: p99 is {check.p99_ms / check.p50_ms:.1f} times the median")


def _median(loads: list[Load]) -> Load:
    return Load(
        statistics.median(load.per_second for load in loads),
        statistics.median(load.p50_ms for load in loads),
        statistics.median(load.p99_ms for load in loads),
        statistics.median(load.cpu_us for load in loads),
    )


def _by_time(check: Load, load: Load) -> str:
    return f", {load.cpu_us / check.cpu_us:.0%} by the server's time" if check.cpu_us else ""


def _line(name: str, load: Load) -> str:
    latencies = f"p50 {load.p50_ms:6.2f} ms  p99 {load.p99_ms:6.2f} ms"
    return f"{name:28}{load.per_second:9,.0f}/s  {latencies}  {load.cpu_us:5.0f} µs of the server"


if __name__ == "__main__":
    main()
