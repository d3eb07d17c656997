"""The running service: what it prints, how it stops, reloads and shares the machine, and what it never says."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import ssl
import stat
import threading
import time
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certificates import make_certificate
from click.testing import CliRunner
from conftest import Service, stop_service, wait_until
from test_metrics import workers_of

from service.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WORKER_BYTES = 200 * 1024 * 1024


@pytest.fixture
def own_service(start: Callable[..., Service]) -> Service:
    """A service with one worker that a test may stop or change."""
    return start()


def test_the_printed_call_can_be_pasted(service: Service) -> None:
    command = shlex.split(service.printed.splitlines()[-1])
    assert command[0] == "curl"
    url, header, content_type, body = command[1], command[3], command[5], command[7]
    assert (command[2], command[4], command[6]) == ("-H", "-H", "-d")
    assert url == f"http://127.0.0.1:{service.port}/v1/check"
    assert header == f"Authorization: Bearer {service.key}"
    assert content_type == "Content-Type: application/json"
    reply = service.call("POST", "/v1/check", body.encode(), Authorization=header.partition(": ")[2])
    assert reply.status == 200
    assert reply.json()["decision"] in ("block", "discard")


def test_the_local_site_keeps_its_key_which_only_its_owner_can_read(
    own_service: Service, start: Callable[..., Service]
) -> None:
    kept = Path(own_service.database.removeprefix("sqlite:///") + ".local-key")
    assert kept.read_text(encoding="ascii").strip() == own_service.key
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stop_service(own_service) == 0
    assert start().key == own_service.key


def test_with_a_certificate_it_answers_https_and_nothing_else(tmp_path: Path, start: Callable[..., Service]) -> None:
    made = make_certificate(tmp_path, "DNS:hamgate.example", "IP:127.0.0.1")
    service = start(tls=made)
    assert f"curl https://127.0.0.1:{service.port}/v1/check" in service.printed
    assert service.check("hi").status == 200
    context = ssl.create_default_context(cafile=made.authority)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as plain:
            context.wrap_socket(plain, server_hostname="hamgate.example").close()
    with pytest.raises((HTTPException, ConnectionError)):
        replace(service, authority=None).check("hi")


def test_with_sites_of_the_operator_no_key_is_printed(tmp_path: Path, start: Callable[..., Service]) -> None:
    database = f"sqlite:///{tmp_path / 'hamgate.sqlite3'}"
    made = CliRunner().invoke(main, ["sites", "add", "blog.example", "--database", database])
    service = start()
    assert service.key == "KEY"
    reply = service.call("POST", "/v1/check", b'{"text": "hi"}', Authorization=f"Bearer {made.stdout.strip()}")
    assert reply.status == 200
    assert list(tmp_path.glob("*-key")) == []


def test_a_rotated_key_is_void_in_the_running_service(own_service: Service) -> None:
    assert own_service.check("hi").status == 200
    rotated = CliRunner().invoke(main, ["sites", "rotate-key", "local", "--database", own_service.database])
    wait_until(lambda: own_service.check("hi").status == 401, seconds=3)
    renewed = f"Bearer {rotated.stdout.strip()}"
    assert own_service.call("POST", "/v1/check", b'{"text": "hi"}', Authorization=renewed).status == 200


def test_a_request_under_way_is_answered_before_the_service_stops(own_service: Service) -> None:
    body = b'{"text": "hi"}'
    with socket.create_connection(("127.0.0.1", own_service.port), timeout=10) as connection:
        head = (
            f"POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {own_service.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:5])
        time.sleep(0.3)
        own_service.process.terminate()
        time.sleep(0.5)
        connection.sendall(body[5:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
    assert own_service.process.wait(timeout=20) == 0


def test_a_reload_replaces_the_workers_without_losing_a_request(own_service: Service) -> None:
    statuses: list[int] = []
    stopping = threading.Event()

    def keep_asking() -> None:
        while not stopping.is_set():
            statuses.append(own_service.check("hi").status)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    before = workers_of(own_service)
    own_service.process.send_signal(signal.SIGHUP)
    try:
        wait_until(lambda: workers_of(own_service) and not workers_of(own_service) & before, seconds=20)
        time.sleep(0.5)
    finally:
        stopping.set()
        asking.join()
    assert len(statuses) > 20
    assert set(statuses) == {200}


def test_workers_do_not_outlive_their_launcher(own_service: Service) -> None:
    workers = workers_of(own_service)
    own_service.process.kill()
    own_service.process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), seconds=10)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_a_worker_needs_less_than_200_mib(own_service: Service) -> None:
    for _ in range(50):
        own_service.check("Some text, and some more of it. " * 10)
    for pid in workers_of(own_service):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        assert int(resident.split()[1]) * 1024 < MAX_WORKER_BYTES


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc")
def test_the_service_connects_to_nobody(service: Service) -> None:
    service.check("see http://example.com/ and https://bit.ly/x")
    inodes = {
        str(entry.readlink()).removeprefix("socket:[").rstrip("]")
        for pid in workers_of(service)
        for entry in Path(f"/proc/{pid}/fd").iterdir()
        if entry.exists() and str(entry.readlink()).startswith("socket:[")
    }
    rows = [
        line.split()
        for table in ("tcp", "tcp6", "udp", "udp6")
        if Path(f"/proc/net/{table}").exists()
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    ]
    ours = [row for row in rows if row[9] in inodes]
    assert ours
    assert {int(row[1].rpartition(":")[2], 16) for row in ours} == {service.port}


def test_the_log_has_a_line_of_json_for_each_request_and_nothing_of_the_comment(service: Service) -> None:
    private = {
        "text": "MARKTEXT with some words",
        "author": "MARKAUTHOR",
        "author_email": "markmail@example.com",
        "author_url": "http://markurl.example/",
        "user_ip": "203.0.113.77",
        "user_agent": "MARKAGENT",
        "honeypot": "MARKHONEY",
    }
    body = json.dumps(private).encode()
    verdict = service.call("POST", "/v1/check", body).json()
    service.call("POST", "/v1/check/batch", json.dumps({"comments": [private, {"text": ["MARKTEXT"]}]}).encode())
    service.call("POST", "/v1/check", body[:-1])
    service.call("POST", "/v1/check", json.dumps({**private, "lang": {"MARKTEXT": 1}}).encode())
    service.call("POST", "/v1/check?MARKQUERY=1", body, Authorization="Bearer markkey22222")
    service.call("GET", "/MARKPATH")
    wait_until(lambda: any(line.get("request_id") == verdict["id"] for line in service.lines()), seconds=5)
    logged = service.log.read_text(encoding="utf-8")
    for mark in ("MARK", "mark", "203.0.113.77", service.key, "127.0.0.1:"):
        lines = [line for line in logged.splitlines() if mark in line and "Listening at" not in line]
        assert lines == [], mark
    line = next(line for line in service.lines() if line.get("request_id") == verdict["id"])
    assert (line["route"], line["status"], line["site"], line["method"]) == ("/v1/check", 200, "local", "POST")
    assert line["ms"] > 0
