"""Model versions: registered, promoted and rolled back, in the database and in running services."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from conftest import HAMGATE, close, wait_until

from model.artifact import ArtifactError, load, packed, save
from service.app import create_app
from training.database import Database
from training.registry import NothingToRollBackError, Registry, UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Service
    from flask import Flask
    from flask.testing import FlaskClient
    from postgresql import PostgreSQL

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(f"sqlite:///{tmp_path / 'versions.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def registry(database: Database) -> Registry:
    return Registry(database)


@pytest.fixture(scope="session")
def artefacts(small_model_path: Path) -> list[bytes]:
    """Two versions of a model, which differ in their cards."""
    model = load(small_model_path)
    return [packed(model.scorer, model.thresholds, {**model.card, "name": name}) for name in ("one", "other")]


def test_a_version_is_registered_once_and_comes_back_as_it_was(registry: Registry, artefacts: list[bytes]) -> None:
    version = registry.add(artefacts[0], NOW, "ann")
    assert registry.add(artefacts[0], NOW, "bob") == version
    (found,) = registry.versions()
    assert (found.version, found.added_at, found.added_by, found.card["name"]) == (version, NOW, "ann", "one")
    assert registry.content(version) == artefacts[0]
    assert registry.load(version).version == version


def test_what_is_no_model_is_not_registered(registry: Registry, artefacts: list[bytes]) -> None:
    for content in (b"", b"nonsense", artefacts[0][:-1], artefacts[0] + b"\0"):
        with pytest.raises(ArtifactError):
            registry.add(content, NOW, "ann")
    assert registry.versions() == []


def test_bytes_that_changed_in_the_database_are_not_loaded(
    database: Database, registry: Registry, artefacts: list[bytes]
) -> None:
    version = registry.add(artefacts[0], NOW, "ann")
    for content in (artefacts[1], artefacts[0][:-9], b""):
        tamper(database, content)
        with pytest.raises(ArtifactError):
            registry.load(version)


def test_where_what_was_promoted_cannot_be_loaded_the_model_file_counts_as_served_and_the_log_says_so(
    database: Database,
    registry: Registry,
    artefacts: list[bytes],
    small_model_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    version, of_file = registry.add(artefacts[0], NOW, "ann"), load(small_model_path).version
    assert registry.load_served(small_model_path).version == of_file
    registry.promote(version, NOW, "ann")
    assert registry.load_served(small_model_path).version == version
    assert caplog.records == []
    tamper(database, artefacts[0][:-9])
    assert registry.load_served(small_model_path).version == of_file
    assert version in caplog.text


def test_the_listing_says_what_is_served(
    database: Database, registry: Registry, artefacts: list[bytes], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'versions.sqlite3'}"
    version = registry.add(artefacts[0], NOW, "ann")
    listed = run("list", database=url)
    assert listed.stdout.endswith("ann\t\n")
    assert "the model file is served" in listed.stderr
    registry.promote(version, NOW, "ann")
    listed = run("list", database=url)
    assert listed.stdout.endswith("ann\tserved\n")
    assert listed.stderr == ""
    tamper(database, artefacts[0][:-9])
    listed = run("list", database=url)
    assert listed.stdout.endswith("ann\tpromoted\n")
    assert f"the version promoted last can't be loaded: version {version}: " in listed.stderr


def test_a_version_is_found_by_its_beginning(registry: Registry, artefacts: list[bytes]) -> None:
    version = registry.add(artefacts[0], NOW, "ann")
    assert registry.find(version[:4]).version == version
    for beginning in ("", "xyz", version + "0"):
        with pytest.raises(UnknownVersionError):
            registry.find(beginning)


def test_rolling_back_returns_step_by_step_to_the_model_file(registry: Registry, artefacts: list[bytes]) -> None:
    one, other = (registry.add(content, NOW, "ann") for content in artefacts)
    assert registry.served() is None
    for version in (one, other, one):
        registry.promote(version, NOW, "ann")
    assert [registry.roll_back(NOW, "bob") for _ in range(2)] == [other, one]
    registry.promote(other, NOW, "ann", is_forced=True)
    assert [registry.roll_back(NOW, "bob") for _ in range(2)] == [one, None]
    assert registry.served() is None
    with pytest.raises(NothingToRollBackError):
        registry.roll_back(NOW, "bob")
    history = registry.promotions()
    assert [promotion.is_rollback for promotion in history] == [False] * 3 + [True] * 2 + [False] + [True] * 2
    assert [promotion.promoted_by for promotion in history if promotion.is_forced] == ["ann"]


def test_promoting_what_is_served_changes_nothing_and_what_is_unknown_fails(
    registry: Registry, artefacts: list[bytes]
) -> None:
    version = registry.add(artefacts[0], NOW, "ann")
    registry.promote(version, NOW, "ann")
    registry.promote(version, NOW, "ann")
    assert len(registry.promotions()) == 1
    with pytest.raises(UnknownVersionError):
        registry.promote("0" * 16, NOW, "ann")


def test_promotions_at_once_leave_one_history(registry: Registry, artefacts: list[bytes]) -> None:
    versions = [registry.add(content, NOW, "ann") for content in artefacts]
    threads = [threading.Thread(target=registry.promote, args=(version, NOW, "ann")) for version in versions * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    promoted = [promotion.version for promotion in registry.promotions()]
    assert all(before != after for before, after in itertools.pairwise(promoted))
    while registry.served() is not None:
        registry.roll_back(NOW, "bob")


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving_and_is_named(
    app: Flask, client: FlaskClient, artefacts: list[bytes]
) -> None:
    database = app.extensions["hamgate.store"]
    registry = Registry(database)
    good, bad = (registry.add(content, NOW, "ann") for content in artefacts)
    registry.promote(good, NOW, "ann")
    wait_until(lambda: ready(client)["model"] == good)
    tamper(database, artefacts[1][:-9], bad)
    registry.promote(bad, NOW, "ann")
    wait_until(lambda: "trouble" in ready(client))
    assert ready(client)["model"] == good
    assert bad in ready(client)["trouble"]
    assert "hamgate_model_trouble 1.0" in client.get("/metrics").text
    registry.roll_back(NOW, "ann")
    wait_until(lambda: "trouble" not in ready(client))
    assert "hamgate_model_trouble 0.0" in client.get("/metrics").text


def test_without_a_model_file_the_promoted_version_is_served(
    config: Any, artefacts: list[bytes], tmp_path: Path
) -> None:
    with Database(config.database) as opened:
        registry = Registry(opened)
        registry.promote(registry.add(artefacts[0], NOW, "ann"), NOW, "ann")
    app = create_app(replace(config, model=tmp_path / "missing"))
    try:
        assert app.test_client().get("/readyz").status_code == 200
    finally:
        close(app)


def test_promotion_and_rollback_reach_all_workers_within_a_second(
    start: Callable[..., Service], small_model_path: Path, tmp_path: Path
) -> None:
    service = start("--workers", "4")
    assert_promotion_reaches([service], service.database, small_model_path, tmp_path)


def test_promotion_and_rollback_reach_every_host_within_a_second(
    start: Callable[..., Service], postgresql: PostgreSQL, small_model_path: Path, tmp_path: Path
) -> None:
    url = postgresql.new_database()
    hosts = [start("--workers", "2", HAMGATE_DATABASE=url, XDG_DATA_HOME=str(tmp_path)) for _ in range(2)]
    assert_promotion_reaches(hosts, url, small_model_path, tmp_path)


def assert_promotion_reaches(services: list[Service], url: str, shipped: Path, folder: Path) -> None:
    model = load(shipped)
    version = save(folder / "other.hamgate", model.scorer, model.thresholds, {**model.card, "name": "other"})
    assert run("add", str(folder / "other.hamgate"), database=url).stdout.strip() == version
    run("promote", "--force", version[:6], "--user", "ann", database=url)
    assert_served(services, version)
    assert run("list", database=url).stdout.strip().endswith("served")
    shown = json.loads(run("show", version, database=url).stdout)
    assert shown["is_served"]
    assert shown["promotions"][0]["promoted_by"] == "ann"
    run("rollback", database=url)
    assert_served(services, model.version)
    assert run("rollback", database=url, status=2).stdout == ""


def assert_served(services: list[Service], version: str) -> None:
    """Whoever of the workers answers, a second after the change it is this version that judges."""
    time.sleep(1)
    for service in services:
        assert {service.check(f"Thanks {number}").json()["model"] for number in range(20)} == {version}


def run(*arguments: str, database: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*HAMGATE, "models", *arguments, "--database", database], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    return done


def ready(client: FlaskClient) -> Any:
    return client.get("/readyz").get_json()


def tamper(database: Database, content: bytes, version: str | None = None) -> None:
    """Put other bytes in the place of a version's, or of every one's."""
    versions = sa.table("versions", sa.column("version"), sa.column("artefact"))
    change = sa.update(versions).values(artefact=content)
    with database.transaction() as connection:
        connection.execute(change if version is None else change.where(versions.c.version == version))
