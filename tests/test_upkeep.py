"""That a running service hashes what an old database holds, and strips old labels, as its settings say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from conftest import close, wait_until

from model.comment import Comment
from service.app import create_app
from service.cli import main
from service.server import LOCAL_SITE
from service.upkeep import Upkeep
from training.database import Database
from training.labels import Check, GivenLabel, LabelStore, first_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Service

    from service.config import Config

NOW = datetime.now(UTC)
COMMENT = Comment(text="Hi", author="Bo", author_email="bo@mail.example", user_ip="192.0.2.1", user_agent="Mozilla")


def fill(url: str, days_old: float = 0) -> None:
    """Store a check and a label of the comment as versions of before did."""
    at = NOW - timedelta(days=days_old)
    with Database(url) as database:
        store = LabelStore(database)
        store.remember([Check(first_id(at) + "a" * 20, LOCAL_SITE, at, COMMENT, 0.25, "allow", "0123456789abcdef")])
        store.add([GivenLabel(LOCAL_SITE, COMMENT, "ham", "ann", at)])


def kept(url: str) -> list[Comment]:
    """Return the comments of all checks and of all labels."""
    with Database(url) as database:
        store = LabelStore(database)
        checks = [check.comment for check in store.checks(NOW - timedelta(days=1_000))]
        return checks + [given.comment for _, given in store.every()]


def test_a_service_hashes_what_an_old_database_holds(start: Callable[..., Service], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hamgate.sqlite3'}"
    fill(url)
    service = start()
    wait_until(lambda: all(one.user_ip.startswith("keyed-") for one in kept(url)))
    check, label = kept(url)
    assert check == label == replace(COMMENT, author_email=label.author_email, user_ip=label.user_ip)
    assert label.author_email.endswith("@mail.example")
    body = {"text": "Hi", "author": "Bo", "author_email": "Bo@mail.example", "user_ip": "192.0.2.1"}
    said = {**body, "user_agent": "Mozilla", "label": "ham"}
    assert service.call("POST", "/v1/labels", json.dumps(said).encode()).status == 201
    assert len(kept(url)) == 2


@pytest.mark.parametrize(("hash_addresses", "beginning"), [(True, "keyed-"), (False, "192.0.2.1")])
def test_addresses_are_stored_as_the_setting_says(config: Config, hash_addresses: bool, beginning: str) -> None:
    fill(config.database)
    chosen = replace(config, hash_addresses=hash_addresses)
    Upkeep(chosen).run(NOW)
    assert [one.user_ip.startswith(beginning) for one in kept(config.database)] == [True, True]


@pytest.mark.parametrize(("setting", "beginning"), [("true", "keyed-"), ("false", "192.0.2.1")])
def test_an_import_follows_the_setting_and_its_labels_are_those_of_the_service(
    config: Config, tmp_path: Path, setting: str, beginning: str
) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(json.dumps({"text": "Hi", "user_ip": "192.0.2.1", "label": "ham"}))
    arguments = ["import", str(file), "--site", LOCAL_SITE, "--database", config.database]
    outcome = CliRunner().invoke(main, arguments, env={"HAMGATE_HASH_ADDRESSES": setting})
    assert "1 labels added" in outcome.stderr
    (label,) = kept(config.database)
    assert label.user_ip.startswith(beginning)
    again = CliRunner().invoke(main, arguments, env={"HAMGATE_HASH_ADDRESSES": setting})
    assert "0 labels added" in again.stderr
    app = create_app(replace(config, hash_addresses=setting == "true"))
    close(app)


@pytest.mark.parametrize(("days_old", "agent"), [(5, "Mozilla"), (15, "")])
def test_old_labels_are_stripped_and_younger_ones_are_not(config: Config, days_old: float, agent: str) -> None:
    fill(config.database, days_old)
    Upkeep(replace(config, keep_addresses_days=10, keep_checks_days=3)).run(NOW)
    check, label = kept(config.database)
    assert check.user_agent == "Mozilla"
    assert label.user_agent == agent
    assert (label.user_ip == "") is (agent == "")


def test_a_label_is_not_stripped_while_its_check_is_kept(config: Config) -> None:
    fill(config.database, 15)
    Upkeep(replace(config, keep_addresses_days=1, keep_checks_days=30)).run(NOW)
    check, label = kept(config.database)
    assert check == label


def test_upkeep_goes_on_after_a_database_that_failed(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    upkeep = Upkeep(replace(config, database="sqlite:////proc/nope/hamgate.sqlite3"))
    upkeep.start()
    wait_until(lambda: "can't be gone through" in caplog.text)
    upkeep.close()
