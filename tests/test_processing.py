"""What the public page says of the processing of comments: every statement follows the settings, and each is true."""

from __future__ import annotations

import json
import os
import string
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from browser import Browser, add_account
from conftest import wait_until
from test_forgetting import everything_in

from model.comment import FIELD_NAMES, Comment
from model.relation import related_reasons
from model.segments import parts_of
from model.sketch import BINS
from model.verdict import Reason
from service.addresses import pseudonyms_with
from service.app import create_app
from service.auth import digest_of, make_key
from service.catalogues import DEFAULT, catalogues
from service.files import beside
from service.processing import AS_SENT, READ
from service.schedule import Schedule
from service.secret import open_secret
from service.upkeep import Upkeep
from service.uploads import Uploads
from service.webhook import members
from training.accounts import Role
from training.callbacks import AllowedHost, CallbackHosts
from training.campaigns import MAX_BANDS, Campaigns
from training.database import Database
from training.forgetting import UNREAD
from training.jobs import Jobs
from training.labels import Check, GivenLabel, LabelStore, first_id
from training.people import People, Person
from training.settings import KEEP_CHECKS_DAYS, LOG_ONLY, SettingsStore
from training.store import Store
from training.tellings import Change, Telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flask import Flask
    from flask.testing import FlaskClient

    from service.config import Config

NOW = datetime.now(UTC)
SITE = "blog.example"
SKETCH = bytes(4 * (BINS + 2))
SPAM = {
    "text": "Buy cheap viagra http://pills.example/",
    "author": "Cheap Viagra",
    "author_url": "http://pills.example/",
}
WHOLE = {name: f"{name} of a visitor" for name in FIELD_NAMES} | {
    "author_email": "Bo.Long@mail.example",
    "user_ip": "192.0.2.1",
    "author_url": "https://bo.example/",
    "permalink": "https://blog.example/post",
    "honeypot": "",
    "lang": "en",
    "date": "2026-01-02",
    "type": "comment",
}


class Place:
    """A service of its own with a site, as its settings say."""

    def __init__(self, config: Config, **settings: Any) -> None:
        self.config = replace(config, **settings)
        self.url = config.database
        key = make_key()
        with Store(self.url) as store:
            if store.site(SITE) is None:
                store.add_site(SITE, digest_of(key), NOW)
                store.add_site("other.example", digest_of(make_key()), NOW)
            else:
                store.replace_key(SITE, digest_of(key), NOW)
        self._key = key

    @contextmanager
    def running(self) -> Iterator[FlaskClient]:
        """Run the service; afterwards, all that waits is written."""
        app = create_app(self.config)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self._key}"
        try:
            yield client
        finally:
            close(app)

    def said(self, language: str = "en") -> dict[tuple[str, str], str]:
        """Return what the page says."""
        with self.running() as client:
            told = client.get(f"/privacy/{SITE}?format=json&lang={language}").json
        assert told is not None
        assert told["language"] == language
        return {(one["section"], one["statement"]): one["text"] for one in told["statements"]}

    @contextmanager
    def database(self) -> Iterator[Database]:
        with Database(self.url) as opened:
            yield opened

    def fill(self, days_old: Sequence[float]) -> None:
        """Store a check and a label of each age."""
        with self.database() as database:
            store = LabelStore(database)
            for days in days_old:
                at, comment = NOW - timedelta(days=days), Comment.from_mapping({**WHOLE, "text": f"{days} days old"})
                check_id = f"{first_id(at)}{'0' * 20}"
                reasons = (Reason("text", 1.0, "its words"),)
                store.remember(
                    [Check(check_id, SITE, at, comment, 0.25, "review", "0123456789abcdef", reasons, SKETCH)]
                )
                store.add([GivenLabel(SITE, comment, "ham", "ann", at)])

    def checks(self) -> list[Check]:
        with self.database() as database:
            return list(LabelStore(database).checks(NOW - timedelta(days=10_000)))

    def labels(self) -> list[GivenLabel]:
        with self.database() as database:
            return [given for _, given in LabelStore(database).every()]


def close(app: Flask) -> None:
    for name in ("follower", "recorder", "store"):
        app.extensions[f"hamgate.{name}"].close()


def checked(place: Place, *bodies: dict[str, str]) -> list[Any]:
    with place.running() as client:
        return [client.post("/v1/check", json=body).json for body in bodies]


def labelled(place: Place) -> None:
    with place.running() as client:
        assert client.post("/v1/labels", json={**WHOLE, "label": "spam", "labelled_by": "ann"}).status_code == 201


def is_checked(config: Config) -> None:
    (verdict,) = checked(place := Place(config), WHOLE)
    assert verdict["decision"]
    assert SITE in place.said()["purpose", "checked"]


def is_decided_and_corrected(config: Config) -> None:
    place = Place(config)
    with place.running() as client:
        first = client.post("/v1/check", json=SPAM).json["decision"]
        assert first in ("block", "discard")
        assert client.post("/v1/check", json={"text": "Thanks, that helped!"}).json["decision"] == "allow"
        client.post("/v1/labels", json={**SPAM, "label": "ham"})
        wait_until(lambda: client.post("/v1/check", json=SPAM).json["decision"] == "allow")


def is_only_recorded(config: Config) -> None:
    place = Place(config)
    only_log(place)
    (verdict,) = checked(place, SPAM)
    assert verdict["decision"] == "allow"
    assert place.checks()[0].decision in ("block", "discard")


def is_received(config: Config) -> None:
    checked(place := Place(config), WHOLE | {"honeypot": "x", "unknown": "y"})
    stored = place.checks()[0].comment
    assert all(getattr(stored, name) for name in FIELD_NAMES)


def is_read() -> None:
    own, post = (" ".join(f"{a}{b}{end}" for a in "abcdefgh" for b in "klmnopqr") for end in ("zzq", "vvx"))
    said = {"post_title": "telescopes", "parent_text": "marmalade", "post_text": f"kneaded lanterns {post}"}
    text = f"See https://elsewhere.example/page about telescopes, marmalade, lanterns and kneading. {own}"
    base = WHOLE | said | {"text": text}
    changed = base | {"author_email": "x@other.example", "author_url": "https://x.example/", "lang": "de"}
    changed |= {"post_title": "x", "parent_text": "x", "post_text": f"kneaded {post}"}
    changed |= {name: f"{base[name]} x" for name in FIELD_NAMES if name not in changed or base[name] == changed[name]}
    changed |= {"permalink": "https://elsewhere.example/x", "honeypot": "x"}
    read = [name for name in FIELD_NAMES if pieces(base) != pieces({**base, name: changed[name]})]
    assert sorted(read) == sorted(READ)
    assert pieces(base) == pieces({**base, "author_email": "somebody.else@mail.example"})


def pieces(body: dict[str, str]) -> object:
    comment = Comment.from_mapping(body)
    return parts_of(comment), related_reasons(comment)


def checks_are_kept(config: Config, own_days: int | None = None) -> None:
    place = Place(config, keep_checks_days=20)
    if own_days is not None:
        change(place, KEEP_CHECKS_DAYS, own_days)
    days = own_days or 20
    assert f"{days} days" in place.said()["kept", "checks"]
    place.fill([days + 0.1, days - 0.1])
    with place.running():
        wait_until(lambda: [check.comment.text for check in place.checks()] == [f"{days - 0.1} days old"])
    with place.database() as database, database.transaction() as connection:
        (row,) = connection.exec_driver_sql("SELECT reasons, sketch FROM queue").all()
    assert (json.loads(row.reasons), bytes(row.sketch)) == ([["text", 1.0, "its words"]], SKETCH)


def no_checks_are_kept(config: Config) -> None:
    checked(place := Place(config, keep_checks_days=0), WHOLE)
    assert place.checks() == []


def labels_are_kept(config: Config) -> None:
    place = Place(config)
    place.fill([5_000])
    with place.running():
        wait_until(lambda: place.checks() == [])
    Upkeep(place.config).run(NOW)
    (given,) = place.labels()
    assert (given.label, given.labelled_by) == ("ham", "ann")
    assert abs(given.labelled_at - (NOW - timedelta(days=5_000))) < timedelta(seconds=1)


def labels_are_stripped(config: Config) -> None:
    place = Place(config, keep_addresses_days=40)
    assert "40 days" in place.said()["kept", "stripped"]
    place.fill([40.1, 39.9])
    Upkeep(place.config).run(NOW)
    old, young = (given.comment for given in place.labels())
    assert not any(getattr(old, name) for name in UNREAD)
    assert all(getattr(young, name) for name in UNREAD)
    assert old.author_email == "@mail.example" != young.author_email


def addresses_are(config: Config, hash_addresses: bool) -> None:
    place = Place(config, hash_addresses=hash_addresses)
    checked(place, WHOLE)
    labelled(place)
    for comment in (place.checks()[0].comment, place.labels()[0].comment):
        assert (comment.user_ip == "192.0.2.1") is not hash_addresses
        assert (comment.author_email == "Bo.Long@mail.example") is not hash_addresses
        assert comment.author_email.endswith("@mail.example")
    kept = everything_in(place.url)
    assert (b"192.0.2.1" in kept) is (b"Bo.Long@" in kept) is not hash_addresses


def all_else_is_as_sent(config: Config) -> None:
    checked(place := Place(config), WHOLE)
    stored = place.checks()[0].comment
    assert {name: getattr(stored, name) for name in AS_SENT} == {name: WHOLE[name] for name in AS_SENT}


def campaigns_last_a_day(config: Config) -> None:
    text = "The very same long advertisement for a club, sent by one person after the other, word for word."
    verdicts = checked(Place(config), *({"text": text, "author": name} for name in ("Ann", "Bo", "Cem", "Dora")))
    assert any(reason["feature"] == "campaign" for reason in verdicts[-1]["reasons"])
    campaigns, sketch = Campaigns(), bytes(range(64))
    senders = [Comment(text=text, author=name) for name in ("Ann", "Bo", "Cem")]
    seen = [campaigns.reason(SITE, sender, sketch, 0) for sender in senders]
    assert seen[-1] is not None
    assert campaigns.reason(SITE, Comment(text=text, author="Dora"), sketch, 86_401) is None
    for number in range(2 * MAX_BANDS):
        campaigns.reason(SITE, Comment(text=text, author="Ed"), number.to_bytes(4, "little") * 16, 86_402)
    assert campaigns.reason(SITE, Comment(text=text, author="Cem"), sketch, 1, is_new=False) is None


def statistics_are_numbers(config: Config) -> None:
    place = Place(config)
    form = {"api_key": place._key, "blog": "https://blog.example", "comment_content": "Hi", "user_ip": "192.0.2.1"}
    with place.running() as client:
        assert client.post("/1.1/comment-check", data=form).text == "false"
    with place.database() as database, database.transaction() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM statistics").mappings()
    assert dict(row) == {"site": SITE, "month": f"{datetime.now(UTC):%Y-%m}", "kind": "ham", "total": 1}


def labels_teach(config: Config, is_shared: bool) -> None:
    place = Place(config, share_labels=is_shared)
    labelled(place)
    app = create_app(place.config)
    try:
        online = app.extensions["hamgate.follower"].knowledge.online
        assert online.knows(SITE)
        assert online.knows("other.example") is is_shared
    finally:
        close(app)


def uploads_are_deleted(config: Config) -> None:
    place = Place(config)
    uploads = Uploads(beside(config.database, "uploads"), 100)
    older, newer = (uploads.path(uploads.begin("comments.csv")) for _ in range(2))
    for path, hours in ((older, 24.1), (newer, 23.9)):
        os.utime(path, ((datetime.now(UTC) - timedelta(hours=hours)).timestamp(),) * 2)
    look_after(place)
    assert (older.exists(), newer.exists()) == (False, True)


def reports_are_kept(config: Config) -> None:
    place = Place(config, keep_checks_days=20)
    assert "20 days" in place.said()["kept", "reports"]
    with place.database() as database:
        numbers = []
        for days in (20.1, 19.9):
            at, jobs = NOW - timedelta(days=days), Jobs(database)
            numbers.append(jobs.ask("trial", {}, at, "ann"))
            jobs.take("here", at)
            jobs.finish(numbers[-1], "done", {"wronged": [WHOLE]}, at)
        look_after(place)
        assert [Jobs(database).find(number) is None for number in numbers] == [True, False]


def look_after(place: Place) -> None:
    with place.database() as database:
        Schedule(place.config)._tidy(Jobs(database), NOW)


def is_retrained(config: Config, hours: float) -> None:
    place = Place(config, retrain_every=hours)
    assert ("retrain" in Schedule(place.config)._clock) is bool(hours)
    with place.database() as database:
        store = LabelStore(database)
        store.add([GivenLabel(site, Comment(text="Hi"), "ham", "ann", NOW) for site in (SITE, "other.example")])
        assert {given.site for _, given in store.newest_of_sites(9)} == {SITE, "other.example"}


def accounts_see(config: Config) -> None:
    place = Place(config)
    checked(place, WHOLE)
    (check,) = place.checks()
    app = create_app(place.config)
    try:
        people = {
            name: Browser(app, name, role, sites)
            for name, role, sites in (
                ("ann", Role.ADMIN, ()),
                ("bo", Role.MODERATOR, (SITE,)),
                ("cem", Role.MODERATOR, (SITE,)),
                ("dora", Role.MODERATOR, ("other.example",)),
            )
        }
        status = {name: one.get(f"/moderate/comments/{check.id}").status_code for name, one in people.items()}
        assert status == {"ann": 200, "bo": 200, "cem": 200, "dora": 404}
        assert Browser(app).get(f"/moderate/comments/{check.id}").status_code == 303
    finally:
        close(app)
    assert "this site: 2. Administrators of the program: 1." in place.said()["seen", "accounts"]


def operators_see(config: Config) -> None:
    checked(place := Place(config), WHOLE)
    assert b"text of a visitor" in everything_in(place.url)


def sites_are_told(config: Config, hash_addresses: bool) -> None:
    place = Place(config, hash_addresses=hash_addresses)
    allow_host(place)
    assert "hooks.example:8443" in place.said()["seen", "callbacks"]
    checked(place, WHOLE)
    (check,) = place.checks()
    telling = Telling(check.id, SITE, "https://hooks.example:8443/", "7", "", (), False)
    (told,) = members("key", [Change(telling, check.comment, True, 0.0, 0)])["comments"]
    expected = {"guid": check.id, "result": "true", "comment_post_ID": "7"}
    assert told == expected | ({} if hash_addresses else {"comment_author_email": "Bo.Long@mail.example"})


def nothing_is_sent(config: Config) -> None:
    with listening() as attempts:
        place = Place(config)
        checked(place, WHOLE, SPAM)
        labelled(place)
        place.said()
    assert attempts == []


@cache
def _attempts() -> list[Any]:
    """Note, from now on for good, who connects anywhere: a hook can't be taken away again."""
    attempts: list[Any] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            attempts.append(arguments[1])

    sys.addaudithook(note)
    return attempts


@contextmanager
def listening() -> Iterator[list[Any]]:
    attempts = _attempts()
    attempts.clear()
    yield attempts


def people_are_found_and_erased(config: Config) -> None:
    place = Place(config)
    with place.running() as client:
        before = client.post("/v1/check", json=WHOLE).json["decision"]
        client.post("/v1/labels", json={**WHOLE, "label": "spam"})
        wait_until(lambda: client.post("/v1/check", json=WHOLE).json["decision"] in ("block", "discard"))
    with place.database() as database:
        people = People(database, pseudonyms_with(open_secret(database, place.url)))
        for person in (Person(email="bo.long@mail.example"), Person(ip="192.0.2.1"), Person(author=WHOLE["author"])):
            assert {found.kind for found in people.find(person)} == {"check", "label"}
        people.erase(Person(email="bo.long@mail.example"), None, NOW, "ann")
        assert list(people.find(Person(author=WHOLE["author"]))) == []
    assert checked(place, WHOLE)[0]["decision"] == before


def contact_is_named(config: Config, contact: str) -> None:
    said = Place(config, privacy_contact=contact).said()
    assert said["rights", "contact" if contact else "no_contact"].endswith(f"{contact or SITE}{'' if contact else '.'}")


def change(place: Place, setting: str, value: Any) -> None:
    with place.database() as database:
        SettingsStore(database).change(SITE, setting, value, NOW, "ann")


def only_log(place: Place) -> None:
    change(place, LOG_ONLY, True)


def allow_host(place: Place) -> None:
    with place.database() as database:
        CallbackHosts(database).allow(SITE, AllowedHost("hooks.example:8443"), NOW)


PROOFS: dict[tuple[str, str], Callable[[Config], None]] = {
    ("purpose", "checked"): is_checked,
    ("purpose", "automatic"): is_decided_and_corrected,
    ("purpose", "log_only"): is_only_recorded,
    ("purpose", "received"): is_received,
    ("purpose", "read"): lambda config: is_read(),
    ("kept", "checks"): checks_are_kept,
    ("kept", "no_checks"): no_checks_are_kept,
    ("kept", "labels"): labels_are_kept,
    ("kept", "stripped"): labels_are_stripped,
    ("kept", "hashed"): lambda config: addresses_are(config, True),
    ("kept", "plain"): lambda config: addresses_are(config, False),
    ("kept", "as_sent"): all_else_is_as_sent,
    ("kept", "uploads"): uploads_are_deleted,
    ("kept", "reports"): reports_are_kept,
    ("kept", "campaigns"): campaigns_last_a_day,
    ("kept", "statistics"): statistics_are_numbers,
    ("learnt", "at_once"): is_decided_and_corrected,
    ("learnt", "own"): lambda config: labels_teach(config, False),
    ("learnt", "shared"): lambda config: labels_teach(config, True),
    ("learnt", "retrained"): lambda config: is_retrained(config, 24),
    ("learnt", "retrainable"): lambda config: is_retrained(config, 0),
    ("seen", "accounts"): accounts_see,
    ("seen", "operator"): operators_see,
    ("seen", "callbacks"): lambda config: sites_are_told(config, True),
    ("seen", "callback_email"): lambda config: sites_are_told(config, False),
    ("seen", "nobody_else"): nothing_is_sent,
    ("rights", "export_and_erase"): people_are_found_and_erased,
    ("rights", "versions"): people_are_found_and_erased,
    ("rights", "contact"): lambda config: contact_is_named(config, "privacy@blog.example"),
    ("rights", "no_contact"): lambda config: contact_is_named(config, ""),
}
"""How each statement is held against what really happens."""


@pytest.mark.parametrize("statement", PROOFS, ids=".".join)
def test_each_statement_is_true(config: Config, statement: tuple[str, str]) -> None:
    PROOFS[statement](config)


def test_a_site_that_keeps_checks_for_less_says_so_and_does(config: Config) -> None:
    checks_are_kept(config, own_days=5)


def test_no_statement_is_without_proof() -> None:
    tables = catalogues()[DEFAULT].tables
    every = {(section, name) for section in tables["sections"] for name in tables[section]}
    assert every == set(PROOFS)


@pytest.mark.parametrize(
    ("settings", "prepare", "gone", "new"),
    [
        ({"keep_checks_days": 0}, None, ("kept", "checks"), {("kept", "no_checks"), ("kept", "reports")}),
        ({"hash_addresses": False}, None, ("kept", "hashed"), {("kept", "plain")}),
        ({"share_labels": True}, None, ("learnt", "own"), {("learnt", "shared")}),
        ({"retrain_every": 24}, None, ("learnt", "retrainable"), {("learnt", "retrained")}),
        ({"privacy_contact": "x"}, None, ("rights", "no_contact"), {("rights", "contact")}),
        ({}, only_log, ("purpose", "automatic"), {("purpose", "log_only")}),
        ({}, allow_host, None, {("seen", "callbacks")}),
    ],
)
def test_each_setting_changes_its_statements_and_no_others(
    config: Config,
    settings: dict[str, Any],
    prepare: Callable[[Place], None] | None,
    gone: tuple[str, str] | None,
    new: set[tuple[str, str]],
) -> None:
    before = Place(config).said()
    place = Place(config, **settings)
    if prepare:
        prepare(place)
    after = place.said()
    assert {name: text for name, text in after.items() if before.get(name) != text}.keys() == new
    assert before.keys() - after.keys() == ({gone} if gone else set())


def test_every_language_says_everything_with_the_same_values() -> None:
    reference = catalogues()[DEFAULT].tables
    assert len(catalogues()) > 1
    for catalogue in catalogues().values():
        assert {table: set(texts) for table, texts in catalogue.tables.items()} == {
            table: set(texts) for table, texts in reference.items()
        }
        for table, texts in catalogue.tables.items():
            for name, text in texts.items():
                assert values_in(text) == values_in(reference[table][name]), (catalogue.language, table, name)


def values_in(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_page_is_in_the_readers_language(app: Flask, key: str) -> None:
    reader = app.test_client()
    german = reader.get(f"/privacy/{SITE}", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})
    assert '<html lang="de" dir="ltr">' in german.text
    assert "höchstens 30 Tage lang" in german.text
    assert '<html lang="en"' in reader.get(f"/privacy/{SITE}", headers={"Accept-Language": "xx"}).text
    chosen = reader.get(f"/privacy/{SITE}?lang=en", headers={"Accept-Language": "de"})
    assert '<html lang="en"' in chosen.text
    assert 'href="?lang=de" hreflang="de"' in chosen.text
    assert '<html lang="en"' in reader.get(f"/privacy/{SITE}?lang=../../x").text


def test_the_page_is_for_everybody_and_leaves_nothing_in_the_browser(app: Flask, key: str) -> None:
    page = app.test_client().get(f"/privacy/{SITE}")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert "<script" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("site", ["unknown.example", "%00", "%ff", "a/b", "<script>", "x" * 5_000])
def test_a_site_that_is_not_there_has_no_page(app: Flask, key: str, site: str) -> None:
    assert app.test_client().get(f"/privacy/{site}").status_code == 404


def test_what_an_operator_writes_is_shown_and_not_run(config: Config) -> None:
    place = Place(config, privacy_contact="<script>alert(1)</script> {site}")
    with place.running() as client:
        text = client.get(f"/privacy/{SITE}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {site}" in text


def test_people_are_found_exported_and_erased_on_their_page(app: Flask, client: FlaskClient) -> None:
    for body in (WHOLE, {"text": "Write to bo.long@mail.example", "author": "Ann"}):
        client.post("/v1/labels", json={**body, "label": "spam"})
    ann = Browser(app, "ann")
    assert f"/privacy/{SITE}" in ann.get("/moderate/people").text
    asked = {"email": "bo.long@mail.example", "site": SITE}
    shown = ann.post("/moderate/people", **asked)
    assert "2 found" in shown.text
    assert "Mentions the person (text)" in shown.text
    exported = ann.post("/moderate/people/export", **asked)
    assert exported.headers["Content-Disposition"] == 'attachment; filename="person.jsonl"'
    assert len(exported.text.splitlines()) == 2
    assert ann.post("/moderate/people/erase", **asked).status_code == 422
    assert "2 found" in ann.post("/moderate/people", **asked).text
    erased = ann.post("/moderate/people/erase", **asked, sure="yes").text
    assert "0 checks and 1 labels erased" in erased
    assert "1 comments of others that mention the person were left" in erased
    assert "0 checks and 1 labels erased" in ann.post("/moderate/people/erase", **asked, sure="yes", mentions="y").text
    assert "0 found" in ann.post("/moderate/people", **asked).text


@pytest.mark.parametrize("path", ["", "/export", "/erase"])
@pytest.mark.parametrize("fields", [{"email": " "}, {}, {"ip": "192.0.2.1", "site": "no.example"}])
def test_nobody_and_no_site_are_refused(app: Flask, key: str, path: str, fields: dict[str, str]) -> None:
    assert Browser(app, "ann").post(f"/moderate/people{path}", **fields).status_code == 422


@pytest.mark.parametrize("email", ["\x00", "%", "'", "é" * 2_000, "<script>alert(1)</script>", "\u202e", "x" * 100_000])
def test_whatever_is_asked_for_is_answered(app: Flask, key: str, email: str) -> None:
    shown = Browser(app, "ann").post("/moderate/people", email=email)
    assert shown.status_code == 200
    assert "0 found" in shown.text
    assert "<script>alert" not in shown.text


@pytest.mark.parametrize("path", ["", "/export", "/erase"])
def test_people_are_for_admins_with_a_form_of_ours(app: Flask, key: str, path: str) -> None:
    asked = {"email": "bo.long@mail.example", "sure": "yes"}
    bo = Browser(app, "bo", Role.MODERATOR, [SITE])
    assert bo.post(f"/moderate/people{path}", **asked).status_code == 403
    add_account(app, "ann")
    ann = Browser(app)
    ann.sign_in("ann")
    assert ann.client.post(f"/moderate/people{path}", data=asked).status_code == 403
    assert Browser(app).post(f"/moderate/people{path}", **asked).status_code == 401
