"""The processes: a launcher that prepares everything, and workers that answer.

Workers are spawned, not forked, so that each opens its own database connections and loads and verifies the model by
itself. SIGTERM and SIGINT let requests under way finish; SIGHUP replaces one worker after the other, which is how a new
model file comes into service; a worker that dies is replaced.
"""

from __future__ import annotations

import logging.config
import multiprocessing
import os
import shlex
import socket
import ssl
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.server import MPServer

from model.kept import are_compiled, note_compiled
from service.auth import digest_of, make_key
from service.courier_process import CourierProcess
from service.files import beside, replace_private
from service.logs import configuration
from service.metrics import DIRECTORY_VARIABLE
from service.passwords import make_token, token_digest
from service.problems import ServiceError
from service.schedule import Schedule
from service.secret import open_secret
from service.upkeep import Upkeep
from training.accounts import Accounts, Invitation, Role
from training.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from service.config import Config

LOCAL_SITE = "local"
STOP_TIMEOUT_SECONDS = 20
HEADER_TIMEOUT_MS = 10_000
MAX_HEADER_BYTES = 64 * 1024
MAX_CONNECTIONS_PER_WORKER = 4_096
RESPAWN_INTERVAL_SECONDS = 9.0
FIRST_LINK_LIFETIME = timedelta(days=7)
_GIVEN_FOLDER = os.environ.get("NUMBA_CACHE_DIR", "")
"""Where the operator wants compiled loops to be."""
EXAMPLE = (
    '{"text": "Great post! Buy cheap viagra online without prescription http://cheap-viagra.example/",'
    ' "author": "Cheap Viagra Online", "author_url": "http://cheap-viagra.example/"}'
)


class CannotServeError(ServiceError):
    """The service can't start; the message says why."""


def serve(config: Config) -> None:
    """Run the service until it is told to stop.

    Raises:
        CannotServeError: the address is taken, there is no model file, or the TLS certificate can't be used.
        DatabaseUnusableError: the database can't be opened.
    """
    if not config.model.is_file():
        raise CannotServeError(f"{config.model}: no such model file")
    _require_usable(config.tls_certificate, config.tls_key)
    require_free(config.host, config.port)
    key, link = local_key(config.database), first_link(config)
    logging.config.dictConfig(configuration())
    multiprocessing.set_start_method("spawn", force=True)
    if not are_compiled(_GIVEN_FOLDER):
        _compile_loops(config.model)
    with tempfile.TemporaryDirectory(prefix="hamgate-metrics-") as metrics_directory:
        os.environ[DIRECTORY_VARIABLE] = metrics_directory
        server = _server(config)
        server.on_startup(partial(_print_welcome, config, key, link))
        schedule = Schedule(config)
        server.on_startup(schedule.start)
        upkeep = Upkeep(config)
        server.on_startup(upkeep.start)
        courier = CourierProcess(config)
        server.on_startup(courier.start)
        server.on_reload(courier.renew)
        try:
            server.serve(target_loader=partial(_gateway, config), wrap_loader=False)
        except SystemExit:  # a worker died at some time; that is no failure of a service that was told to stop
            if not server.interrupt_signal:
                raise
        finally:
            courier.close()
            upkeep.close()
            schedule.close()


def local_key(database: str) -> str | None:
    """Make a site if there is none, and return its key for as long as that site has it.

    The key is kept in a file beside the database (or, where that is no file, in the user's data directory), readable by
    its owner alone. Sites that the operator made have no such file.

    Raises:
        DatabaseUnusableError: the database can't be opened.
    """
    file = beside(database, f"{LOCAL_SITE}-key")
    with Store(database) as store:
        if not store.sites():
            key = make_key()
            replace_private(file, key)
            store.add_site(LOCAL_SITE, digest_of(key), datetime.now(UTC))
        if not file.is_file():
            return None
        key = file.read_text(encoding="ascii").strip()
        return key if store.site_with_key(digest_of(key)) else None


def first_link(config: Config) -> str | None:
    """Return a path that makes the first account, an admin's; ``None`` once there is one.

    Raises:
        DatabaseUnusableError: the database can't be opened.
        WrongSecretError: the database is used with another secret.
    """
    with Store(config.database) as store:
        open_secret(store, config.database, config.secret)
        accounts = Accounts(store)
        if accounts.all():
            return None
        token, now = make_token(), datetime.now(UTC)
        invitation = Invitation(Role.ADMIN, frozenset(), True, now + FIRST_LINK_LIFETIME)
        accounts.invite(token_digest(token), invitation, now)
        return f"/welcome/{token}"


def welcome(config: Config, key: str | None, link: str | None = None) -> str:
    """Say where the service answers, how to make the first account, and how to call it."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    url = f"http{'s' if config.tls_certificate else ''}://{host}:{config.port}"
    moderators = f"Make the first account: {url}{link}" if link else f"Moderators sign in on {url}/"
    lines = [
        f"Hamgate answers on {url} (documentation: {url}/docs)",
        moderators,
        "",
        f"curl {url}/v1/check -H 'Authorization: Bearer {key or 'KEY'}' -H 'Content-Type: application/json' -d"
        f" {shlex.quote(EXAMPLE)}",
    ]
    return "\n".join(lines)


def _require_usable(certificate: Path | None, key: Path | None) -> None:
    """Raise CannotServeError unless there is neither a TLS certificate nor a key, or both fit together."""
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise CannotServeError("found one of --tls-certificate and --tls-key, expected both or neither")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        raise CannotServeError(f"{certificate} and {key}: no TLS certificate and its key: {error}") from error


def require_free(host: str, port: int) -> None:
    """Raise CannotServeError unless the address can be bound; the server itself would share it with another one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotServeError(f"can't listen on {host}:{port}: {error.strerror or error}") from error


def _compile_loops(model: Path) -> None:
    """Let a process of its own compile what the workers then only load: compiling takes memory that is never freed."""
    compiling = multiprocessing.Process(target=_compile, args=(model,))
    compiling.start()
    compiling.join()


def _compile(model: Path) -> None:
    from service.rehearsal import rehearse  # takes long to import, and the launcher can do without

    with suppress(Exception):  # the workers will say what is wrong with the model
        rehearse(model)
        note_compiled(_GIVEN_FOLDER)


def _server(config: Config) -> MPServer:
    return MPServer(
        target="hamgate",
        address=config.host,
        port=config.port,
        interface=Interfaces.RSGI,
        workers=config.workers,
        loop=Loops.asyncio if sys.platform == "win32" else Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=MAX_CONNECTIONS_PER_WORKER,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=MAX_HEADER_BYTES),
        log_dictconfig=configuration(),
        ssl_cert=config.tls_certificate,
        ssl_key=config.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_INTERVAL_SECONDS,
        workers_kill_timeout=STOP_TIMEOUT_SECONDS,
    )


def _gateway(config: Config) -> Any:  # granian's type is that of its plain functions
    from service.worker import gateway_of  # takes long to import, and the launcher can do without

    return gateway_of(config)


def _print_welcome(config: Config, key: str | None, link: str | None) -> None:
    click.echo(welcome(config, key, link))
    sys.stdout.flush()
