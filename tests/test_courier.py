"""The courier of running services: one of several tells, after a restart too, and none runs where none is wanted."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from conftest import HAMGATE, Service, start_service, stop_service, wait_until
from receiver import FIELDS, Site
from test_callbacks import FORM, comment

from model import SHIPPED
from model.artifact import load, packed
from model.thresholds import Thresholds
from service.job_process import NICENESS
from training.database import Database
from training.labels import LabelStore
from training.registry import Registry
from training.tellings import RETRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgresql import PostgreSQL

PATIENCE_SECONDS = 120
SETTLED_SECONDS = 5
"""By then a service that had anything more to say would have said it."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


def allow(service: Service, site: Site) -> None:
    site.key = service.key
    command = [*HAMGATE, "sites", "callbacks", "local", "--add", site.host, "--private"]
    subprocess.run([*command, "--database", service.database], check=True, capture_output=True)
    time.sleep(1)  # every worker learns of it


def check(service: Service, site: Site, text: str) -> str:
    """Have a good comment checked as WordPress does, publish it there, and return its guid once it is remembered."""
    fields = dict(zip(FIELDS, ("17", "3", "ann@mail.example"), strict=True))
    sent = {"api_key": service.key, "comment_content": text, **fields, "callback": site.callback}
    reply = service.call("POST", "/1.1/comment-check", urlencode(sent).encode(), Content_Type=FORM)
    assert reply.body == b"false"
    guid = reply.headers["x-akismet-guid"]
    site.publish(guid, "false", **fields)
    with Database(service.database) as database:
        wait_until(lambda: LabelStore(database).check(guid) is not None)
    return guid


def label(service: Service, text: str, said: str) -> None:
    body = json.dumps({"text": text, "label": said}).encode()
    assert service.call("POST", "/v1/labels", body).status == 201


def strict_model() -> bytes:
    """Return a model that blocks everything."""
    model = load(SHIPPED)
    return packed(model.scorer, Thresholds(0.0, 1e-9, 0.9), model.card)


def couriers(service: Service) -> list[int]:
    """List a service's processes that let all others go first."""
    listed = subprocess.run(["ps", "-eo", "ppid=,pid=,ni="], capture_output=True, text=True, check=True).stdout
    rows = [[int(word) for word in line.split()] for line in listed.splitlines() if "-" not in line]
    return [pid for parent, pid, niceness in rows if parent == service.process.pid and niceness == NICENESS]


def test_a_label_and_a_promotion_reach_the_site_once_each(start: Callable[..., Service], site: Site) -> None:
    service = start("--workers", "2")
    allow(service, site)
    guid = check(service, site, comment(2))
    label(service, comment(3), "spam")
    wait_until(lambda: site.results() == [(guid, "true")], PATIENCE_SECONDS)
    other = check(service, site, "Does anybody know a good place to have old radios mended, in the north of the city?")
    time.sleep(SETTLED_SECONDS)
    with Database(service.database) as database:
        registry = Registry(database)
        registry.promote(registry.add(strict_model(), datetime.now(UTC), "ann"), datetime.now(UTC), "ann")
    wait_until(lambda: len(site.received) == 2, PATIENCE_SECONDS)
    time.sleep(SETTLED_SECONDS)
    assert site.results() == [(guid, "true"), (other, "true")]
    assert [post.status for post in site.posts.values()] == ["spam", "spam"]
    assert b'hamgate_callbacks_total{outcome="told"} 2.0' in service.call("GET", "/metrics").body


def test_another_model_file_reaches_the_site_once_the_service_takes_it_up(
    start: Callable[..., Service], site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "served.hamgate"
    shutil.copy(SHIPPED, file)
    service = start("--model", str(file))
    allow(service, site)
    guid = check(service, site, comment(2))
    wait_until(lambda: couriers(service), PATIENCE_SECONDS)
    file.write_bytes(strict_model())
    service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: site.results() == [(guid, "true")], PATIENCE_SECONDS)


def test_what_could_not_be_told_is_told_after_a_crash_and_a_restart(start: Callable[..., Service], site: Site) -> None:
    service = start()
    allow(service, site)
    site.failures = [503]
    guid = check(service, site, comment(2))
    label(service, comment(3), "spam")
    wait_until(lambda: len(site.received) == 1, PATIENCE_SECONDS)
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    time.sleep(RETRY_SECONDS[0])
    assert len(site.received) == 1
    start()
    wait_until(lambda: site.posts[guid].status == "spam", PATIENCE_SECONDS)
    time.sleep(SETTLED_SECONDS)
    assert site.results() == [(guid, "true"), (guid, "true")]


def test_of_two_servers_on_one_database_one_tells_and_the_other_takes_over(
    postgresql: PostgreSQL, site: Site, tmp_path: Path
) -> None:
    settings = {"HAMGATE_DATABASE": postgresql.new_database(), "XDG_DATA_HOME": str(tmp_path), "HAMGATE_WORKERS": "1"}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    services = [start_service(folder, **settings) for folder in folders]
    try:
        allow(services[0], site)
        guids = {check(service, site, comment(2 + number)) for number, service in enumerate(services * 2)}
        label(services[1], comment(9), "spam")
        wait_until(lambda: len(site.results()) == 4, PATIENCE_SECONDS)
        time.sleep(SETTLED_SECONDS)
        assert sorted(site.results()) == sorted((guid, "true") for guid in guids)
        assert stop_service(services[0]) == 0
        label(services[1], comment(10), "ham")
        label(services[1], comment(11), "ham")
        wait_until(lambda: len(site.results()) == 8, PATIENCE_SECONDS)
        time.sleep(SETTLED_SECONDS)
        assert sorted(site.results()[4:]) == sorted((guid, "false") for guid in guids)
    finally:
        for service in services:
            if service.process.poll() is None:
                stop_service(service)


def test_no_courier_runs_where_nothing_is_allowed(start: Callable[..., Service], site: Site) -> None:
    service = start()
    time.sleep(SETTLED_SECONDS)
    assert couriers(service) == []
    allow(service, site)
    wait_until(lambda: len(couriers(service)) == 1, PATIENCE_SECONDS)
    command = [*HAMGATE, "sites", "callbacks", "local", "--remove", site.host, "--database", service.database]
    subprocess.run(command, check=True, capture_output=True)
    wait_until(lambda: couriers(service) == [], PATIENCE_SECONDS)
