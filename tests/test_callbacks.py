"""Sites are told of changed verdicts: once, the right thing, only where it is allowed, and until it has worked."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from conftest import close, wait_until
from receiver import FIELDS, Site
from standardwebhooks import Webhook, WebhookVerificationError
from test_memory import SPUN

from model import SHIPPED
from model.artifact import load, packed
from model.lists import Line, Subject
from model.thresholds import Thresholds
from model.verdict import Decision
from service import webhook
from service.app import create_app
from service.auth import digest_of, make_key
from service.cli import main
from service.courier import Work
from service.revision import SETTLING
from training.callbacks import AllowedHost, CallbackHosts
from training.labels import GivenLabel, LabelStore
from training.lists import ListStore
from training.registry import Registry
from training.settings import SettingsStore
from training.store import Store
from training.tellings import RETRY_SECONDS, Learnt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from service.config import Config

BLOG = "blog.example"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
WORDS = "the second drawing shows how our lathe was taken apart and cleaned, and then the belt that had to be replaced"


def comment(number: int) -> str:
    """Return a comment that is nearly the same for every number, and good."""
    return f"I think {WORDS}, which took me {number} evenings"


class House:
    """An application and what its courier does, in a time of the test's own."""

    def __init__(self, config: Config, app: Flask, key: str) -> None:
        self.store: Store = app.extensions["hamgate.store"]
        self.now = datetime.now(UTC)
        self.work = Work(config, self.store, lambda: self.now)
        self.labels = LabelStore(self.store)
        self.key = key
        self._app = app
        self._model_of_file = self.work._follower.learnt.model

    def check(self, site: Site, text: str, **more: str) -> tuple[str, str]:
        """Have a comment checked as WordPress does, publish it there, and return its guid and the verdict."""
        fields = dict(zip(FIELDS, ("17", "3", "ann@mail.example"), strict=True))
        sent = {"api_key": self.key, "blog": f"http://{BLOG}", "user_ip": "192.0.2.1", "comment_content": text}
        body = urlencode({**sent, **fields, "callback": site.callback, **more})
        answer = self._app.test_client().post("/1.1/comment-check", data=body, content_type=FORM)
        guid = answer.headers["X-akismet-guid"]
        site.publish(guid, answer.text, **fields)
        return guid, answer.text

    def remember(self, count: int = 1) -> None:
        """Wait until so many tellings and their checks are written down."""
        counts = [sa.text(f"SELECT count(*) FROM {table}") for table in ("tellings", "checks")]  # noqa: S608 - our own

        def are_there() -> bool:
            with self.store.transaction() as connection:
                return all(connection.execute(one).scalar_one() >= count for one in counts)

        wait_until(are_there)

    def say(self, text: str, label: str, by: str = "ann") -> None:
        """Label a comment of the site, as somebody does on its pages."""
        client = self._app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.key}"
        answer = client.post("/v1/labels", json={"text": text, "label": label, "labelled_by": by})
        assert answer.status_code == 201

    def learn(self) -> None:
        """Let everybody learn what is new, and the courier look again, and tell."""
        model = Registry(self.store).served() or self._model_of_file
        label = max((number for number, _ in self.labels.every()), default=0)
        news = Learnt(model, self.labels.newest_withdrawal(), SettingsStore(self.store).newest(), label)
        followers = [self.work._follower, self._app.extensions["hamgate.follower"]]
        wait_until(lambda: all(follower.learnt == news for follower in followers))
        self.pass_time(SETTLING.total_seconds())
        self.pass_time(SETTLING.total_seconds())

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, and the courier do its round then."""
        self.now += timedelta(seconds=seconds)
        self.work.do()


@pytest.fixture
def site(key: str, config: Config) -> Iterator[Site]:
    """A site that may be told, though its address is a private one."""
    with Site(key) as made:
        with Store(config.database) as store:
            CallbackHosts(store).allow(BLOG, AllowedHost(made.host, is_private=True), datetime.now(UTC))
        yield made


@pytest.fixture
def house(site: Site, config: Config, app: Flask, key: str) -> Iterator[House]:
    del site  # which must be allowed before the application begins
    made = House(config, app, key)
    yield made
    made.work.close()


def test_what_one_label_teaches_changes_another_verdict_and_the_site_is_told_once(house: House, site: Site) -> None:
    guid, verdict = house.check(site, comment(2))
    house.remember()
    assert verdict == "false"
    house.learn()
    assert site.received == []
    house.say(comment(3), "spam")
    house.learn()
    (received,) = site.received
    assert received.path == "/wp-json/akismet/v1/webhook"
    assert received.json() == {
        "key": house.key,
        "endpoint": "comment-check",
        "comments": [{"guid": guid, "result": "true", "comment_post_ID": "17", "comment_parent": "3"}],
    }
    assert received.headers["X-Akismet-Webhook"]
    assert received.headers["Content-Type"] == "application/json"
    assert (site.posts[guid].status, site.posts[guid].is_by_person) == ("spam", False)
    for _ in range(3):
        house.learn()
    assert len(site.received) == 1


def test_the_e_mail_address_is_told_too_where_it_is_not_hashed(config: Config, key: str, site: Site) -> None:
    plain = replace(config, hash_addresses=False)
    app = create_app(plain)
    house = House(plain, app, key)
    guid, _ = house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    house.learn()
    house.work.close()
    close(app)
    (told,) = site.received[0].json()["comments"]
    assert told["comment_author_email"] == "ann@mail.example"
    assert site.posts[guid].status == "spam"


def test_a_verdict_that_changes_twice_is_told_twice(house: House, site: Site) -> None:
    guid, _ = house.check(site, comment(2))
    house.remember()
    for number, said in enumerate(("spam", "ham")):
        house.say(comment(5 + number), said)
        house.say(comment(15 + number), said)
        house.learn()
    assert site.results() == [(guid, "true"), (guid, "false")]
    assert site.posts[guid].status == "approved"


def test_a_withdrawal_changes_verdicts_too(house: House, site: Site) -> None:
    guid, _ = house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam", by="mallory")
    house.learn()
    house.labels.withdraw("mallory", None, datetime.now(UTC), "ann")
    house.learn()
    assert site.results() == [(guid, "true"), (guid, "false")]


def test_another_model_changes_verdicts_too(house: House, site: Site) -> None:
    guid, verdict = house.check(site, comment(2))
    house.remember()
    model = load(SHIPPED)
    registry = Registry(house.store)
    strict = registry.add(packed(model.scorer, Thresholds(0.0, 1e-9, 0.9), model.card), datetime.now(UTC), "ann")
    registry.promote(strict, datetime.now(UTC), "ann")
    house.learn()
    registry.roll_back(datetime.now(UTC), "ann")
    house.learn()
    assert verdict == "false"
    assert site.results() == [(guid, "true"), (guid, "false")]


def test_a_line_of_the_sites_deny_list_changes_verdicts_too(house: House, site: Site) -> None:
    guid, _ = house.check(site, comment(2))
    other, _ = house.check(site, "Does anybody know a good place to have old radios mended?")
    house.remember(2)
    lists = ListStore(house.store)
    lists.add(BLOG, [Line.of(Subject.PHRASE, "our lathe", Decision.BLOCK)], datetime.now(UTC), "ann")
    house.learn()
    assert site.results() == [(guid, "true")]
    assert site.posts[other].status == "approved"


def test_what_a_line_about_an_address_decided_is_not_told_to_have_changed(house: House, site: Site) -> None:
    """The address is hashed where the comment is kept, so the line does not find it when it is judged again."""
    lists, now = ListStore(house.store), datetime.now(UTC)
    lists.add(BLOG, [Line.of(Subject.IP, "192.0.2.1", Decision.BLOCK)], now, "ann")
    house.learn()
    assert house.check(site, comment(2))[1] == "true"
    house.remember()
    lists.add(BLOG, [Line.of(Subject.PHRASE, "nobody says that", Decision.BLOCK)], now, "ann")
    house.learn()
    assert house.work._turn.looked().setting == 2
    assert site.received == []


@pytest.mark.parametrize("said", ["ham", "spam"])
def test_what_a_person_has_decided_is_never_told(house: House, site: Site, said: str) -> None:
    """Neither what the label says nor, once it is said, what a near-duplicate's says."""
    house.check(site, comment(2))
    house.remember()
    with house.store.transaction() as connection:
        check_id = connection.execute(sa.text("SELECT id FROM checks")).scalar_one()
    decided = house.labels.check(check_id)
    assert decided is not None
    house.labels.add([GivenLabel(BLOG, decided.comment, said, "ann", datetime.now(UTC))])  # type: ignore[list-item]
    house.learn()
    house.say(comment(3), "spam")
    house.learn()
    assert site.received == []


def test_what_a_person_decides_before_the_site_could_be_told_is_told_no_more(house: House, site: Site) -> None:
    site.failures = [503]
    house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    house.learn()
    assert len(site.received) == 1
    house.say(comment(2), "ham")
    house.say(comment(3), "ham")
    house.learn()
    house.pass_time(RETRY_SECONDS[0])
    assert len(site.received) == 1


def test_the_form_and_the_campaign_count_on_when_a_comment_is_judged_again(house: House, site: Site) -> None:
    """Else what only they made spam would be told to be ham at the next label of whatever it is."""
    belts = "Cheap belts for your lathe at http://lathes.example/ visit us now and order"
    assert house.check(site, belts, comment_author="Cheap belts")[1] == "false"
    in_haste = {"POST_ak_js": "1000", "POST_ak_bfs": "1100"}
    assert house.check(site, belts, comment_author="Cheap belts", **in_haste)[1] == "true"
    told = [house.check(site, spun, comment_author=f"Cem {number}")[1] for number, spun in enumerate(SPUN * 2)]
    assert (told[0], told[-1]) == ("false", "true")
    house.remember(8)
    house.say("Thank you, that was of help to us all.", "spam", by="somebody")
    house.labels.withdraw("somebody", None, datetime.now(UTC), "ann")
    house.learn()
    assert house.work._turn.looked().withdrawal == 1
    assert site.received == []


def test_a_failure_is_tried_again_so_often_and_no_more(house: House, site: Site) -> None:
    site.failures = [500] * 100
    house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    house.learn()
    for tried, pause in enumerate(RETRY_SECONDS, 1):
        assert len(site.received) == tried
        house.pass_time(pause - 1)
        assert len(site.received) == tried
        house.pass_time(1)
    assert len(site.received) == len(RETRY_SECONDS) + 1
    house.pass_time(10_000_000)
    house.say(comment(4), "spam")
    house.learn()
    assert len(site.received) == len(RETRY_SECONDS) + 1
    assert len({received.body for received in site.received}) == 1
    assert len({received.headers["webhook-id"] for received in site.received}) == 1


def test_another_attempt_after_a_failure_is_enough(house: House, site: Site) -> None:
    site.failures = [503]
    guid, _ = house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    house.learn()
    house.pass_time(RETRY_SECONDS[0])
    house.pass_time(10_000_000)
    assert len(site.received) == 2
    assert site.posts[guid].status == "spam"


def test_a_redirect_is_not_followed(house: House, site: Site) -> None:
    with Site(house.key) as other:
        site.redirect = other.callback
        house.check(site, comment(2))
        house.remember()
        house.say(comment(3), "spam")
        house.learn()
        assert len(site.received) == 1
        assert other.received == []
    site.redirect = None
    house.pass_time(RETRY_SECONDS[0])
    assert len(site.received) == 2


def test_a_host_that_is_not_on_the_list_gets_nothing_and_nothing_is_kept_of_it(house: House, site: Site) -> None:
    with Site(house.key) as other:
        house.check(other, comment(2))
        guid, _ = house.check(site, comment(4))
        house.remember()
        house.say(comment(3), "spam")
        house.learn()
        assert other.received == []
    assert site.results() == [(guid, "true")]
    with house.store.transaction() as connection:
        assert connection.execute(sa.text("SELECT check_id FROM tellings")).scalars().all() == [guid]


def test_a_host_that_was_taken_off_the_list_gets_nothing_more(house: House, site: Site) -> None:
    house.check(site, comment(2))
    house.remember()
    CallbackHosts(house.store).disallow(BLOG, site.host)
    house.say(comment(3), "spam")
    house.learn()
    house.pass_time(RETRY_SECONDS[0])
    assert site.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_host_at_a_private_address_gets_nothing_unless_it_is_listed_as_private(
    house: House, site: Site, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    hosts, listed = CallbackHosts(house.store), f"{host}:{site.server_port}"
    site.callback = site.callback.replace(site.host, listed)
    hosts.disallow(BLOG, site.host)
    hosts.allow(BLOG, AllowedHost(listed), datetime.now(UTC))
    house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    house.learn()
    assert site.received == []
    assert "that it may have" in caplog.text
    hosts.allow(BLOG, AllowedHost(listed, is_private=True), datetime.now(UTC))
    house.pass_time(RETRY_SECONDS[0])
    assert len(site.received) == 1


def test_a_receiver_that_never_answers_costs_bounded_time(
    house: House, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "DEADLINE_SECONDS", 1.0)
    site.stalls = True
    house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    began = time.monotonic()
    house.learn()
    assert time.monotonic() - began < 10
    site.stalls = False
    house.pass_time(RETRY_SECONDS[0])
    assert len(site.received) == 2


def test_the_key_is_kept_sealed_and_no_longer_told_once_it_was_rotated(house: House, site: Site) -> None:
    house.check(site, comment(2), api_key=house.key.upper())
    house.remember()
    sealed = CallbackHosts(house.store).sealed_key(BLOG)
    assert sealed is not None
    assert house.key.encode() not in sealed
    fresh = make_key()
    house.store.replace_key(BLOG, digest_of(fresh), datetime.now(UTC))
    time.sleep(1)
    house.key, before = fresh, house.key
    house.say(comment(3), "spam")
    house.learn()
    assert site.received == []
    site.key = fresh
    house.check(site, "Another comment, of which there is only one.")
    house.remember(2)
    house.pass_time(RETRY_SECONDS[0])
    (received,) = site.received
    assert received.json()["key"] == fresh != before


def test_the_signature_is_that_of_standard_webhooks_with_the_key_as_the_secret(house: House, site: Site) -> None:
    house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    house.learn()
    (received,) = site.received
    assert Webhook(house.key.encode()).verify(received.body, received.headers) == received.json()
    for key, body in ((make_key(), received.body), (house.key, received.body.replace(b"true", b"false"))):
        with pytest.raises(WebhookVerificationError):
            Webhook(key.encode()).verify(body, received.headers)


def test_no_log_line_says_anything_of_a_comment_or_a_key(
    house: House, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "hamgate")
    site.failures = [500]
    house.check(site, comment(2))
    house.remember()
    house.say(comment(3), "spam")
    house.learn()
    house.pass_time(RETRY_SECONDS[0])
    assert "told of 1 changed verdicts" in caplog.text
    for secret in ("lathe", "ann@mail.example", house.key, "192.0.2.1"):
        assert secret not in caplog.text


@pytest.mark.parametrize("reason", ["recheck_queue", "edit", "recheck"])
def test_a_recheck_is_no_other_sender_and_is_not_counted_again(house: House, site: Site, reason: str) -> None:
    def checked() -> int:
        form = urlencode({"api_key": house.key})
        return int(house._app.test_client().post("/1.2/usage-limit", data=form, content_type=FORM).get_json()["usage"])

    house.check(site, comment(1), comment_author="Ann")
    for number in range(4):
        house.check(site, comment(1), comment_author=f"Ann {number}", recheck_reason=reason)
    house.check(site, comment(1), comment_author="Ben", recheck_reason="retry")
    house.remember(6)
    wait_until(lambda: checked() == 2)
    time.sleep(0.5)
    assert checked() == 2
    with house.store.transaction() as connection:
        reasons = connection.execute(sa.text("SELECT reasons FROM tellings")).scalars().all()
    assert all(b"campaign" not in one for one in reasons)


def test_by_default_nothing_is_allowed_nor_kept(config: Config, key: str, app: Flask) -> None:
    with Site(key) as site:
        house = House(config, app, key)
        house.check(site, comment(2))
        wait_until(lambda: _count(house.store, "checks") == 1)
        house.say(comment(3), "spam")
        house.learn()
        house.work.close()
        assert site.received == []
    assert (_count(house.store, "tellings"), _count(house.store, "callback_keys")) == (0, 0)


def test_checks_that_are_not_kept_are_not_looked_at_again(config: Config, key: str, site: Site) -> None:
    forgetful = replace(config, keep_checks_days=0.0)
    app = create_app(forgetful)
    house = House(forgetful, app, key)
    house.check(site, comment(2))
    time.sleep(1)
    assert _count(house.store, "tellings") == 0
    house.work.close()
    close(app)


def _count(store: Store, table: str) -> int:
    with store.transaction() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - our own


def test_an_operator_lists_allows_and_disallows_hosts(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        url = f"sqlite:///{tmp_path / 'h.sqlite3'}"
        return CliRunner().invoke(main, ["sites", *arguments, "--database", url])

    run("add", BLOG)
    assert run("callbacks", BLOG).stdout == ""
    assert run("callbacks", BLOG, "--add", "Blog.example", "--add", "www.blog.example:8080").exit_code == 0
    listed = run("callbacks", BLOG, "--add", "127.0.0.1", "--private").stdout
    assert listed == "127.0.0.1\tprivate\nblog.example\nwww.blog.example:8080\n"
    assert (
        run("callbacks", BLOG, "--remove", "blog.example", "--remove", "127.0.0.1").stdout == "www.blog.example:8080\n"
    )
    refused = run("callbacks", BLOG, "--add", "http://blog.example/")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "expected a host" in refused.stderr
    unknown = run("callbacks", "other.example")
    assert unknown.exit_code == 2
    assert "known: blog.example" in unknown.stderr
