"""What sites were told, in the database: kept, changed, retried and forgotten, by whoever has the turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from model.comment import Comment
from model.verdict import Reason
from service.auth import digest_of
from training.callbacks import AllowedHost, CallbackHosts
from training.labels import Check, LabelStore, first_id
from training.store import Store, UnknownSiteError
from training.tellings import (
    RETRY_SECONDS,
    TELLINGS_AT_ONCE,
    TURN_SECONDS,
    Learnt,
    Telling,
    Tellings,
    Turn,
    TurnLostError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = "blog.example"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)


class Clock:
    """The time, which passes only when it is told to."""

    def __init__(self) -> None:
        self._now = NOON

    def __call__(self) -> datetime:
        return self._now

    def pass_time(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        yield opened


def told(store: Store, count: int = 1, at: datetime = NOON, site: str = SITE) -> list[str]:
    """Remember checks, and that their site was told that they are ham; return their ids."""
    ids = [first_id(at + timedelta(seconds=number)) + f"{number:020x}" for number in range(count)]
    comments = [Comment(text=f"Comment {number}", author_email="ann@mail.example") for number in range(count)]
    pairs = list(zip(ids, comments, strict=True))
    LabelStore(store).remember([Check(one, site, at, comment, 0.1, "allow", "0" * 16) for one, comment in pairs])
    Tellings(store).remember([telling(check_id, site) for check_id in ids])
    return ids


def telling(check_id: str, site: str = SITE) -> Telling:
    reasons = (Reason("haste", 2.0, "the form was sent after 3 ms"),)
    return Telling(check_id, site, "http://blog.example/hook", "17", "", reasons, is_spam=False)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_what_was_told_comes_back_newest_first_with_its_comment(store: Store) -> None:
    ids = told(store, TELLINGS_AT_ONCE + 5)
    told(store, 1, NOON - timedelta(days=40))
    told(store, 1, NOON - timedelta(days=1), "other.example")
    pages = list(Tellings(store).newest(SITE, LONG_AGO, most=TELLINGS_AT_ONCE + 3))
    assert [len(page) for page in pages] == [TELLINGS_AT_ONCE, 3]
    known = [one for page in pages for one in page]
    assert [one.telling.check_id for one in known] == ids[::-1][: len(known)]
    assert known[0].telling == telling(ids[-1])
    assert known[0].comment.text == f"Comment {len(ids) - 1}"
    assert {one.would_be_spam for one in known} == {None}


def test_a_change_is_due_until_it_was_told_and_each_failure_makes_it_wait_longer(store: Store) -> None:
    (check_id,) = told(store)
    clock = Clock()
    tellings, turn = Tellings(store), Turn(store, "a", clock)
    assert turn.take()
    tellings.change(turn, {check_id: True})
    for attempts, pause in enumerate(RETRY_SECONDS):
        (change,) = tellings.due(clock(), 10)
        assert (change.telling.check_id, change.is_spam, change.attempts) == (check_id, True, attempts)
        tellings.note_attempts(turn, [change])
        clock.pass_time(pause - 1)
        assert tellings.due(clock(), 10) == []
        clock.pass_time(1)
    tellings.note_attempts(turn, tellings.due(clock(), 10))
    assert tellings.due(after(1_000_000_000), 10) == []


def test_what_was_told_is_told_no_more_until_it_changes_again(store: Store) -> None:
    (check_id,) = told(store)
    tellings, turn = Tellings(store), Turn(store, "a", lambda: NOON)
    assert turn.take()
    for is_spam in (True, False, True):
        tellings.change(turn, {check_id: is_spam})
        changes = tellings.due(NOON, 10)
        assert [change.is_spam for change in changes] == [is_spam]
        tellings.note_attempts(turn, changes)
        tellings.note_told(turn, changes)
        assert tellings.due(after(1_000_000), 10) == []
        ((known,),) = tellings.newest(SITE, LONG_AGO, 10)
        assert (known.telling.is_spam, known.would_be_spam) == (is_spam, None)


def test_what_changed_back_before_it_was_told_is_not_told(store: Store) -> None:
    (check_id,) = told(store)
    tellings, turn = Tellings(store), Turn(store, "a", lambda: NOON)
    assert turn.take()
    tellings.change(turn, {check_id: True})
    tellings.change(turn, {check_id: None})
    assert tellings.due(after(1_000_000), 10) == []


def test_one_has_the_turn_until_it_gives_it_back_or_dies(store: Store) -> None:
    clock = Clock()
    one, other = Turn(store, "one", clock), Turn(store, "other", clock)
    assert one.take()
    clock.pass_time(TURN_SECONDS - 1)
    assert not other.take()
    assert one.take()
    clock.pass_time(TURN_SECONDS - 1)
    assert not other.take()
    one.give_back()
    assert other.take()
    assert not one.take()
    clock.pass_time(TURN_SECONDS + 1)
    assert one.take()


def test_who_has_lost_the_turn_writes_nothing(store: Store) -> None:
    (check_id,) = told(store)
    clock = Clock()
    tellings, slow, other = Tellings(store), Turn(store, "slow", clock), Turn(store, "other", clock)
    assert slow.take()
    tellings.change(slow, {check_id: True})
    clock.pass_time(TURN_SECONDS + 1)
    changes = tellings.due(clock(), 10)
    assert other.take()
    with pytest.raises(TurnLostError):
        tellings.note_attempts(slow, changes)
    with pytest.raises(TurnLostError):
        tellings.note_told(slow, changes)
    with pytest.raises(TurnLostError):
        tellings.change(slow, {check_id: None})
    with pytest.raises(TurnLostError):
        slow.note_looked(Learnt(None, 1, 1, 1))
    assert tellings.due(clock(), 10) == changes


def test_how_far_the_last_look_had_learnt_is_kept(store: Store) -> None:
    turn = Turn(store, "a", lambda: NOON)
    assert turn.looked() == Learnt(None, 0, 0, 0)
    assert turn.take()
    turn.note_looked(Learnt("1" * 16, 2, 3, 4))
    assert Turn(store, "b", lambda: NOON).looked() == Learnt("1" * 16, 2, 3, 4)


def test_what_was_told_is_forgotten_with_its_check(store: Store) -> None:
    told(store, 2, NOON - timedelta(days=3))
    kept = told(store, 1, NOON)
    lone = first_id(NOON - timedelta(days=1)) + "0" * 20
    Tellings(store).remember([telling(lone)])
    LabelStore(store).forget_checks(NOON - timedelta(days=2))
    Tellings(store).forget(NOON - timedelta(days=2))
    with store.transaction() as connection:
        left = connection.exec_driver_sql("SELECT check_id FROM tellings").scalars().all()
    assert left == kept


def test_hosts_are_allowed_and_disallowed_site_by_site(store: Store) -> None:
    hosts = CallbackHosts(store)
    assert hosts.all() == {}
    for name in (SITE, "other.example"):
        store.add_site(name, digest_of(name), NOON)
    hosts.allow(SITE, AllowedHost("b.example"), NOON)
    hosts.allow(SITE, AllowedHost("a.example:8080", is_private=True), NOON)
    hosts.allow(SITE, AllowedHost("b.example", is_private=True), NOON)
    hosts.allow("other.example", AllowedHost("c.example"), NOON)
    assert hosts.of(SITE) == [AllowedHost("a.example:8080", True), AllowedHost("b.example", True)]
    assert hosts.disallow(SITE, "b.example")
    assert not hosts.disallow(SITE, "b.example")
    assert hosts.all() == {
        SITE: [AllowedHost("a.example:8080", True)],
        "other.example": [AllowedHost("c.example", False)],
    }
    with pytest.raises(UnknownSiteError):
        hosts.allow("nobody.example", AllowedHost("a.example"), NOON)


def test_with_a_site_goes_what_it_was_allowed(store: Store) -> None:
    hosts = CallbackHosts(store)
    store.add_site(SITE, digest_of("a"), NOON)
    hosts.allow(SITE, AllowedHost("a.example"), NOON)
    hosts.keep_key(SITE, b"sealed")
    hosts.keep_key(SITE, b"sealed anew")
    assert hosts.sealed_key(SITE) == b"sealed anew"
    store.remove_site(SITE)
    store.add_site(SITE, digest_of("b"), NOON)
    assert (hosts.of(SITE), hosts.sealed_key(SITE)) == ([], None)
