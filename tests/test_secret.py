"""The installation's secret: where it is kept, that hosts agree on it, and what is derived from it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from service.cli import main
from service.secret import Secret, WrongSecretError, open_secret
from training.database import Database

if TYPE_CHECKING:
    from pathlib import Path

GIVEN, OTHER = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def key_of(url: str, given: str = "") -> bytes:
    with Database(url) as database:
        return open_secret(database, url, given).key("test")


def test_the_secret_is_kept_and_only_its_owner_can_read_it(url: str, tmp_path: Path) -> None:
    assert key_of(url) == key_of(url)
    (file,) = tmp_path.rglob("*.secret")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nobody_else_can_read_the_database_nor_its_journal(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path / 'hamgate.sqlite3'}"):
        files = list(tmp_path.rglob("*.sqlite3*"))
        assert {file.name.partition(".sqlite3")[2] for file in files} >= {"", "-wal"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_given_secret_is_taken_and_no_file_is_made(url: str, tmp_path: Path) -> None:
    assert key_of(url, GIVEN) == Secret(GIVEN).key("test")
    assert list(tmp_path.rglob("*.secret")) == []


def test_another_secret_than_the_databases_is_refused_with_what_to_do(url: str, tmp_path: Path) -> None:
    key_of(url)
    with pytest.raises(WrongSecretError, match="every host needs the same HAMGATE_SECRET"):
        key_of(url, GIVEN)
    (file,) = tmp_path.rglob("*.secret")
    file.unlink()
    with pytest.raises(WrongSecretError, match=r"\.secret\) is not the one.*hamgate secret replace"):
        key_of(url)


def test_a_lost_secret_can_be_replaced(url: str) -> None:
    key_of(url, GIVEN)
    assert CliRunner().invoke(main, ["secret", "replace", "--database", url]).exit_code == 0
    assert key_of(url, OTHER) == Secret(OTHER).key("test")
    with pytest.raises(WrongSecretError):
        key_of(url, GIVEN)


def test_a_short_secret_is_refused(url: str) -> None:
    with pytest.raises(WrongSecretError, match="has 5 characters, expected 32 or more"):
        key_of(url, "short")


def test_many_who_start_at_once_agree(url: str) -> None:
    with Database(url) as database, ThreadPoolExecutor(8) as threads:
        keys = threads.map(lambda _: open_secret(database, url).key("test"), range(16))
        assert len(set(keys)) == 1


def test_keys_of_different_purposes_differ_and_digests_with_them() -> None:
    secret = Secret(GIVEN)
    assert len({secret.key("a"), secret.key("b"), Secret(OTHER).key("a")}) == 3
    assert secret.digest("a", "x") == Secret(GIVEN).digest("a", "x")
    assert len({secret.digest("a", "x"), secret.digest("b", "x"), secret.digest("a", "\ud800")}) == 3


def test_the_service_refuses_to_start_with_another_secret(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hamgate.sqlite3'}"
    key_of(url, GIVEN)
    outcome = CliRunner().invoke(main, ["serve", "--port", "65123", "--database", url, "--secret", OTHER])
    assert outcome.exit_code == 2
    assert "is not the one that this database was used with" in outcome.stderr
    assert OTHER not in outcome.stderr
