"""What hostile comments do where they are shown: nothing. They are in ``hostile``."""

from __future__ import annotations

import csv
import json
import re
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from chromium import DESKTOP, PHONE, make_account, overflow, strangers, watched
from click.testing import CliRunner
from conftest import free_port, start_service, stop_service, wait_until
from hostile import HOSTILE
from werkzeug.serving import make_server

from model import SHIPPED
from model.artifact import load, save
from model.comment import Comment
from model.thresholds import Thresholds
from service.cli import main
from service.demo.client import Hamgate
from service.demo.comments import Comments
from service.demo.desk import Desk
from service.demo.news import news as read_news
from service.demo.site import create_site
from service.moderation.people import MAX_SHOWN
from training.database import Database
from training.formats.files import read_rows
from training.formats.row import Row
from training.labels import LabelStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chromium import Watched
    from conftest import Service
    from playwright.sync_api import Browser

SCREENS = [PHONE, DESKTOP]
WIDTHS = ["phone", "desktop"]
DONE_WITHIN_MS = 240_000
LABELLER = "<script>hamgateCanary=1</script>\u202e\x1b[31m"
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a terminal's cursor, turns its text around or ends a line."""


def test_there_are_a_hundred_of_them_each_another() -> None:
    assert len(HOSTILE) >= 100
    assert len({one.name for one in HOSTILE}) == len({str(one.fields) for one in HOSTILE}) == len(HOSTILE)
    assert {field for one in HOSTILE for field in one.fields} == set(Comment.__dataclass_fields__)


@pytest.mark.parametrize("fields", [one.fields for one in HOSTILE], ids=[one.name for one in HOSTILE])
def test_each_gets_a_verdict(service: Service, fields: dict[str, str]) -> None:
    reply = service.call("POST", "/v1/check", json.dumps(fields).encode())
    assert (reply.status, set(reply.json())) == (200, {"id", "decision", "score", "reasons", "model"})


def as_browsers_send(text: str) -> str:
    """Replace halves of emoji, which no form can carry."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.fixture(scope="module")
def newspaper(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A newspaper that publishes them all, whatever Hamgate says."""
    hamgate = Hamgate(f"http://127.0.0.1:{service.port}", service.key, timeout_seconds=60)
    comments = Comments(tmp_path_factory.mktemp("newspaper") / "newspaper.sqlite3")
    for one in HOSTILE:
        sent = {"author": ""} | {name: as_browsers_send(value) for name, value in one.fields.items()}
        verdict = hamgate.check(sent)
        comments.decide(comments.add("night-ferry", sent, datetime.now(UTC)), verdict | {"decision": "allow"}, 1.0)
    desk = Desk(comments, hamgate)
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    links = {"why": f"{origin}/why/", "privacy": f"{origin}/privacy"}
    server = make_server("127.0.0.1", port, create_site(read_news(), comments, desk, lambda: origin, links, origin))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield origin
    server.shutdown()
    thread.join()
    server.server_close()
    desk.close()
    comments.close()


@pytest.mark.parametrize("screen", SCREENS, ids=WIDTHS)
def test_in_the_newspaper_nothing_runs_and_nothing_breaks(
    chromium: Browser, newspaper: str, screen: dict[str, int]
) -> None:
    with watched(chromium, newspaper, viewport=screen) as seen:
        seen.page.goto(f"{newspaper}/night-ferry")
        assert seen.page.locator(".comment").count() == len(HOSTILE)
        assert strangers(seen.page, newspaper) == []
        assert overflow(seen.page) == 0
        seen.check()


FILL_AND_SEND = """
filled => {
  for (const [name, value] of Object.entries(filled)) document.getElementById(name).value = value;
  document.querySelector("#reply form").submit();
}
"""
FORM = {"author": "author", "author_email": "email", "author_url": "url", "text": "text", "honeypot": "website"}


def test_a_form_filled_in_with_them_shows_them_again_as_they_were(chromium: Browser, newspaper: str) -> None:
    with watched(chromium, newspaper, viewport=PHONE) as seen:
        for one in HOSTILE[::7] + HOSTILE[-12:]:
            filled = {FORM[name]: as_browsers_send(value) for name, value in one.fields.items() if name in FORM}
            filled |= {"author": " "} if "author" not in filled else {"text": " "}
            seen.page.goto(f"{newspaper}/library-telescopes")
            with seen.page.expect_navigation():
                seen.page.evaluate(FILL_AND_SEND, filled)
            seen.expect("422")
            assert seen.page.locator("[role=alert]").count() == 1
            for name, value in filled.items():
                assert letters(seen.page.locator(f"#{name}").input_value()) == letters(value)
            assert strangers(seen.page, newspaper) == []
            assert overflow(seen.page) == 0
            seen.check()


def letters(text: str) -> str:
    """Return what no control takes away or writes in another way: line breaks and what HTML knows no place for."""
    return re.sub(r"[\x00\r\n\ufffd]", "", text).strip()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that holds every comment for a moderator, has been sent all of these, and a third of them labelled."""
    folder = tmp_path_factory.mktemp("crowded")
    shipped = load(SHIPPED)
    save(folder / "doubtful.hamgate", shipped.scorer, Thresholds(0.0, 1.0, 1.0), shipped.card)
    started = start_service(folder, HAMGATE_MODEL=str(folder / "doubtful.hamgate"), HAMGATE_WORKERS="1")
    verdicts = [started.call("POST", "/v1/check", json.dumps(one.fields).encode()).json() for one in HOSTILE]
    wait_until(lambda: started.call("GET", f"/v1/checks/{verdicts[-1]['id']}").status == 200)
    for number, verdict in enumerate(verdicts[::3]):
        said = {"id": verdict["id"], "label": ("spam", "ham")[number % 2], "labelled_by": LABELLER}
        assert started.call("POST", "/v1/labels", json.dumps(said).encode()).status == 201
    yield started
    assert stop_service(started) == 0


@pytest.fixture(scope="module")
def cookies(chromium: Browser, crowded: Service) -> Any:
    """Those of the first account."""
    link = re.search(r"http\S+/welcome/\S+", crowded.printed)
    assert link
    with watched(chromium, origin_of(crowded)) as seen:
        return make_account(seen, link[0])


@pytest.fixture(params=SCREENS, ids=WIDTHS)
def moderator(request: pytest.FixtureRequest, chromium: Browser, crowded: Service, cookies: Any) -> Iterator[Watched]:
    """Somebody with an account, on a phone and on a desktop."""
    with watched(chromium, origin_of(crowded), viewport=request.param, storage_state=cookies) as seen:
        yield seen


def origin_of(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


def look(seen: Watched, url: str) -> None:
    """Go to a page, where nothing may run, lead elsewhere or be too wide."""
    seen.page.goto(url)
    assert_harmless(seen, url)


def assert_harmless(seen: Watched, name: str) -> None:
    assert strangers(seen.page, "/".join(seen.page.url.split("/")[:3])) == [], name
    assert overflow(seen.page) == 0, name
    seen.check()


def look_through(seen: Watched, url: str, items: str) -> int:
    """Look at a list and all its further pages; return how many items there were."""
    look(seen, url)
    count: int = seen.page.locator(items).count()
    while seen.page.locator("a[rel=next]").count():
        look(seen, f"{seen.page.locator('a[rel=next]').evaluate('a => a.href')}")
        count += seen.page.locator(items).count()
    return count


@pytest.mark.parametrize(
    ("path", "items", "least"),
    [
        ("/moderate/", ".item", 2 * len(HOSTILE) // 3),
        ("/moderate/history", ".item", len(HOSTILE)),
        ("/moderate/history/labels", ".changes > li", len(HOSTILE) // 3),
    ],
)
def test_in_lists_nothing_runs_and_nothing_breaks(
    crowded: Service, moderator: Watched, path: str, items: str, least: int
) -> None:
    assert look_through(moderator, origin_of(crowded) + path, items) >= least


def test_on_the_page_of_each_nothing_runs_and_nothing_breaks(chromium: Browser, crowded: Service, cookies: Any) -> None:
    with Database(crowded.database) as database:
        checks = [check.id for check in LabelStore(database).checks(datetime.min.replace(year=1970, tzinfo=UTC))]
    assert len(checks) == len(HOSTILE)
    with watched(chromium, origin_of(crowded), viewport=PHONE, storage_state=cookies) as seen:
        for check_id in checks:
            look(seen, f"{origin_of(crowded)}/moderate/comments/{check_id}")


@pytest.mark.parametrize("query", ["q={}", "campaign={}", "site={}", "reason={}", "order={}", "age={}"])
def test_what_is_looked_for_is_harmless_too(crowded: Service, moderator: Watched, query: str) -> None:
    for wanted in (
        "<script>hamgateCanary=1</script>",
        '"><img src=x onerror=hamgateCanary=1>',
        "{{ 7*7 }}",
        "\x00",
        "W" * 3_000,
    ):
        moderator.page.goto(f"{origin_of(crowded)}/moderate/?{query.format(quote(wanted))}")
        moderator.expect("404")
        moderator.expect("422")
        assert_harmless(moderator, wanted)


FILL_AND_SUBMIT = """
([action, filled]) => {
  const form = [...document.forms].find(one => new URL(one.action).pathname === action);
  for (const [name, value] of Object.entries(filled)) if (form.elements[name]) form.elements[name].value = value;
  form.submit();
}
"""


def send(seen: Watched, action: str, filled: dict[str, str]) -> None:
    """Fill in the form of the page that leads there, and send it."""
    with seen.page.expect_navigation():
        seen.page.evaluate(FILL_AND_SUBMIT, [action, filled])


def test_in_the_box_for_trying_nothing_runs_and_nothing_breaks(crowded: Service, moderator: Watched) -> None:
    for one in HOSTILE[::9] + HOSTILE[-33::4]:
        moderator.page.goto(f"{origin_of(crowded)}/moderate/settings?site=local")
        send(moderator, "/moderate/settings/try", one.fields)
        assert moderator.page.locator("#try ~ [role=status]").count() == 1, one.name
        assert_harmless(moderator, one.name)


@pytest.mark.parametrize("subject", ["phrase", "author", "email", "ip", "domain"])
def test_in_lists_of_phrases_nothing_runs_and_nothing_breaks(
    crowded: Service, moderator: Watched, subject: str
) -> None:
    lines = "\n".join(one.fields["text"].replace("\n", " ")[:500] for one in HOSTILE)
    moderator.page.goto(f"{origin_of(crowded)}/moderate/lists?site=local")
    send(moderator, "/moderate/lists/add", {"lines": lines, "subject": subject, "decision": "review"})
    moderator.expect("422")
    assert_harmless(moderator, subject)
    look(moderator, f"{origin_of(crowded)}/moderate/lists?site=local")


@pytest.mark.parametrize("field", ["author", "email", "ip"])
def test_of_people_nothing_runs_and_nothing_breaks(crowded: Service, moderator: Watched, field: str) -> None:
    name, found = {"author": "author", "email": "author_email", "ip": "user_ip"}[field], 0
    for one in (one for one in HOSTILE if name in one.fields):
        moderator.page.goto(f"{origin_of(crowded)}/moderate/people")
        send(moderator, "/moderate/people", {field: one.fields[name]})
        moderator.expect("422")
        assert_harmless(moderator, one.name)
        found += moderator.page.locator("article.card").count()
    assert found


def test_what_the_privacy_commands_print_does_nothing_to_a_terminal(crowded: Service) -> None:
    for one in (one for one in HOSTILE if "author" in one.fields and "\x00" not in one.fields["author"]):
        done = CliRunner().invoke(
            main, ["privacy", "export", "--author", one.fields["author"], "--database", crowded.database]
        )
        assert done.exit_code == 0, done.stderr
        assert not UNPRINTABLE.search(done.output), one.name


@pytest.fixture(scope="module")
def labelled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of them all with labels, from hostile sites and in hostile languages, some of which are mistaken."""
    file = tmp_path_factory.mktemp("labelled") / "hostile.jsonl"
    rows: list[dict[str, Any]] = [
        {**one.fields, "label": ("spam", "ham")[number % 2], "site": f"{one.name} {one.fields['text'][:60]}"}
        for number, one in enumerate(HOSTILE)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.mark.parametrize("screen", SCREENS, ids=WIDTHS)
def test_in_the_report_nothing_runs_and_nothing_breaks(
    chromium: Browser, labelled_file: Path, tmp_path: Path, screen: dict[str, int]
) -> None:
    command = ["evaluate", str(labelled_file), "--report", str(tmp_path), "--show-mistakes", "200"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.stderr
    assert not UNPRINTABLE.search(done.stdout)
    with watched(chromium, "file://", viewport=screen) as seen:
        seen.page.goto((tmp_path / "index.html").as_uri())
        found = strangers(seen.page, "null")
        assert [one for one in found if not one.startswith(("element STYLE", "attribute style="))] == []
        assert overflow(seen.page) == 0
        seen.check()


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_scored_files_hold_what_came_in_and_nothing_more(labelled_file: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"scored{suffix}"
    done = CliRunner().invoke(main, ["score", str(labelled_file), "-o", str(out), "--jobs", "1"])
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    csv.field_size_limit(sys.maxsize)
    rows = [row for row in read_rows(str(out)) if isinstance(row, Row)]
    assert len(rows) == len(HOSTILE)
    for row, one in zip(rows, HOSTILE, strict=True):
        told = {name: value for name, value in row.fields.items() if value not in (None, "")}
        assert set(told) == {*one.fields, "label", "site", "score", "decision", "reasons", "model"}
        for name, value in one.fields.items():
            assert told[name] in (value, as_browsers_send(value), value.encode(errors="replace").decode())


def test_what_is_printed_does_nothing_to_a_terminal(labelled_file: Path) -> None:
    done = CliRunner().invoke(main, ["score", str(labelled_file), "--jobs", "1"])
    assert done.exit_code == 0
    assert not UNPRINTABLE.search(done.output)
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == [one.fields["text"] for one in HOSTILE]


def test_what_the_label_commands_print_does_nothing_to_a_terminal(labelled_file: Path, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'hamgate.sqlite3'}"
    told = [json.loads(line) for line in labelled_file.read_text(encoding="utf-8").splitlines()]
    for labeller, is_other in ((LABELLER, False), ("Ben\x9b2J", True)):
        said = [
            {**one, "label": "ham" if (one["label"] == "spam") == is_other else "spam", "labelled_by": labeller}
            for one in told[:40]
        ]
        file = tmp_path / f"{is_other}.jsonl"
        file.write_text("".join(json.dumps(one) + "\n" for one in said), encoding="utf-8")
        imported = CliRunner().invoke(main, ["import", str(file), "--site", "blog.example", "--database", database])
        assert imported.exit_code == 0, imported.stderr
    for command in ("contested", "doubtful", "labellers"):
        done = CliRunner().invoke(main, ["labels", command, "--database", database])
        assert done.exit_code == 0, done.stderr
        assert done.stdout.strip() or command == "doubtful"
        assert not UNPRINTABLE.search(done.output)


def test_in_imports_and_on_the_page_of_the_model_nothing_runs_and_nothing_breaks(
    crowded: Service, moderator: Watched, labelled_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "<img src=x onerror=hamgateCanary=1>\u202e.jsonl"
    file.write_bytes(labelled_file.read_bytes())
    page = moderator.page
    page.goto(f"{origin_of(crowded)}/moderate/import")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="See what Hamgate makes of it").click()
    page.get_by_role("heading", name="What it would have decided").wait_for(timeout=DONE_WITHIN_MS)
    assert_harmless(moderator, "the preview")
    page.get_by_role("button", name="Add these labels").click()
    page.get_by_text("labels added").wait_for(timeout=DONE_WITHIN_MS)
    assert_harmless(moderator, "the outcome")
    look(moderator, f"{origin_of(crowded)}/moderate/import")
    page.goto(f"{origin_of(crowded)}/moderate/model")
    page.get_by_role("button", name="Look again how it does").click()
    page.get_by_text("As of").wait_for(timeout=DONE_WITHIN_MS)
    assert_harmless(moderator, "the model")


def test_of_a_person_who_wrote_them_all_nothing_runs_and_nothing_breaks(crowded: Service, moderator: Watched) -> None:
    for one in HOSTILE:
        sent = {"text": one.fields["text"], "author": "Mallory of the many comments"}
        assert crowded.call("POST", "/v1/check", json.dumps(sent).encode()).status == 200
    moderator.page.goto(f"{origin_of(crowded)}/moderate/people")
    wait_until(lambda: person_found(moderator) >= min(len(HOSTILE), MAX_SHOWN))
    assert_harmless(moderator, "Mallory")


def person_found(moderator: Watched) -> int:
    send(moderator, "/moderate/people", {"author": "Mallory of the many comments"})
    return moderator.page.locator("article.card").count()
