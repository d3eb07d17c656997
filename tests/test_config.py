"""Settings and the commands around them: names, defaults, and how wrong ones are refused."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from certificates import make_certificate
from click.testing import CliRunner
from conftest import HAMGATE, Service

from service.cli import main
from service.config import Config, core_count
from training.database import DatabaseUnusableError, sqlite_path
from training.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'hamgate.sqlite3'}"


def run(*words: str, **environment: str) -> tuple[int, str, str]:
    """Run a command in this process: exit status, standard output, standard error."""
    outcome = CliRunner().invoke(main, list(words), env=dict(environment))
    return outcome.exit_code, outcome.stdout, outcome.stderr


def test_help_lists_every_setting_with_its_variable_and_default() -> None:
    _, text, _ = run("serve", "--help")
    shown = " ".join(text.split())
    for field in dataclasses.fields(Config):
        flag, variable = f"--{field.name.replace('_', '-')} ", f"HAMGATE_{field.name.upper()}"
        setting = shown[shown.index(flag) :]
        assert re.search(rf"env var: {variable}; default: [^;\]]", setting), flag


def test_a_setting_without_a_default_in_the_code_has_one_all_the_same() -> None:
    _, text, _ = run("serve", "--help")
    assert "one for each core" in text
    assert core_count() >= 1
    assert "sqlite:///" in "".join(text.split())


def test_sites_are_added_listed_given_new_keys_and_removed(database: str) -> None:
    status, key, _ = run("sites", "add", "blog.example", "--database", database)
    assert status == 0
    assert re.fullmatch(r"[a-z2-9]{12}\n", key)
    status, listed, _ = run("sites", "list", HAMGATE_DATABASE=database)
    assert (status, listed.split("\t")[0]) == (0, "blog.example")
    assert key.strip() not in listed
    status, new_key, _ = run("sites", "rotate-key", "blog.example", "--database", database)
    assert status == 0
    assert new_key != key
    assert run("sites", "remove", "blog.example", "--database", database)[0] == 0
    assert run("sites", "list", "--database", database)[:2] == (0, "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["add", "Blog Example"], "lower-case"),
        (["add", "-x"], "No such option"),
        (["add", "taken.example"], "already"),
        (["rotate-key", "nope"], "known: taken.example"),
        (["remove", "nope"], "known: taken.example"),
    ],
)
def test_what_can_not_be_done_to_a_site_exits_with_2_and_says_why(
    words: list[str], complaint: str, database: str
) -> None:
    run("sites", "add", "taken.example", "--database", database)
    status, printed, complained = run("sites", *words, "--database", database)
    assert (status, printed) == (2, "")
    assert complaint in complained


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////proc/nope/hamgate.sqlite3",
        "oracle+nope://user:secret@host/x",
        "postgresql://user:secret@127.0.0.1:1/x",
    ],
)
def test_an_unusable_database_exits_with_2_and_keeps_its_password_to_itself(url: str) -> None:
    status, printed, complained = run("sites", "list", "--database", url)
    assert (status, printed) == (2, "")
    assert complained.startswith("Error: ")
    assert "secret" not in complained


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"no database " * 1000)
    with pytest.raises(DatabaseUnusableError, match="not a database"):
        Store(f"sqlite:///{tmp_path / 'x.sqlite3'}")


def test_the_file_of_a_database_is_known_only_where_there_is_one(tmp_path: Path) -> None:
    assert sqlite_path(f"sqlite:///{tmp_path}/a.sqlite3") == tmp_path / "a.sqlite3"
    assert sqlite_path("postgresql://host/name") is None


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"HAMGATE_PORT": "no"}, "not a valid integer"),
        ({"HAMGATE_PORT": "0"}, "range"),
        ({"HAMGATE_WORKERS": "0"}, "range"),
        ({"HAMGATE_MODEL": "/nope/nope.hamgate"}, "no such model file"),
        ({"HAMGATE_HOST": "192.0.2.1"}, "can't listen on 192.0.2.1"),
        ({"HAMGATE_DATABASE": "nonsense"}, "expected a database URL"),
    ],
)
def test_serve_refuses_wrong_settings_with_2(settings: dict[str, str], complaint: str, database: str) -> None:
    status, _, complained = run("serve", **{"HAMGATE_DATABASE": database, **settings})
    assert status == 2
    assert complaint in complained


def test_serve_refuses_a_certificate_without_its_key_with_2(database: str, tmp_path: Path) -> None:
    made = make_certificate(tmp_path, "IP:127.0.0.1")
    settings = {"HAMGATE_DATABASE": database, "HAMGATE_TLS_CERTIFICATE": str(made.certificate)}
    for more, complaint in (
        ({}, "expected both or neither"),
        ({"HAMGATE_TLS_KEY": str(made.authority)}, "no TLS certificate and its key"),
        ({"HAMGATE_TLS_KEY": str(tmp_path / "nope")}, "does not exist"),
    ):
        status, _, complained = run("serve", **settings, **more)
        assert status == 2
        assert complaint in complained


def test_serve_refuses_a_port_that_is_taken_with_2(service: Service, tmp_path: Path) -> None:
    second = subprocess.run(
        [*HAMGATE, "serve", "--port", str(service.port)],
        env=os.environ | {"HAMGATE_DATABASE": f"sqlite:///{tmp_path / 'x.sqlite3'}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 2
    assert f"can't listen on 127.0.0.1:{service.port}" in second.stderr
    assert second.stdout == ""
