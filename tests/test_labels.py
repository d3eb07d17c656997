"""The label store: what is kept, which label wins, and that adding twice changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from model.comment import Comment
from training.database import SCHEMA_VERSION, Database, DatabaseUnusableError
from training.labels import MAX_CHECK_BYTES, Check, GivenLabel, LabelStore, first_id, labeller
from training.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from training.labelled import Label

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(url: str) -> Iterator[LabelStore]:
    with Database(url) as database:
        yield LabelStore(database)


def label(text: str, said: Label, by: str = "ann", site: str = "blog.example", minute: int = 0) -> GivenLabel:
    return GivenLabel(site, Comment(text=text, author="Bo"), said, by, NOON + timedelta(minutes=minute))


def check(name: str, minute: int = 0) -> Check:
    comment, at = Comment(text="Hi \x00 \ufffd 两", author_email="bo@mail.example"), NOON + timedelta(minutes=minute)
    return Check(first_id(at) + name, "blog.example", at, comment, 0.25, "allow", "0123456789abcdef")


def test_a_check_is_found_by_its_id_as_it_was(store: LabelStore) -> None:
    store.remember([check("a"), check("b", 1)])
    assert store.check(check("b", 1).id) == check("b", 1)
    assert store.check("c") is None


@pytest.mark.parametrize("count", [7, 8, 63, 64, 65, 2 * 64 + 3 * 8 + 5])
def test_checks_are_kept_as_they_were_however_many_come_together(store: LabelStore, count: int) -> None:
    checks = [check(f"{number:04}", number) for number in range(count)]
    store.remember(checks)
    assert list(store.checks(NOON - timedelta(days=1))) == checks


def test_old_checks_are_forgotten(store: LabelStore) -> None:
    store.remember([check("old"), check("new", 10)])
    assert store.forget_checks(NOON + timedelta(minutes=5)) == 1
    assert store.check(check("old").id) is None
    assert store.check(check("new", 10).id) is not None


def test_of_many_checks_the_newest_are_kept(store: LabelStore) -> None:
    store.remember([check(f"{number:02}", number) for number in range(10)])
    assert store.forget_checks(NOON - timedelta(days=1), most=3) == 7
    assert store.check(check("06", 6).id) is None
    assert store.check(check("07", 7).id) is not None


def test_an_enormous_comment_is_not_remembered_and_spoils_no_other(store: LabelStore) -> None:
    enormous = replace(check("big"), comment=Comment(text="x" * MAX_CHECK_BYTES))
    store.remember([enormous, check("small")])
    assert store.check(enormous.id) is None
    assert store.check(check("small").id) is not None


def test_who_labelled_may_be_written_in_any_characters(store: LabelStore) -> None:
    store.add([label("Hi", "spam", by=labeller("a\x00n\ud800n" + "x" * 300))])
    ((_, given),) = store.latest()
    assert given.labelled_by == ("an?n" + "x" * 300)[:253]


def test_of_each_site_the_newest_labels_are_read(store: LabelStore) -> None:
    store.add([label("first", "ham", site="quiet.example")])
    store.add([label(f"comment {number}", "ham") for number in range(10)])
    read = [given.comment.text for _, given in store.newest_of_sites(3)]
    assert read == ["comment 7", "comment 8", "comment 9", "first"]


def test_a_later_label_wins_and_the_history_stays(store: LabelStore) -> None:
    first, second = label("Hi", "spam"), label("Hi", "ham", by="bo", minute=1)
    assert store.add([first]) == store.add([second]) == 1
    assert store.history("blog.example", first.comment) == [first, second]
    assert [given for _, given in store.latest()] == [second]


def test_adding_twice_changes_nothing(store: LabelStore) -> None:
    labels = [label("Hi", "spam"), label("Ho", "ham"), label("Hi", "spam", minute=1)]
    assert store.add(labels) == 2
    assert store.add(labels) == 0
    assert len(list(store.latest())) == 2


def test_a_label_that_returns_to_what_it_was_counts_anew(store: LabelStore) -> None:
    labels = [label("Hi", "spam"), label("Hi", "ham", minute=1), label("Hi", "spam", minute=2)]
    assert store.add(labels) == 3
    assert store.history("blog.example", labels[0].comment) == labels


def test_sites_say_different_things_of_the_same_comment(store: LabelStore) -> None:
    here, there = label("Hi", "spam"), label("Hi", "ham", site="other.example")
    assert store.add([here, there]) == 2
    assert [given for _, given in store.latest()] == [here, there]


def test_the_latest_labels_can_be_followed(store: LabelStore) -> None:
    store.add([label(f"comment {number}", "ham") for number in range(2_500)])
    numbers = [number for number, _ in store.latest()]
    assert len(numbers) == 2_500
    store.add([label("another", "spam")])
    assert [given.comment.text for _, given in store.latest(after=numbers[-1])] == ["another"]


def test_labels_that_fail_half_way_are_not_added_at_all(store: LabelStore) -> None:
    broken = label("Ho", "ham", by=None)  # type: ignore[arg-type]  # what the database refuses
    with pytest.raises(sa.exc.IntegrityError):
        store.add([label("Hi", "spam"), broken])
    assert list(store.latest()) == []


def test_a_database_from_before_migrations_is_brought_up_to_date(url: str) -> None:
    with Store(url) as database:
        database.add_site("blog.example", bytes(32), NOON)
        with database.transaction() as connection:
            every = sa.MetaData()
            every.reflect(connection)
            every.drop_all(connection, [table for table in every.sorted_tables if table.name != "sites"])
    with Database(url) as database:
        assert list(LabelStore(database).latest()) == []
        with database.transaction() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM sites").scalar_one() == 1
            assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == SCHEMA_VERSION


def test_a_database_of_a_newer_hamgate_is_refused(url: str) -> None:
    with Database(url) as database, database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusableError, match=r"schema 9999, expected \d+ or older"):
        Database(url)


def open_database(url: str) -> None:
    Database(url).close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_open_a_new_database_at_once_all_succeed(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    url = server.new_database() if server else f"sqlite:///{tmp_path / 'new.sqlite3'}"
    spawn = get_context("spawn")
    processes = [spawn.Process(target=open_database, args=(url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
