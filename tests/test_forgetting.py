"""What is stored of people made less: old databases, old labels, and that nothing is left in the file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from comments import campaign, conversation
from sqlalchemy import create_engine

from model.comment import Comment
from model.segments import parts_of
from training import forgetting
from training.database import Database, sqlite_path
from training.forgetting import UNREAD, hash_stored, strip_labels, stripped
from training.labels import Check, GivenLabel, LabelStore, digest_of, first_id
from training.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
KEYED = Pseudonyms(b"k" * 32)
WHOLE = Comment(
    text='Hi "author_email": "keyed-", "user_ip": "keyed-"',
    author="Bo",
    author_email="Bo.Long@mail.example",
    author_url="https://bo.example/",
    user_ip="192.0.2.1",
    user_agent="Mozilla/5.0",
    referrer="https://search.example/",
    permalink="https://blog.example/post",
)
OTHERS = [
    Comment(text="no address", author="Bo"),
    Comment(text="ip", user_ip="::1"),
    Comment(text="mail", author_email="x@y"),
]


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


def label(comment: Comment, said: str = "spam", days: float = 0) -> GivenLabel:
    return GivenLabel("blog.example", comment, said, "ann", NOON + timedelta(days=days))  # type: ignore[arg-type]


def check(comment: Comment, number: int = 0) -> Check:
    at = NOON + timedelta(seconds=number)
    return Check(first_id(at) + "a" * 20, "blog.example", at, comment, 0.25, "allow", "0123456789abcdef")


def checks_of(store: LabelStore) -> list[Comment]:
    return [found.comment for found in store.checks(NOON)]


def labels_of(store: LabelStore) -> list[Comment]:
    return [given.comment for _, given in store.every()]


def test_addresses_are_hashed_on_their_way_into_the_store(database: Database) -> None:
    store = LabelStore(database, KEYED)
    store.remember([check(WHOLE)])
    store.add([label(WHOLE)])
    assert checks_of(store) == labels_of(store) == [KEYED.of(WHOLE)]


def test_a_label_by_content_is_of_the_same_comment_as_that_of_its_check(database: Database) -> None:
    store = LabelStore(database, KEYED)
    store.remember([check(WHOLE)])
    (kept,) = store.checks(NOON)
    assert store.add([label(kept.comment)]) == 1
    assert store.add([label(WHOLE)]) == 0
    assert store.add([label(WHOLE, "ham")]) == 1
    assert [given.label for given in store.history("blog.example", WHOLE)] == ["spam", "ham"]
    assert [given.label for _, given in store.latest()] == ["ham"]


def test_what_an_old_database_holds_is_hashed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "ROWS_AT_ONCE", 2)
    old, store = LabelStore(database), LabelStore(database, KEYED)
    comments = [WHOLE, *OTHERS, *campaign(5)]
    old.remember([check(comment, number) for number, comment in enumerate(comments)])
    old.add([label(comment) for comment in comments])
    assert hash_stored(database, KEYED) == (3, 3)
    assert checks_of(old) == labels_of(old) == list(map(KEYED.of, comments))
    assert store.add([label(comment) for comment in comments]) == 0
    assert hash_stored(database, KEYED) == (0, 0)


def test_hashing_that_was_cut_off_goes_on_where_it_was(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "ROWS_AT_ONCE", 2)
    store, turns = LabelStore(database), iter([True, False, False])
    people = [Comment(text=str(number), user_ip=f"192.0.2.{number}") for number in range(5)]
    store.add([label(comment) for comment in people])
    assert hash_stored(database, KEYED, lambda: next(turns)) == (2, 0)
    assert labels_of(store) == [*map(KEYED.of, people[:2]), *people[2:]]
    assert hash_stored(database, KEYED) == (3, 0)
    assert labels_of(store) == list(map(KEYED.of, people))


@pytest.mark.parametrize("pseudonyms", [KEYED, None], ids=["hashed", "as sent"])
def test_old_labels_lose_what_the_model_does_not_read(database: Database, pseudonyms: Pseudonyms | None) -> None:
    store = LabelStore(database, pseudonyms)
    store.add([label(WHOLE), label(OTHERS[0]), label(OTHERS[1], days=10)])
    assert strip_labels(database, NOON + timedelta(days=5)) == 1
    kept = labels_of(store)
    assert kept[0] == stripped(WHOLE)
    assert kept[0].author_email == "@mail.example"
    assert not any(getattr(kept[0], name) for name in UNREAD)
    assert kept[2].user_ip == (KEYED.of_ip("::1") if pseudonyms else "::1")
    assert strip_labels(database, NOON + timedelta(days=5)) == 0


def test_a_stripped_label_is_found_by_its_comment_and_can_be_given_anew(database: Database) -> None:
    store = LabelStore(database, KEYED)
    store.add([label(WHOLE)])
    strip_labels(database, NOON + timedelta(days=1))
    ((_, given),) = store.latest()
    assert store.history("blog.example", given.comment) == [given]
    assert store.add([given]) == 0
    assert hash_stored(database, KEYED) == (0, 0)


def test_the_history_of_a_comment_is_stripped_when_its_last_label_is_old(database: Database) -> None:
    store = LabelStore(database, KEYED)
    store.add([label(WHOLE), label(WHOLE, "ham", days=10)])
    assert strip_labels(database, NOON + timedelta(days=5)) == 0
    assert strip_labels(database, NOON + timedelta(days=15)) == 2
    assert len(store.history("blog.example", stripped(WHOLE))) == 2


@pytest.mark.parametrize("comment", [WHOLE, *OTHERS, Comment(text="a", author_email="a@b@c.example ")])
def test_the_model_reads_nothing_of_what_is_stripped(comment: Comment) -> None:
    assert parts_of(stripped(comment)) == parts_of(comment) == parts_of(stripped(KEYED.of(comment)))
    assert digest_of(stripped(comment)) == digest_of(stripped(stripped(comment)))


def test_nothing_of_what_was_forgotten_is_left_in_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kept.sqlite3'}"
    marked = [
        Comment(text=f"{one.text} {'long ' * (number % 7 * 300)}", author_email=f"sesame{number}@mail.example")
        for number, one in enumerate([*campaign(150), *conversation(150)])
    ]
    with Database(url) as database:
        store = LabelStore(database)
        store.remember([check(comment, number) for number, comment in enumerate(marked)])
        store.add([label(comment) for comment in marked])
        assert b"sesame" in everything_in(url)
        assert hash_stored(database, KEYED) == (300, 300)
        database.scrub()
        assert b"sesame" not in everything_in(url)
        assert b"zorbex" in everything_in(url)
        assert store.forget_checks(NOON + timedelta(days=1)) == 300
        database.scrub()
        assert everything_in(url).count(b"zorbex") > 150
        with database.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM labels")
        database.scrub()
        assert b"zorbex" not in everything_in(url)


def everything_in(url: str) -> bytes:
    """Return the bytes of a SQLite database and of all its files."""
    file = sqlite_path(url)
    assert file
    return b"".join(path.read_bytes() for path in file.parent.iterdir() if path.name.startswith(file.name))


def test_bytes_that_others_still_read_stay_in_the_log_and_that_is_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kept.sqlite3'}"
    with Database(url) as database:
        store = LabelStore(database)
        store.add([label(WHOLE)])
        reader = create_engine(url)
        with reader.connect() as reading:
            reading.exec_driver_sql("BEGIN")
            reading.exec_driver_sql("SELECT * FROM labels").all()
            hash_stored(database, KEYED)
            assert not database.scrub(patience_ms=10)
        reader.dispose()
        assert database.scrub()
