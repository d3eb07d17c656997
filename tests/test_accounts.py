"""Accounts in the database and on the command line: what is kept, who remains, and what takes effect at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from service.cli import main
from service.passwords import hashed, is_right, token_digest
from service.problems import WrongFieldError
from training.accounts import (
    Account,
    AccountExistsError,
    Accounts,
    Invitation,
    LastAdminError,
    Role,
    UnknownAccountError,
    VoidInvitationError,
)
from training.attempts import Attempts
from training.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = Account("ann", Role.ADMIN, frozenset(), NOON)
BO = Account("bo", Role.MODERATOR, frozenset({"a.example", "b.example"}), NOON)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


@pytest.fixture
def accounts(database: Database) -> Accounts:
    made = Accounts(database)
    made.add(ANN, "hash of ann")
    made.add(BO, None)
    return made


def run(*words: str, typed: str = "") -> tuple[int, str, str]:
    outcome = CliRunner().invoke(main, list(words), input=typed)
    return outcome.exit_code, outcome.stdout, outcome.stderr


def test_an_account_is_found_as_it_was_added(accounts: Accounts) -> None:
    assert accounts.all() == [ANN, BO]
    assert (accounts.find("bo"), accounts.find("cy")) == (BO, None)
    assert [accounts.password_hash(name) for name in ("ann", "bo", "cy")] == ["hash of ann", None, None]
    with pytest.raises(AccountExistsError, match="'ann'"):
        accounts.add(ANN, None)


def test_a_moderator_sees_the_sites_of_the_account_and_an_admin_all() -> None:
    assert (BO.may_see("a.example"), BO.may_see("c.example"), ANN.may_see("c.example")) == (True, False, True)
    assert (BO.visible_sites, ANN.visible_sites) == (BO.sites, None)


def test_a_session_is_the_accounts_until_it_ends(accounts: Accounts) -> None:
    accounts.begin_session(b"one", "bo", NOON, NOON + HOUR)
    accounts.begin_session(b"two", "bo", NOON, NOON + HOUR)
    assert accounts.account_of_session(b"one", NOON) == BO
    assert accounts.account_of_session(b"other", NOON) is None
    assert accounts.account_of_session(b"one", NOON + HOUR) is None
    accounts.end_session(b"one")
    assert accounts.account_of_session(b"one", NOON) is None
    assert accounts.account_of_session(b"two", NOON) == BO


def test_another_password_or_a_removal_ends_every_session(accounts: Accounts) -> None:
    accounts.begin_session(b"one", "bo", NOON, NOON + HOUR)
    accounts.change_password("bo", "another hash")
    assert accounts.account_of_session(b"one", NOON) is None
    assert accounts.password_hash("bo") == "another hash"
    accounts.begin_session(b"two", "bo", NOON, NOON + HOUR)
    accounts.remove("bo")
    assert accounts.account_of_session(b"two", NOON) is None
    assert accounts.all() == [ANN]


def test_a_change_of_access_holds_for_sessions_there_are(accounts: Accounts) -> None:
    accounts.begin_session(b"one", "bo", NOON, NOON + HOUR)
    accounts.change_access("bo", Role.MODERATOR, ["c.example"])
    found = accounts.account_of_session(b"one", NOON)
    assert found is not None
    assert found.sites == {"c.example"}


def test_the_last_admin_stays_one(accounts: Accounts) -> None:
    with pytest.raises(LastAdminError):
        accounts.remove("ann")
    with pytest.raises(LastAdminError):
        accounts.change_access("ann", Role.MODERATOR, [])
    accounts.change_access("bo", Role.ADMIN, [])
    accounts.remove("ann")
    assert [account.name for account in accounts.all()] == ["bo"]


def test_who_is_not_there_can_not_be_changed(accounts: Accounts) -> None:
    with pytest.raises(UnknownAccountError):
        accounts.remove("cy")
    with pytest.raises(UnknownAccountError):
        accounts.change_password("cy", "hash")
    with pytest.raises(UnknownAccountError):
        accounts.change_access("cy", Role.ADMIN, [])


def test_an_invitation_makes_one_account(accounts: Accounts) -> None:
    accounts.invite(b"one", Invitation(Role.MODERATOR, BO.sites, False, NOON + HOUR), NOON)
    with pytest.raises(AccountExistsError):
        accounts.accept(b"one", "bo", "hash", NOON)
    made = accounts.accept(b"one", "cy", "hash", NOON)
    assert made == accounts.find("cy") == Account("cy", Role.MODERATOR, BO.sites, NOON)
    with pytest.raises(VoidInvitationError):
        accounts.accept(b"one", "di", "hash", NOON)


def test_an_invitation_ends(accounts: Accounts) -> None:
    accounts.invite(b"one", Invitation(Role.MODERATOR, BO.sites, False, NOON + HOUR), NOON)
    assert accounts.invitation(b"one", NOON) is not None
    assert accounts.invitation(b"one", NOON + HOUR) is None


def test_of_many_who_want_to_be_the_first_one_is(database: Database) -> None:
    accounts = Accounts(database)
    for link in range(4):
        accounts.invite(bytes([link]), Invitation(Role.ADMIN, frozenset(), True, NOON + HOUR), NOON)

    def accept(link: int) -> bool:
        try:
            accounts.accept(bytes([link]), f"account{link}", "hash", NOON)
        except VoidInvitationError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(accept, range(4))) == 1
    assert len(accounts.all()) == 1


def test_attempts_are_counted_for_each_digest_and_forgotten_in_time(database: Database) -> None:
    attempts = Attempts(database)
    for _ in range(2):
        assert attempts.begin({b"address": 3, b"ann": 2}, NOON - HOUR, NOON)
    assert not attempts.begin({b"address": 3, b"ann": 2}, NOON - HOUR, NOON)
    assert attempts.begin({b"address": 3, b"bo": 2}, NOON - HOUR, NOON)
    assert not attempts.begin({b"address": 3, b"cy": 2}, NOON - HOUR, NOON)
    assert attempts.begin({b"address": 3, b"ann": 2}, NOON + HOUR / 2, NOON + HOUR)


def test_an_attempt_that_succeeded_counts_no_more(database: Database) -> None:
    attempts = Attempts(database)
    attempts.begin({b"ann": 2}, NOON - HOUR, NOON)
    attempts.begin({b"ann": 2}, NOON - HOUR, NOON + HOUR / 2)
    attempts.forgive([b"ann"], NOON + HOUR / 2)
    assert attempts.begin({b"ann": 2}, NOON - HOUR, NOON + HOUR / 2)
    assert not attempts.begin({b"ann": 2}, NOON - HOUR, NOON + HOUR / 2)


def test_many_attempts_at_once_get_no_further_than_one_by_one(database: Database) -> None:
    attempts = Attempts(database)
    with ThreadPoolExecutor(8) as threads:
        begun = threads.map(lambda _: attempts.begin({b"ann": 5}, NOON - HOUR, NOON), range(16))
        assert sum(begun) == 5


def test_a_password_is_right_or_wrong_and_its_hash_is_argon2() -> None:
    kept = hashed("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != hashed("correct horse")
    assert is_right("correct horse", kept)
    assert not is_right("correct horsf", kept)
    assert not is_right("", None)
    assert not is_right("x" * 10_000, kept)
    assert is_right("\ud800 is a lone surrogate", hashed("\ud800 is a lone surrogate"))


@pytest.mark.parametrize("password", ["", "123456789", "x" * 1_001])
def test_a_password_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(WrongFieldError):
        hashed(password)


def test_tokens_are_digested_whatever_they_hold() -> None:
    assert len({token_digest(token) for token in ("", "a", "\ud800", "\x00")}) == 4


def test_operators_manage_accounts_on_the_command_line(tmp_path: Path) -> None:
    where = ("--database", f"sqlite:///{tmp_path / 'hamgate.sqlite3'}")
    typed = "correct horse\ncorrect horse\n"
    assert run("accounts", "add", "Ann", "--role", "admin", *where, typed=typed)[0] == 0
    assert run("accounts", "add", "bo", "--site", "blog.example", "--password", "correct horse", *where)[0] == 0
    _, listed, _ = run("accounts", "list", *where)
    assert [line.split("\t")[:3] for line in listed.splitlines()] == [
        ["ann", "admin", "all"],
        ["bo", "moderator", "blog.example"],
    ]
    assert run("accounts", "access", "bo", "--role", "admin", *where)[0] == 0
    assert run("accounts", "password", "bo", "--password", "another password", *where)[0] == 0
    with Database(where[1]) as database:
        assert is_right("another password", Accounts(database).password_hash("bo"))
    assert run("accounts", "remove", "ann", *where)[0] == 0
    assert "only admin" in run("accounts", "remove", "bo", *where)[2]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["add", "a b", "--password", "correct horse"], "expected up to 64 letters"),
        (["add", "ann", "--password", "short"], "expected 10 to 1,000 characters"),
        (["add", "ann", "--site", "No Site", "--password", "correct horse"], "lower-case"),
        (["remove", "ann"], "no account 'ann'"),
        (["password", "ann", "--password", "correct horse"], "no account 'ann'"),
        (["access", "ann"], "no account 'ann'"),
    ],
)
def test_what_can_not_be_done_to_an_account_exits_with_2_and_says_why(
    words: list[str], complaint: str, tmp_path: Path
) -> None:
    status, printed, complained = run("accounts", *words, "--database", f"sqlite:///{tmp_path / 'hamgate.sqlite3'}")
    assert (status, printed) == (2, "")
    assert complaint in complained
