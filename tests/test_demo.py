"""``hamgate demo``: the newspaper does as Hamgate and the moderators say, and the command starts and stops both."""

from __future__ import annotations

import json
import re
import signal
import socket
import urllib.request
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from conftest import free_port, wait_until
from demonstration import Demonstration, start_demonstration
from werkzeug.serving import BaseWSGIServer

from service.addresses import pseudonyms_with
from service.cli import main
from service.demo import desk as desk_module
from service.demo.client import Hamgate, NoAnswerError
from service.demo.comments import Comments, Status
from service.demo.desk import Desk
from service.demo.news import news as read_news
from service.demo.site import TOLD, create_site
from service.secret import open_secret
from service.server import require_free
from training.database import Database
from training.labels import LabelStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Service
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

NEWS = read_news()
PAGE = "/night-ferry"
LINKS = {"why": "http://hamgate.example/moderate/comments/", "privacy": "http://hamgate.example/privacy/local"}


@pytest.fixture
def comments(tmp_path: Path) -> Iterator[Comments]:
    made = Comments(tmp_path / "newspaper.sqlite3")
    yield made
    made.close()


@pytest.fixture
def open_desk(comments: Comments) -> Iterator[Callable[[str, str], Desk]]:
    """Open desks that ask Hamgate at some URL, with some key."""
    opened: list[Desk] = []

    def open_one(url: str, key: str) -> Desk:
        opened.append(Desk(comments, Hamgate(url, key, timeout_seconds=60)))
        return opened[-1]

    yield open_one
    for desk in opened:
        desk.close()


@pytest.fixture
def open_paper(comments: Comments, open_desk: Callable[[str, str], Desk]) -> Callable[[str, str], FlaskClient]:
    """Open the newspaper at such a desk, and return a reader."""

    def open_one(url: str, key: str) -> FlaskClient:
        desk = open_desk(url, key)
        made = create_site(NEWS, comments, desk, lambda: "/queue", LINKS, "http://paper.example").test_client()
        made.environ_base["HTTP_USER_AGENT"] = NEWS.letters[0].user_agent
        return made

    return open_one


@pytest.fixture
def reader(service: Service, open_paper: Callable[[str, str], FlaskClient]) -> FlaskClient:
    return open_paper(f"http://127.0.0.1:{service.port}", service.key)


def write(reader: FlaskClient, sample: str, **more: str) -> TestResponse:
    """Fill in the form as the page suggests, send it, and return the page that one is led to."""
    chosen = NEWS.samples[sample]
    fields = {"author": chosen.author, "email": chosen.email, "url": chosen.url, "text": chosen.text, **more}
    return reader.post(PAGE, data=fields, follow_redirects=True)


@pytest.mark.parametrize(
    ("sample", "status", "is_shown_to_its_author"),
    [
        ("a reader", Status.SHOWN, True),
        ("one on the edge", Status.HELD, True),
        ("a spammer", Status.DROPPED, False),
        ("spam in disguise", Status.DROPPED, False),
    ],
)
def test_a_comment_is_treated_as_hamgate_says_and_the_visitor_told(
    reader: FlaskClient, comments: Comments, sample: str, status: Status, is_shown_to_its_author: bool
) -> None:
    seen = write(reader, sample)
    (kept,) = comments.newest(5)
    assert kept.status is status
    assert TOLD[status] in seen.text
    listed = re.search(r'<ol class="comments">.*?</ol>', seen.text, re.DOTALL)
    assert listed
    assert (NEWS.samples[sample].author in listed[0]) == is_shown_to_its_author
    others = re.search(r'<ol class="comments">.*?</ol>', reader.get(PAGE).text, re.DOTALL)
    assert others
    assert (NEWS.samples[sample].author in others[0]) == (status is Status.SHOWN)


def test_of_what_is_dropped_nothing_is_kept(reader: FlaskClient, comments: Comments) -> None:
    write(reader, "a spammer")
    assert comments.newest(1)[0].sent == {}


def test_hamgate_is_told_all_that_the_site_knows(reader: FlaskClient, comments: Comments, service: Service) -> None:
    write(reader, "a reader", website="http://bot.example")
    (kept,) = comments.newest(1)
    assert kept.verdict
    with Database(service.database) as database:
        store = LabelStore(database)
        wait_until(lambda: store.check(kept.verdict["id"]) is not None)
        check = store.check(kept.verdict["id"])
        pseudonyms = pseudonyms_with(open_secret(database, service.database))
    assert check
    known = check.comment
    assert (known.author, known.text) == (NEWS.samples["a reader"].author, NEWS.samples["a reader"].text)
    assert (known.permalink, known.honeypot) == (f"http://paper.example{PAGE}", "http://bot.example")
    assert (known.post_title, known.post_text) == (
        NEWS.articles["night-ferry"].title,
        NEWS.articles["night-ferry"].text,
    )
    assert (known.user_agent, known.user_ip) == (NEWS.letters[0].user_agent, pseudonyms.of_ip("127.0.0.1"))


class MadeUpHamgate(Hamgate):
    """Gives its answers one after the other, none before it may, and remembers what it was asked."""

    answers: list[dict[str, Any] | NoAnswerError]
    asked: list[dict[str, str]]
    may_answer: Event

    @classmethod
    def answering(cls, *answers: dict[str, Any] | NoAnswerError) -> MadeUpHamgate:
        made = cls("http://hamgate.example", "key", timeout_seconds=0.01)
        for name, value in (("answers", list(answers)), ("asked", []), ("may_answer", Event())):
            object.__setattr__(made, name, value)  # Hamgate is frozen
        return made

    def check(self, comment: dict[str, str]) -> dict[str, Any]:
        self.asked.append(comment)
        assert self.may_answer.wait(60)
        answer = self.answers.pop(0)
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer


ALLOWED = {"id": "1", "decision": "allow", "score": 0.1, "reasons": [], "model": "1"}
LETTER = {"author": "Ann", "text": "Hello"}


def test_what_is_being_asked_about_is_not_asked_about_again(
    comments: Comments, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    waiting = comments.waiting
    monkeypatch.setattr(desk_module, "INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(comments, "waiting", lambda before: looked.append(before) or waiting(before))
    hamgate = MadeUpHamgate.answering(ALLOWED)
    desk = Desk(comments, hamgate)
    try:
        desk.submit("night-ferry", LETTER, datetime.now(UTC) - timedelta(hours=1))
        before = len(looked)
        wait_until(lambda: len(looked) > before + 3)
        assert hamgate.asked == [LETTER]
        hamgate.may_answer.set()
        wait_until(lambda: comments.newest(1)[0].status is Status.SHOWN)
    finally:
        hamgate.may_answer.set()
        desk.close()
    assert hamgate.asked == [LETTER]


def test_what_got_no_answer_is_asked_about_again(comments: Comments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "INTERVAL_SECONDS", 0.01)
    hamgate = MadeUpHamgate.answering(NoAnswerError(), NoAnswerError(), ALLOWED)
    hamgate.may_answer.set()
    desk = Desk(comments, hamgate)
    try:
        desk.submit("night-ferry", LETTER, datetime.now(UTC) - timedelta(hours=1))
        wait_until(lambda: comments.newest(1)[0].status is Status.SHOWN)
    finally:
        desk.close()
    assert hamgate.asked == [LETTER] * 3


def test_the_page_follows_what_the_moderators_say(reader: FlaskClient, comments: Comments, service: Service) -> None:
    write(reader, "one on the edge")

    def status_after(label: str) -> Status:
        verdict = comments.newest(1)[0].verdict
        assert verdict
        body = json.dumps({"id": verdict["id"], "label": label}).encode()
        assert service.call("POST", "/v1/labels", body).status == 201
        reader.get(PAGE)
        wait_until(lambda: comments.newest(1)[0].label == label)
        return comments.newest(1)[0].status

    assert status_after("ham") is Status.SHOWN
    assert "Harbour Bikes" in reader.get(PAGE).text
    assert status_after("spam") is Status.SPAM


def test_without_an_answer_comments_are_held_and_asked_about_again(
    service: Service,
    comments: Comments,
    open_desk: Callable[[str, str], Desk],
    open_paper: Callable[[str, str], FlaskClient],
) -> None:
    nowhere = open_paper(f"http://127.0.0.1:{free_port()}", service.key)
    seen = write(nowhere, "a reader")
    assert TOLD[Status.WAITING] in seen.text
    assert "Hamgate does not answer" in seen.text
    assert "Sunniva" not in nowhere.get(PAGE).text.partition('<aside class="panel"')[0]
    before = datetime.now(UTC) - timedelta(minutes=5)
    comments.add("night-ferry", {"text": "Was the bell heard on the hill?", "author": "Ada"}, before)
    open_desk(f"http://127.0.0.1:{service.port}", service.key)
    wait_until(lambda: all(one.status is Status.SHOWN for one in comments.newest(5)))


@pytest.mark.parametrize(("author", "text"), [("", "Hello"), ("Ada", ""), (" ", "Hello"), ("Ada", "\n")])
def test_an_empty_comment_is_not_taken_and_what_was_typed_is_not_lost(
    reader: FlaskClient, comments: Comments, author: str, text: str
) -> None:
    seen = reader.post(PAGE, data={"author": author, "text": text, "email": "ada@mail.example"})
    assert seen.status_code == 422
    assert 'value="ada@mail.example"' in seen.text
    assert comments.newest(1) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/no-such-article", "", 404),
        ("POST", "/no-such-article", "author=a&text=b", 404),
        ("POST", PAGE, f"author=a&text={'b' * 1_100_000}", 413),
        ("GET", f"{PAGE}?comment=%ff%00&sample=%ff", "", 200),
        ("POST", PAGE, "author=%ff%00&text=%00%ed%a0%80", 303),
    ],
)
def test_whatever_is_asked_there_is_an_answer(
    reader: FlaskClient, method: str, path: str, body: str, status: int
) -> None:
    form = "application/x-www-form-urlencoded"
    assert reader.open(path, method=method, data=body, content_type=form).status_code == status


def test_the_form_says_how_comments_are_processed(reader: FlaskClient) -> None:
    seen = " ".join(reader.get(PAGE).text.split())
    assert (
        'This site uses Hamgate to reduce spam. <a href="http://hamgate.example/privacy/local">Learn how your comment'
        " data is processed.</a>" in seen
    )


def test_the_command_starts_both_with_comments_there_and_stops_both(demonstration: Demonstration) -> None:
    with urllib.request.urlopen(f"{demonstration.newspaper}{PAGE}", timeout=30) as answer:  # noqa: S310 - our own page
        page = answer.read().decode()
    assert "Best Friday in years" in page
    assert "held for a moderator" in page
    assert "RECOVERY SPYTECH" not in page
    assert demonstration.queue.startswith(f"{demonstration.hamgate}/welcome/")


def test_ctrl_c_stops_both_and_what_was_in_the_folder_is_there_again(tmp_path: Path) -> None:
    first = start_demonstration(tmp_path, "--folder", str(tmp_path / "kept"))
    assert first.stop() == 0
    for url in (first.newspaper, first.hamgate):
        require_free("127.0.0.1", int(url.rpartition(":")[2]))
    kept = Comments(tmp_path / "kept" / "newspaper.sqlite3")
    count = len(kept.newest(100))
    second = start_demonstration(tmp_path, "--folder", str(tmp_path / "kept"))
    assert len(kept.newest(100)) == count == len(NEWS.letters)
    kept.close()
    assert second.stop(signal.SIGTERM) == 0


def test_ctrl_c_stops_both_even_before_the_newspaper_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(server: BaseWSGIServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BaseWSGIServer, "serve_forever", interrupted)
    ports = free_port(), free_port()
    command = ["demo", "--port", str(ports[0]), "--hamgate-port", str(ports[1]), "--folder", str(tmp_path)]
    done = CliRunner().invoke(main, [*command, "--timeout", "60"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Ctrl-C stops both" in done.stdout
    for port in ports:
        require_free("127.0.0.1", port)


@pytest.mark.parametrize("flag", ["--port", "--hamgate-port"])
def test_a_port_that_is_taken_is_named(flag: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        other = "--port" if flag == "--hamgate-port" else "--hamgate-port"
        command = ["demo", flag, str(port), other, str(free_port()), "--folder", str(tmp_path)]
        done = CliRunner().invoke(main, command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"can't listen on 127.0.0.1:{port}" in done.stderr
