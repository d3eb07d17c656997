"""What several test files share: a real trained model, an application on a fresh database, and a running service."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from model import SHIPPED
from service.app import create_app
from service.auth import digest_of, make_key
from service.config import Config
from training.database import Database
from training.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from certificates import Certificate
    from clients import Clients
    from demonstration import Demonstration
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser
    from postgresql import PostgreSQL

START_TIMEOUT_SECONDS = 120
HAMGATE = [sys.executable, "-c", "from service.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Service:
    """A running ``hamgate serve``: where it answers, the key of its local site, and what it prints and logs."""

    process: subprocess.Popen[bytes]
    port: int
    key: str
    printed: str
    log: Path
    database: str
    host: str = "127.0.0.1"
    authority: Path | None = None
    """Who signed the certificate of a service that answers HTTPS."""

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Make one request on a connection of its own; without an Authorization, the local site's key is sent."""
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self._connection()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.authority is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=30)
        trust = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection(self.host, self.port, timeout=30, context=trust)

    def check(self, text: str) -> Reply:
        """Have one text checked."""
        return self.call("POST", "/v1/check", json.dumps({"text": text}).encode())

    def lines(self) -> list[dict[str, Any]]:
        """Read the log; every line must be JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_service(directory: Path, *flags: str, tls: Certificate | None = None, **settings: str) -> Service:
    """Start a service of its own in ``directory`` and wait until it can score."""
    port, log = int(settings.get("HAMGATE_PORT", free_port())), directory / "stderr.log"
    database = settings.get("HAMGATE_DATABASE", f"sqlite:///{directory / 'hamgate.sqlite3'}")
    environment = (
        os.environ | {"HAMGATE_PORT": str(port), "HAMGATE_DATABASE": database, "TMPDIR": str(directory)} | settings
    )
    if tls is not None:
        flags = (*flags, "--tls-certificate", str(tls.certificate), "--tls-key", str(tls.key))
    with log.open("wb") as stderr, (directory / "stdout.log").open("wb") as stdout:
        process = subprocess.Popen([*HAMGATE, "serve", *flags], env=environment, stdout=stdout, stderr=stderr)
    host, authority = settings.get("HAMGATE_HOST", "127.0.0.1"), tls and tls.authority
    service = Service(process, port, "", "", log, database, host, authority)
    wait_until(lambda: process.poll() is not None or answers(service, "/healthz"))
    printed = (directory / "stdout.log").read_text(encoding="utf-8")
    assert process.poll() is None, log.read_text(encoding="utf-8")
    key = re.search(r"Bearer (\w+)", printed)
    assert key, printed
    return replace(service, key=key[1], printed=printed)


def stop_service(service: Service) -> int:
    service.process.terminate()
    return service.process.wait(timeout=30)


def wait_until(condition: Any, seconds: float = START_TIMEOUT_SECONDS) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still waiting after {seconds} seconds"
        time.sleep(0.05)


def answers(service: Service, path: str) -> bool:
    """Whether the service is there and content."""
    try:
        return service.call("GET", path).status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def small_model_path() -> Path:
    """A real model."""
    return SHIPPED


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database of empty tables, to be copied: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("blank") / "blank.sqlite3"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def config(small_model_path: Path, blank: Path, tmp_path: Path) -> Config:
    """The settings of an application with a database of its own, which logs no requests."""
    path = shutil.copy(blank, tmp_path / "hamgate.sqlite3")
    return Config(database=f"sqlite:///{path}", model=small_model_path, port=1, log_requests=False)


@pytest.fixture
def key(config: Config) -> str:
    """The key of a site called ``blog.example`` in the application's database."""
    made = make_key()
    with Store(config.database) as store:
        store.add_site("blog.example", digest_of(made), datetime.now(UTC))
    return made


def close(app: Flask) -> None:
    """Stop what an application has running beside its requests."""
    for name in ("follower", "recorder", "callbacks", "store"):
        app.extensions[f"hamgate.{name}"].close()


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The application."""
    made = create_app(config)
    yield made
    close(made)


@pytest.fixture
def client(app: Flask, key: str) -> FlaskClient:
    """A client with the site's key."""
    made = app.test_client()
    made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return made


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server."""
    from postgresql import PostgreSQL, programs

    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    server = PostgreSQL(folder)
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, blank: Path, tmp_path: Path) -> str:
    """The URL of a database of empty tables, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(blank, tmp_path / 'empty.sqlite3')}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.copied_database()


@pytest.fixture
def site_key(service: Service) -> Iterator[str]:
    """The key of a site of the shared service that nobody has taught anything yet."""
    made = make_key()
    with Store(service.database) as store:
        store.add_site(site_of(made), digest_of(made), datetime.now(UTC))
    yield made
    with Store(service.database) as store:
        store.remove_site(site_of(made))


def site_of(key: str) -> str:
    """Name the site that has such a key."""
    return f"{key}.example"


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """Clients of Akismet, installed when they are asked for."""
    from clients import Clients

    return Clients(tmp_path_factory.mktemp("clients"))


@pytest.fixture
def start(tmp_path: Path, small_model_path: Path) -> Iterator[Callable[..., Service]]:
    """Start services of the test's own, one after the other on one database; whatever still runs is stopped.

    They have one worker each, unless the test asks for more.
    """
    started: list[Service] = []
    usual = {"HAMGATE_MODEL": str(small_model_path), "HAMGATE_WORKERS": "1"}

    def start_one(*flags: str, tls: Certificate | None = None, **settings: str) -> Service:
        started.append(start_service(tmp_path, *flags, tls=tls, **usual | settings))
        return started[-1]

    yield start_one
    for service in started:
        if service.process.poll() is None:
            stop_service(service)


@pytest.fixture(scope="session")
def service(small_model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two workers on a real port, shared by all tests that leave it as it was."""
    started = start_service(
        tmp_path_factory.mktemp("service"),
        HAMGATE_MODEL=str(small_model_path),
        HAMGATE_WORKERS="2",
        HAMGATE_BODY_TIMEOUT_SECONDS="2",
    )
    yield started
    assert stop_service(started) == 0


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """A running ``hamgate demo``, which nobody has signed in to yet."""
    from demonstration import start_demonstration

    folder = tmp_path_factory.mktemp("demonstration")
    started = start_demonstration(folder, "--folder", str(folder))
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser; while it is open, this thread has Playwright's event loop, and asyncio can run no other."""
    from chromium import browsing, program

    executable = program()
    if executable is None:
        pytest.skip("there is no Chromium (Debian: chromium)")
    with browsing(executable) as browser:
        yield browser
