"""The Akismet protocol, as clients of Akismet speak it: what each call answers, line by line of their expectations."""

from __future__ import annotations

import codecs
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from statistics import quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from conftest import wait_until
from test_memory import rename

from model.comment import Comment
from model.verdict import Reason
from service.auth import Guard
from service.forms import MAX_PARAMETERS, Form
from service.judge import Judge
from service.recorder import MAX_PAUSE_SECONDS
from training.database import Database
from training.labels import LabelStore
from training.statistics import Statistics, month_of

if TYPE_CHECKING:
    from conftest import Service
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

THANKS = "Thanks for making the web a better place."
SITE = "blog.example"
HAM = {"comment_author": "Ann", "comment_content": "Thanks, that solved it. How did you find the cause?"}
SPAM = {
    "comment_author": "Cheap Viagra Online",
    "comment_author_url": "http://cheap-viagra.example/",
    "comment_content": "Buy cheap viagra online without prescription http://cheap-viagra.example/ best price viagra",
}
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


@pytest.fixture
def akismet(client: FlaskClient, key: str) -> Akismet:
    return Akismet(client, key)


class Akismet:
    """A client that sends the key as a parameter, unless told otherwise."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client, self.key = client, key
        client.environ_base.pop("HTTP_AUTHORIZATION")

    def call(self, path: str, host: str = "rest.akismet.com", agent: str = "", **parameters: Any) -> TestResponse:
        body = urlencode(parameters, doseq=True)
        return self.client.post(path, data=body, content_type=FORM, headers={"Host": host, "User-Agent": agent})

    def check(self, **parameters: Any) -> TestResponse:
        sent = {"api_key": self.key, "blog": "http://blog.example", "user_ip": "192.0.2.1", **parameters}
        return self.call("/1.1/comment-check", **sent)

    def submit(self, label: str, **parameters: Any) -> str:
        sent = {"api_key": self.key, "blog": "http://blog.example", "user_ip": "192.0.2.1", **parameters}
        return self.call(f"/1.1/submit-{label}", **sent).text


def labels_of(app: Flask) -> list[tuple[str, str]]:
    store = LabelStore(app.extensions["hamgate.store"])
    return [(one.label, one.comment.text) for _, one in store.latest()]


def test_1_which_key_counts(akismet: Akismet) -> None:
    def verify(**sent: str) -> str:
        return akismet.call("/1.1/verify-key", **sent).text

    right, wrong = akismet.key, "aaaaaaaaaaaa"
    assert verify(key=right, api_key=wrong) == "valid"
    assert verify(key=wrong, api_key=right) == "invalid"
    assert verify(api_key=right) == "valid"
    assert verify(host=f"{right}.rest.akismet.com") == "valid"
    host = f"{wrong}.rest.akismet.com"
    assert akismet.call("/1.1/comment-check", host=host, api_key=right, key=wrong, **HAM).text == "false"
    assert akismet.call("/1.1/comment-check", host=f"{right}.rest.akismet.com", **HAM).text == "false"


def test_2_the_case_of_a_key_does_not_matter(akismet: Akismet) -> None:
    for key in (akismet.key, akismet.key.upper(), akismet.key.title()):
        assert akismet.call("/1.1/verify-key", key=key).text == "valid"
        assert akismet.call("/1.1/verify-key", host=f"{key}.rest.akismet.com").text == "valid"


def test_3_a_wrong_key_is_invalid_and_no_error(akismet: Akismet) -> None:
    verified = akismet.call("/1.1/verify-key", key="aaaaaaaaaaaa")
    assert (verified.status_code, verified.text) == (200, "invalid")
    assert "X-akismet-debug-help" not in verified.headers
    checked = akismet.check(api_key="aaaaaaaaaaaa")
    assert (checked.status_code, checked.text) == (200, "invalid")
    assert {"X-akismet-debug-help", "X-akismet-guid"} <= set(checked.headers.keys())


def test_4_a_verdict_is_exactly_true_or_false_with_a_guid_of_its_own(akismet: Akismet) -> None:
    guids = set()
    for _ in range(10_000):
        answer = akismet.check(**HAM)
        assert answer.data == b"false"
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Content-Length"] == "5"
        assert "X-akismet-debug-help" not in answer.headers
        guids.add(answer.headers["X-akismet-guid"])
    assert len(guids) == 10_000
    assert {len(guid) for guid in guids} == {32}
    assert akismet.check(**SPAM).data == b"true"


def test_4_only_wordpress_is_told_to_hold_what_a_moderator_should_see(akismet: Akismet) -> None:
    wordpress = "WordPress/6.1.9 | Akismet/5.0.2"
    pills = "[url=http://pills.example]cialis[/url] [url=http://pills.example/2]levitra[/url]"
    like_it = {**SPAM, "comment_content": f"{SPAM['comment_content']} {pills}"}
    assert "X-akismet-error" not in akismet.check(**SPAM, agent=wordpress).headers
    assert akismet.check(**like_it, agent=wordpress).text == "true"
    assert akismet.submit("ham", **SPAM) == THANKS
    wait_until(lambda: akismet.check(**like_it).text == "false", seconds=3)
    held = akismet.check(**like_it, agent=wordpress)
    assert (held.text, held.headers["X-akismet-error"]) == ("false", "to be reviewed by a moderator")
    for agent in ("Discourse/3.5 | discourse-akismet/1.0", ""):
        assert "X-akismet-error" not in akismet.check(**like_it, agent=agent).headers
    assert "X-akismet-error" not in akismet.check(**HAM, agent=wordpress).headers


def test_4_who_asks_for_the_classification_is_told(akismet: Akismet) -> None:
    told = [akismet.check(**one, classify="1").headers["X-Akismet-Classification"] for one in (SPAM, HAM)]
    assert told == ["spam", "ham"]
    assert "X-Akismet-Classification" not in akismet.check(**SPAM).headers


@pytest.mark.parametrize("test", [{}, {"is_test": "1"}])
def test_5_test_conventions(akismet: Akismet, test: dict[str, str]) -> None:
    guaranteed: list[dict[str, str]] = [
        {"comment_author": "viagra-test-123"},
        {"comment_author": "akismet-guaranteed-spam"},
        {"comment_author_email": "akismet-guaranteed-spam@example.com"},
    ]
    for sent in guaranteed:
        assert json.loads(akismet.check(**{**HAM, **sent, **test}).data) is True
        assert json.loads(akismet.check(**{**HAM, **sent, **test}, user_role="editor,administrator").data) is False
    assert json.loads(akismet.check(**SPAM, **test, user_role="administrator").data) is False
    assert akismet.check(**SPAM, **test, user_role="editor").text == "true"


def test_5_a_test_can_ask_for_discard(akismet: Akismet) -> None:
    forced = akismet.check(**HAM, is_test="1", test_discard="1")
    assert (forced.text, forced.headers["X-akismet-pro-tip"]) == ("true", "discard")
    assert akismet.check(**HAM, test_discard="1").text == "false"
    assert "X-akismet-pro-tip" not in akismet.check(**HAM).headers


def test_6_what_is_a_test_and_what_is_not(akismet: Akismet, app: Flask) -> None:
    for number, value in enumerate(("1", "true", "True")):
        assert akismet.submit("spam", comment_content=f"test {number}", is_test=value) == THANKS
    assert labels_of(app) == []
    for number, value in enumerate(("False", "0", "")):
        assert akismet.submit("spam", comment_content=f"real {number}", is_test=value) == THANKS
    assert labels_of(app) == [("spam", f"real {number}") for number in range(3)]


def test_7_a_submission_is_a_label_once(akismet: Akismet, app: Flask) -> None:
    for _ in range(2):
        assert akismet.submit("spam", **HAM, guid="0" * 32) == THANKS
    assert labels_of(app) == [("spam", HAM["comment_content"])]
    wait_until(lambda: akismet.check(**HAM).text == "true", seconds=3)
    assert akismet.submit("ham", **HAM) == THANKS
    wait_until(lambda: akismet.check(**HAM).text == "false", seconds=3)


def test_7_a_comment_without_text_is_a_label_and_keeps_nobody_from_learning(akismet: Akismet, app: Flask) -> None:
    assert akismet.submit("spam", comment_author="Ann") == THANKS
    assert labels_of(app) == [("spam", "")]
    assert akismet.submit("spam", **HAM) == THANKS
    wait_until(lambda: akismet.check(**HAM).text == "true", seconds=5)


def test_8_corrections_are_counted_and_first_labels_are_not(akismet: Akismet) -> None:
    for number, (label, said) in enumerate(
        [("ham", "true"), ("ham", "true"), ("ham", "false"), ("ham", ""), ("spam", "false"), ("spam", "true")]
    ):
        akismet.submit(label, comment_content=f"comment {number}", comment_check_response=said)
    akismet.submit("ham", comment_content="comment 0", comment_check_response="true")
    month = month_of(datetime.now(UTC))

    def counted() -> tuple[str, str]:
        (row,) = akismet.call("/1.2/key-sites", api_key=akismet.key).get_json()[month]
        return row["false_positives"], row["missed_spam"]

    wait_until(lambda: counted() == ("2", "1"), seconds=3)
    time.sleep(2 * MAX_PAUSE_SECONDS)
    assert counted() == ("2", "1")


def test_8_checks_are_counted_by_outcome(akismet: Akismet) -> None:
    for sent in (HAM, HAM, SPAM, {**HAM, "is_test": "1"}):
        akismet.check(**sent)
    month = month_of(datetime.now(UTC))

    def row() -> dict[str, Any]:
        found: dict[str, Any] = akismet.call("/1.2/key-sites", api_key=akismet.key).get_json()[month][0]
        return found

    wait_until(lambda: row()["api_calls"] == "3", seconds=3)
    assert row() == {
        "site": SITE,
        "api_calls": "3",
        "spam": "1",
        "ham": "2",
        "missed_spam": "0",
        "false_positives": "0",
        "is_revoked": False,
    }
    usage = akismet.call("/1.2/usage-limit", api_key=akismet.key).get_json()
    assert usage == {"limit": "none", "usage": 3, "percentage": "0.00", "throttled": False}
    stats = akismet.call(
        "/1.1/get-stats", key=akismet.key, blog="http://blog.example", **{"from": "60-days"}
    ).get_json()
    assert (stats["spam"], stats["time_saved"]) == ("1", 10)


def form_of(body: str, content_type: str = FORM, query: str = "") -> Form:
    return Form.of({"CONTENT_TYPE": content_type, "QUERY_STRING": query}, body.encode("latin-1"))


def test_9_every_parameter_that_says_something_reaches_the_comment() -> None:
    sent = {
        "comment_content": "Hi",
        "comment_author": "Ann",
        "comment_author_email": "ann@mail.example",
        "comment_author_url": "http://ann.example/",
        "user_ip": "192.0.2.1",
        "user_agent": "Firefox",
        "referrer": "http://blog.example/",
        "permalink": "http://blog.example/1",
        "comment_date_gmt": "2026-01-02 03:04:05",
        "blog_lang": "fr_CA, en",
        "honeypot_field_name": "website2",
        "website2": "http://trap.example/",
    }
    expected = Comment(
        text="Hi",
        author="Ann",
        author_email="ann@mail.example",
        author_url="http://ann.example/",
        user_ip="192.0.2.1",
        user_agent="Firefox",
        referrer="http://blog.example/",
        permalink="http://blog.example/1",
        date="2026-01-02 03:04:05",
        lang="fr-CA",
        honeypot="http://trap.example/",
        type="forum-post",
        post_title="bread, oven",
    )
    for kind in ("comment_type", "content_type"):
        for context in (
            {"comment_context": "bread, oven"},
            {"comment_context": ["bread", "oven"]},
            {"comment_context[]": ["bread", "oven"]},
            {"comment_context[0]": "bread", "comment_context[1]": "oven"},
        ):
            assert form_of(urlencode({**sent, kind: "forum-post", **context}, doseq=True)).comment() == expected
    assert form_of("POST_ak_hp_textarea=x&referrer=unknown").comment() == Comment(text="", honeypot="x")


def test_9_a_form_filled_in_at_once_without_a_key_press_is_evidence(akismet: Akismet) -> None:
    hasty = {"POST_ak_js": "1700000000000", "POST_ak_bfs": "1700000000300"}
    reason = form_of(urlencode(hasty)).haste()
    assert reason is not None
    assert reason.text == "the form was sent after 300 ms, with no key pressed"
    for sent in ({**hasty, "POST_ak_bkp": "12;9;"}, {**hasty, "POST_ak_bfs": "1700000090000"}, {"POST_ak_js": "17"}):
        assert form_of(urlencode(sent)).haste() is None
    assert akismet.check(**HAM, **hasty).text == "false"


def test_9_what_a_form_told_does_not_outweigh_what_a_person_said(akismet: Akismet, app: Flask) -> None:
    hasty = {**HAM, "POST_ak_js": "1700000000000", "POST_ak_bfs": "1700000000300"}
    assert akismet.submit("ham", **hasty) == THANKS
    follower, rulebook = app.extensions["hamgate.follower"], app.extensions["hamgate.rulebook"]
    judge = Judge(follower._served, follower, rulebook)
    seen = Reason("haste", 50.0, "far more than it is worth")
    comment = form_of(urlencode(hasty)).comment()
    wait_until(lambda: judge.check(SITE, comment, seen).decision == "allow", seconds=3)
    assert judge.check(SITE, Comment(text="Something else altogether."), seen).decision == "discard"


def test_10_a_key_in_the_query_counts_whatever_charset_the_body_names(akismet: Akismet) -> None:
    for charset in ("UTF-8", "ISO-8859-1", "windows-1252", "nonsense"):
        body = urlencode({**HAM, "blog_charset": charset})
        answer = akismet.client.post(f"/1.1/comment-check?api_key={akismet.key}", data=body, content_type=FORM)
        assert answer.text == "false"


@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1"])
def test_10_what_is_not_percent_encoded_is_read_in_the_forms_charset_too(charset: str) -> None:
    body = "comment_content=café+%26+more&comment_author=a%20b&&empty=&alone".encode(charset)
    form = Form.of({"CONTENT_TYPE": f"application/x-www-form-urlencoded; charset={charset}"}, body)
    expected = {"comment_content": "café & more", "comment_author": "a b", "empty": "", "alone": ""}
    assert form.values == expected


def test_10_too_many_parameters_are_refused(akismet: Akismet) -> None:
    body = f"api_key={akismet.key}" + "&x=1" * MAX_PARAMETERS
    answer = akismet.client.post("/1.1/comment-check", data=body, content_type=FORM)
    assert answer.status_code == 400
    assert b"more than 2,000 parameters" in answer.data


def test_10_python_is_not_asked_for_charsets_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would remember each name that it was asked for, for ever."""
    asked: list[str] = []
    lookup = codecs.lookup
    monkeypatch.setattr(codecs, "lookup", lambda name: asked.append(name) or lookup(name))
    for name in ("x" * 1_000, "nonsense1", "nonsense2", "cp1252_but_not_quite", "punycode"):
        form_of(f"blog_charset={name}", content_type=f"application/x-www-form-urlencoded; charset={name}")
    assert asked == []
    form_of("blog_charset=windows-1252")
    assert "windows-1252" in asked


def test_10_labels_are_charged_like_checks(app: Flask, akismet: Akismet, monkeypatch: pytest.MonkeyPatch) -> None:
    charged: list[int] = []
    monkeypatch.setattr(Guard, "charge", lambda guard, site, count: charged.append(count))
    akismet.check(**HAM)
    akismet.submit("spam", **SPAM)
    assert charged == [1, 1]


def test_10_what_is_wrong_with_the_database_is_not_told_to_clients(akismet: Akismet, app: Flask) -> None:
    rename(app.extensions["hamgate.store"], "statistics", "gone")
    try:
        answer = akismet.call("/1.2/usage-limit", api_key=akismet.key)
    finally:
        rename(app.extensions["hamgate.store"], "gone", "statistics")
    assert answer.status_code == 503
    assert b"sqlite" not in answer.data


def test_10_whatever_is_sent_is_answered_and_no_cookie_is_kept(akismet: Akismet, app: Flask) -> None:
    unknown = {f"unknown_{number}": "x" for number in range(150)}
    secrets = {"HTTP_COOKIE": "session=secret", "HTTP_AUTHORIZATION": "Basic secret", "POST_pwd": "secret"}
    assert akismet.check(**HAM, **unknown, **secrets).text == "false"
    assert akismet.submit("spam", **SPAM, **secrets) == THANKS
    time.sleep(2 * MAX_PAUSE_SECONDS)
    with app.extensions["hamgate.store"].transaction() as connection:
        for table in ("labels", "checks"):
            kept = connection.execute(sa.text(f"SELECT comment FROM {table}")).scalars().all()  # noqa: S608 - ours
            assert kept
            assert not any(b"secret" in bytes(comment) for comment in kept)
    assert akismet.check(comment_content="").status_code == 200
    assert akismet.check(comment_content="x" * 1_000_000).status_code == 200
    assert akismet.check(comment_content="x" * 2_000_000).status_code == 413
    for charset in ("nonsense", "utf-16", "idna", "base64", "punycode", "\x00", "x" * 500):
        assert akismet.check(**HAM, blog_charset=charset).status_code == 200
    latin = f"api_key={akismet.key}&blog_charset=ISO-8859-1&comment_content=caf%E9"
    assert form_of(latin).comment().text == "café"
    for content_type in ("", "text/plain", "application/json"):
        answer = akismet.client.post(
            "/1.1/comment-check", data=f"api_key={akismet.key}&comment_content=Hi", content_type=content_type
        )
        assert answer.text == "false"
    for body in (b"\xff\xfe%%%=&&&==", b"&" * 5_000, b"a=b&" * 5_000):
        assert akismet.client.post("/1.1/comment-check", data=body, content_type=FORM).status_code < 500


def test_10_http_1_0_without_keep_alive(service: Service) -> None:
    body = urlencode({"api_key": service.key, **HAM}).encode()
    head = f"POST /1.1/comment-check HTTP/1.0\r\nHost: rest.akismet.com\r\nContent-Type: {FORM}\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.read()) == (200, b"false")


def test_11_answers_come_long_before_clients_give_up(service: Service) -> None:
    """PyPI's client waits for a second. Eight ask at once, one comment after the other."""
    body = urlencode({"api_key": service.key, **HAM})

    def asked(_: int) -> list[float]:
        connection, seconds = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30), []
        for _ in range(250):
            begun = time.perf_counter()
            connection.request("POST", "/1.1/comment-check", body, {"Content-Type": FORM})
            assert connection.getresponse().read() == b"false"
            seconds.append(time.perf_counter() - begun)
        connection.close()
        return seconds

    with ThreadPoolExecutor(8) as clients:
        seconds = [one for of_client in clients.map(asked, range(8)) for one in of_client]
    assert quantiles(seconds, n=100)[98] < 1


def test_12_what_wordpress_asks_beside_checks(akismet: Akismet) -> None:
    key = akismet.key
    subscription = akismet.call("/1.1/get-subscription", key=key, blog="http://blog.example").get_json()
    assert subscription["status"] == "active"
    assert subscription["limit_reached"] is False
    assert akismet.call("/1.1/get-subscription", key="aaaaaaaaaaaa").text == "invalid"
    assert akismet.client.get("/1.1/test").text == "connected"
    assert akismet.call("/1.1/deactivate", key=key, blog="http://blog.example").text == "deactivated"
    assert akismet.call("/1.1/token", api_key=key).text not in ("", "invalid")
    stats = akismet.call("/1.2/get-key-stats", key=key, **{"from": "6-months"}).get_json()
    assert stats == {
        "spam": 0,
        "ham": 0,
        "missed_spam": 0,
        "false_positives": 0,
        "accuracy": "100.00",
        "time_saved": 0,
        "breakdown": {},
    }


def test_12_statistics_by_month(akismet: Akismet, app: Flask) -> None:
    statistics = Statistics(app.extensions["hamgate.store"])
    month = month_of(datetime.now(UTC))
    counts = {(SITE, "2020-01", "spam"): 7, (SITE, month, "spam"): 60, (SITE, month, "ham"): 38}
    statistics.add(counts)  # type: ignore[arg-type]  # literals
    statistics.add({(SITE, month, "ham"): 2, (SITE, month, "missed_spam"): 3, ("other.example", month, "spam"): 9})
    stats = akismet.call("/1.2/get-key-stats", key=akismet.key, **{"from": "60-days"}).get_json()
    assert (stats["spam"], stats["ham"], stats["accuracy"]) == (60, 40, "97.00")
    assert stats["breakdown"][month] == {
        "spam": "60",
        "ham": "40",
        "missed_spam": "3",
        "false_positives": "0",
        "blogs": "1",
        "da": f"{month}-01",
    }
    every = akismet.call("/1.1/get-stats", key=akismet.key, **{"from": "all"}).get_json()
    assert every == {
        "spam": "67",
        "ham": "40",
        "missed_spam": "3",
        "false_positives": "0",
        "accuracy": "97.20",
        "time_saved": 670,
    }


def test_13_usage_and_sites_by_get_and_post_as_json_and_csv(akismet: Akismet) -> None:
    month = month_of(datetime.now(UTC))
    for path in ("/1.2/usage-limit", "/1.2/key-sites"):
        got = akismet.client.get(f"{path}?api_key={akismet.key}")
        assert got.get_json() == akismet.call(path, api_key=akismet.key).get_json()
    sites = akismet.client.get(f"/1.2/key-sites?api_key={akismet.key}&limit=5").get_json()
    assert {name: sites[name] for name in ("limit", "offset", "total")} == {"limit": 5, "offset": 0, "total": 1}
    assert akismet.call("/1.2/key-sites", api_key=akismet.key, filter="other").get_json()[month] == []
    assert akismet.call("/1.2/key-sites", api_key=akismet.key, extended="true").get_json()[month][0]["hash"]
    table = akismet.call("/1.2/key-sites", api_key=akismet.key, format="csv").text.splitlines()
    assert table[1:] == [
        "Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked",
        "blog.example,0,0,0,0,0,false",
    ]


def test_15_without_a_model_it_is_a_5xx_and_never_true(akismet: Akismet, app: Flask) -> None:
    with pytest.MonkeyPatch.context() as patch:
        served = app.extensions["hamgate.follower"]._served
        patch.setattr(served, "_filter", None)
        answer = akismet.check(**SPAM)
    assert answer.status_code == 503
    assert b"true" not in answer.data
    assert "X-akismet-guid" in answer.headers, "without one, WordPress shows the comment instead of holding it"


def test_statistics_add_up_on_every_database(url: str) -> None:
    with Database(url) as database:
        statistics = Statistics(database)
        for _ in range(3):
            statistics.add({(SITE, "2026-01", "spam"): 2, (SITE, "2026-02", "ham"): 1})
        assert statistics.months(SITE) == {"2026-01": {"spam": 6}, "2026-02": {"ham": 3}}
        assert list(statistics.months(SITE, "2026-02")) == ["2026-02"]
