"""What is stored about a person is found however it is stored, and once erased it is nowhere any more."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from comments import campaign, conversation
from conftest import wait_until
from test_forgetting import everything_in

from model import SHIPPED
from model.artifact import load
from model.comment import Comment
from model.lists import Line, Subject
from model.ngrams import grams_of
from model.segments import parts_of
from model.sketch import sketches_of
from model.verdict import Decision
from service.addresses import pseudonyms_with
from service.cli import main
from service.follower import Follower
from service.metrics import Metrics
from service.rulebook import Rulebook
from service.secret import open_secret
from service.served_model import ServedModel
from training.database import Database
from training.labels import Check, GivenLabel, LabelStore, first_id
from training.lists import ListStore
from training.people import People, Person
from training.pseudonyms import Pseudonyms
from training.registry import Registry
from training.retrain import retrain
from training.settings import SettingsStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conftest import Service

    from training.labelled import Label

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
KEYED = Pseudonyms(b"k" * 32)
SITE = "blog.example"
BO = Comment(
    text="I wrote this.", author="Bö  Long", author_email="bo.long@mail.example", user_ip="2001:db8::1", user_agent="M"
)
BY_HER = Comment(text="Me too", author="Ann", author_email="ann@mail.example", user_ip="192.0.2.1")
WITH_LINK = Comment(text="Call me", author_url="mailto:Bo.Long@mail.example")
MENTION = Comment(text="Write to bo.long@mail.example, not to 2001:db8::1!", author="Ann")
NEAR = Comment(text="bo.long@mail.example.org xbo.long@mail.example 2001:db8::1:2 192.0.2.10", author="Bo Longer")
EVERYBODY = [BO, BY_HER, WITH_LINK, MENTION, NEAR, *campaign(3), *conversation(3)]


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


def label(comment: Comment, said: Label = "spam", by: str = "ann", site: str = SITE) -> GivenLabel:
    return GivenLabel(site, comment, said, by, NOON)


def check(comment: Comment, number: int = 0, site: str = SITE) -> Check:
    at = NOON + timedelta(seconds=number)
    return Check(
        f"{first_id(at)}{sum(site.encode()):08}{number:012}", site, at, comment, 0.25, "allow", "0123456789abcdef"
    )


def fill(store: LabelStore, comments: Sequence[Comment], site: str = SITE) -> None:
    store.remember([check(comment, number, site) for number, comment in enumerate(comments)])
    store.add([label(comment, site=site) for comment in comments])


@pytest.mark.parametrize("pseudonyms", [KEYED, None], ids=["hashed", "as sent"])
@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (Person(email="bo.long@mail.example"), [(BO, True), (WITH_LINK, True), (MENTION, False)]),
        (Person(email=" BO.Long@Mail.example "), [(BO, True), (WITH_LINK, True), (MENTION, False)]),
        (Person(email=KEYED.of_email("bo.long@mail.example")), [(BO, True)]),
        (Person(ip="2001:0DB8:0::1"), [(BO, True), (MENTION, False)]),
        (Person(ip="192.0.2.1"), [(BY_HER, True)]),
        (Person(author="bö long"), [(BO, True)]),
        (Person(author="ANN"), [(BY_HER, True), (MENTION, True)]),
        (Person(author="B"), []),
        (Person(author="Bö Long", ip="192.0.2.1"), [(BO, True), (BY_HER, True)]),
        (Person(email="%@_.example"), []),
        (Person(author="'; DROP TABLE checks --"), []),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_person_is_found_however_they_are_written(
    database: Database, pseudonyms: Pseudonyms | None, person: Person, expected: list[tuple[Comment, bool]]
) -> None:
    if pseudonyms is None and person.email.startswith("keyed-"):
        expected = []
    fill(LabelStore(database, pseudonyms), EVERYBODY)
    kept = [(comment if pseudonyms is None else pseudonyms.of(comment), is_own) for comment, is_own in expected]
    found = list(People(database, KEYED).find(person))
    assert [(one.comment, one.is_own) for one in found if one.kind == "check"] == kept
    assert [(one.comment, one.is_own) for one in found if one.kind == "label"] == kept


def test_an_address_in_another_form_of_ipv6_is_found_where_it_is_stored_as_sent(database: Database) -> None:
    fill(LabelStore(database), [Comment(text="Hi", user_ip="2001:0DB8:0:0:0:0:0:1"), Comment(text="Ho", user_ip="::2")])
    found = [one.comment.text for one in People(database, KEYED).find(Person(ip="2001:db8::1"))]
    assert found == ["Hi", "Hi"]


def test_many_are_found_page_by_page(database: Database) -> None:
    comments = [replace(BO, text=str(number)) for number in range(250)]
    fill(LabelStore(database, KEYED), [*comments, *EVERYBODY[1:]])
    found = [one.comment.text for one in People(database, KEYED).find(Person(author="Bö Long"))]
    assert found == [str(number) for number in range(250)] * 2


def test_an_export_tells_all_that_is_stored(database: Database) -> None:
    store = LabelStore(database, KEYED)
    fill(store, [BO])
    store.withdraw("ann", None, NOON, "root")
    first, second = (one.as_json() for one in People(database, KEYED).find(Person(author="Bö Long")))
    stored = {
        "text": "I wrote this.",
        "author": "Bö  Long",
        "author_email": KEYED.of_email("bo.long@mail.example"),
        "user_ip": KEYED.of_ip("2001:db8::1"),
        "user_agent": "M",
        "site": SITE,
        "found_in": ["author"],
    }
    assert first == stored | {
        "stored": "check",
        "id": check(BO).id,
        "checked_at": "2026-01-02T12:00:00Z",
        "decision": "allow",
        "score": 0.25,
        "model": "0123456789abcdef",
    }
    assert second == stored | {
        "stored": "label",
        "number": 1,
        "label": "spam",
        "labelled_by": "ann",
        "labelled_at": "2026-01-02T12:00:00Z",
        "is_withdrawn": True,
    }


def test_erasing_removes_a_persons_comments_and_no_others(database: Database) -> None:
    store, people = LabelStore(database, KEYED), People(database, KEYED)
    fill(store, EVERYBODY)
    fill(store, [BO], "other.example")
    erased = people.erase(Person(email="bo.long@mail.example"), SITE, NOON, "root")
    assert (erased.checks, erased.labels, erased.mentions) == (2, 2, 2)
    left = [KEYED.of(one) for one in [BY_HER, *EVERYBODY[3:], BO]]
    assert [given.comment for _, given in store.every()] == left
    assert [one.comment for one in people.find(Person(email="bo.long@mail.example"), SITE) if one.is_own] == []
    assert len(list(people.find(Person(email="bo.long@mail.example")))) == 4
    with_mentions = people.erase(Person(email="bo.long@mail.example"), None, NOON, "root", with_mentions=True)
    assert (with_mentions.checks, with_mentions.labels, with_mentions.mentions) == (2, 2, 0)
    assert list(people.find(Person(email="bo.long@mail.example"))) == []


def test_what_was_noted_of_an_erased_check_goes_with_it(database: Database) -> None:
    fill(LabelStore(database, KEYED), [BO, BY_HER])
    noted = {
        "queue": "check_id, site, comment_digest, urgency, campaign, features, words, reasons, sketch, band0, band1,"
        " band2, band3) SELECT id, site, comment, 0, '', '', author, comment, comment, 0, 0, 0, 0",
        "tellings": "check_id, site, callback, post_id, parent_id, reasons, is_spam, changed_at, attempts)"
        " SELECT id, site, '', '', '', comment, false, 0, 0",
    }
    with database.transaction() as connection:
        for table, columns in noted.items():
            written = columns.replace("author", "'I wrote this'")
            connection.exec_driver_sql(f"INSERT INTO {table} ({written} FROM checks")
    People(database, KEYED).erase(Person(author="Bö Long"), None, NOON, "root")
    with database.transaction() as connection:
        for table in noted:
            left = connection.exec_driver_sql(f"SELECT check_id FROM {table}")  # noqa: S608
            assert left.scalars().all() == [check(BY_HER, 1).id]


def test_that_something_was_erased_is_kept_and_nothing_of_whose_it_was(database: Database) -> None:
    people = People(database, KEYED)
    fill(LabelStore(database, KEYED), EVERYBODY)
    people.erase(Person(author="Nobody"), None, NOON, "root")
    people.erase(Person(author="Bö Long"), SITE, NOON, "ro\x00ot")
    (record,) = people.erasures(9)
    assert (record.site, record.checks, record.labels) == (SITE, 1, 1)
    assert (record.erased_by, record.erased_at) == ("root", NOON)


def test_lines_of_lists_that_name_a_person_are_told_and_stay(database: Database) -> None:
    people, lists = People(database, KEYED), ListStore(database)
    named = ((Subject.EMAIL, "Bo.Long@mail.example"), (Subject.EMAIL, "@mail.example"), (Subject.IP, "2001:db8::/32"))
    lists.add(SITE, [Line.of(subject, written, Decision.BLOCK) for subject, written in named], NOON, "root")
    person = Person(email="bo.long@mail.example", ip="2001:db8::1")
    (line,) = people.listed(person)
    assert (line["stored"], line["pattern"], line["removed_at"]) == ("list line", "bo.long@mail.example", None)
    assert people.listed(person, "other.example") == people.listed(Person(author="Bo")) == []
    erased = people.erase(person, None, NOON, "root")
    assert "1 lines of lists name the person" in "".join(erased.lines())
    lists.remove(SITE, [line["number"]], NOON, "root")
    assert people.listed(person)[0]["removed_at"] == "2026-01-02T12:00:00Z"
    assert people.erase(person, None, NOON, "root").listed == 0


def test_no_byte_of_what_was_erased_is_left_in_the_files(tmp_path: Path) -> None:
    url, chooser = f"sqlite:///{tmp_path / 'kept.sqlite3'}", random.Random(0)  # noqa: S311 - a sample, not a secret
    marked = [replace(one, text=f"{one.text} sesame", author="Bo") for one in campaign(200)]
    every = [replace(one, text=one.text * chooser.randrange(1, 40)) for one in [*marked, *conversation(200)]]
    chooser.shuffle(every)
    with Database(url) as database:
        store, people = LabelStore(database), People(database, KEYED)
        for start in range(0, 400, 40):
            fill(store, every[start : start + 40], f"{start}.example")
            people.erase(Person(author="Ana"), None, NOON, "root")
        assert b"sesame" in everything_in(url)
        erased = people.erase(Person(author="bo"), None, NOON, "root")
        assert (erased.labels, erased.is_scrubbed) == (200, True)
        assert b"sesame" not in everything_in(url)
        assert b"catalogued" in everything_in(url)


def test_the_versions_that_may_have_learnt_from_a_person_are_named(database: Database) -> None:
    store, registry, model = LabelStore(database, KEYED), Registry(database), load(SHIPPED)
    mixed = [label(one) for one in campaign(20)] + [label(one, "ham") for one in conversation(20)]
    random.Random(0).shuffle(mixed)  # noqa: S311 - a sample, not a secret
    hers = [label(replace(one, author="Cleo")) for one in campaign(9, seed=3)]
    store.add([*hers[:4], *mixed])
    learnt = registry.add(retrain(model, store.latest()).content, NOON, "root")
    store.add(hers[4:7])
    also_learnt = registry.add(retrain(model, store.latest()).content, NOON, "root")
    held_out = [label(replace(one, author="Dan")) for one in campaign(3, seed=4)]
    store.add(held_out)
    erased = People(database, KEYED).erase(Person(author="cleo"), None, NOON, "root")
    assert erased.versions == {learnt: 4, also_learnt: 4}
    assert People(database, KEYED).erase(Person(author="dan"), None, NOON, "root").versions == {}


def test_after_an_erasure_all_workers_are_as_if_the_labels_had_never_been(database: Database, tmp_path: Path) -> None:
    hers = [label(replace(one, author="Cleo"), said) for one in campaign(15, seed=3) for said in ("ham", "spam")]
    others = [label(one) for one in campaign(15)] + [label(one, "ham") for one in conversation(15)]
    others += [label(one, "ham", site="other.example") for one in conversation(5, seed=9)]
    mixed = [*hers, *others]
    random.Random(1).shuffle(mixed)  # noqa: S311 - a sample, not a secret
    asked = [one.comment for one in mixed]
    store = LabelStore(database, KEYED)
    store.add(mixed[:30])
    early = follower_of(database)
    store.add(mixed[30:])
    late = follower_of(database)
    with Database(f"sqlite:///{tmp_path / 'never.sqlite3'}") as other:
        LabelStore(other, KEYED).add([one for one in mixed if one not in hers])
        never = follower_of(other)
        expected = state(never, asked)
        never.close()
    try:
        wait_until(lambda: state(early, asked) == state(late, asked) != expected)
        People(database, KEYED).erase(Person(author="cleo"), None, NOON, "root")
        wait_until(lambda: state(early, asked) == state(late, asked) == expected, seconds=10)
    finally:
        early.close()
        late.close()


def follower_of(database: Database) -> Follower:
    rulebook = Rulebook(SettingsStore(database), ListStore(database))
    return Follower(LabelStore(database), Registry(database), ServedModel(SHIPPED, Metrics()), rulebook)


def state(follower: Follower, asked: Sequence[Comment]) -> list[object]:
    """Return all weights that a worker has learnt, bit for bit, what it recalls of comments, and what it foretold."""
    memory, online, foresight = follower.knowledge
    assert online is not None
    sketches = sketches_of(grams_of([parts_of(one) for one in asked]))
    recalled = [memory.recall(site, sketch) for site in (SITE, "other.example") for sketch in sketches]
    foretold = [scores.tobytes() for scores in foresight.of(SITE)]
    return [{site: weights.tobytes() for site, weights in online._sites.items()}, recalled, foretold]


def run(url: str, *words: str) -> tuple[int, list[Any], str]:
    """Run a command in this process: exit status, the JSON lines it prints, standard error."""
    outcome = CliRunner().invoke(main, ["privacy", *words, "--database", url])
    return outcome.exit_code, [json.loads(line) for line in outcome.stdout.splitlines()], outcome.stderr


def test_the_commands_export_and_erase(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hamgate.sqlite3'}"
    with Database(url) as database:
        fill(LabelStore(database, pseudonyms_with(open_secret(database, url))), EVERYBODY)
    status, exported, said = run(url, "export", "--ip", "2001:db8::1")
    assert (status, len(exported), said) == (0, 4, "4 found\n")
    assert "user_ip" in exported[0]["found_in"]
    status, dry, _ = run(url, "erase", "--ip", "2001:db8::1", "--dry-run")
    assert (status, dry) == (0, [exported[0], exported[2]])
    status, printed, said = run(url, "erase", "--ip", "2001:db8::1", "--site", SITE)
    assert (status, printed) == (0, [])
    assert said == "1 checks and 1 labels erased\n2 comments of others that mention the person were left\n"
    status, _, said = run(url, "erase", "--ip", "2001:db8::1", "--mentions")
    assert (status, said) == (0, "1 checks and 1 labels erased\n")
    assert run(url, "export", "--ip", "2001:db8::1")[1] == []


@pytest.mark.parametrize("words", [["export"], ["erase", "--email", " "], ["erase", "--nobody", "x"], ["forget"]])
def test_without_a_person_nothing_is_done(tmp_path: Path, words: list[str]) -> None:
    assert run(f"sqlite:///{tmp_path / 'hamgate.sqlite3'}", *words)[:2] == (2, [])


def test_a_version_that_has_learnt_from_a_person_is_named_by_the_command(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hamgate.sqlite3'}"
    with Database(url) as database:
        store = LabelStore(database)
        store.add([label(BO), *map(label, campaign(10)), *(label(one, "ham") for one in conversation(10))])
        version = Registry(database).add(retrain(load(SHIPPED), store.latest()).content, NOON, "root")
    _, _, said = run(url, "erase", "--author", "bö long")
    assert f"Version {version} may have learnt from 1 of these labels. What it learnt can't be taken out of it;" in said


def test_a_running_service_forgets_what_an_erased_person_taught(start: Callable[..., Service]) -> None:
    service = start(HAMGATE_WORKERS="2")
    body = {"text": "The second example lacks a semicolon.", "author": "Bo", "author_email": "bo@mail.example"}

    def decisions() -> set[str]:
        answers = [service.call("POST", "/v1/check", json.dumps(body).encode()) for _ in range(10)]
        return {json.loads(answer.body)["decision"] for answer in answers}

    assert decisions() == {"allow"}
    assert service.call("POST", "/v1/labels", json.dumps({**body, "label": "spam"}).encode()).status == 201
    wait_until(lambda: decisions() <= {"block", "discard"})
    status, _, said = run(service.database, "erase", "--email", "Bo@mail.example")
    assert status == 0, said
    assert "1 labels erased" in said
    wait_until(lambda: decisions() == {"allow"})
