"""Signing in and out, invitations, form tokens, roles, and what pages say besides their content."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from browser import PASSWORD, Browser, add_account

from service.moderation.access import needed_role
from service.moderation.sign_in import ATTEMPTS_OF_ADDRESS, ATTEMPTS_ON_ACCOUNT
from service.passwords import token_digest
from service.server import first_link
from training.accounts import Accounts, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Service
    from flask import Flask
    from werkzeug.routing import Rule

    from service.config import Config

MODERATOR = Role.MODERATOR
PAGE = "/moderate/accounts"


def pages_of(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("pages.")]


def path_of(rule: Rule) -> str:
    return re.sub("<.*?>", "bo", re.sub("<int:.*?>", "1", rule.rule))


def test_who_is_not_signed_in_is_led_to_sign_in_and_back(app: Flask) -> None:
    add_account(app, "ann")
    browser = Browser(app)
    assert browser.get(PAGE).headers["Location"] == f"/sign-in?next={PAGE}"
    assert f'name="next" value="{PAGE}"' in browser.get(f"/sign-in?next={PAGE}").text
    led = browser.post("/sign-in", name=" Ann ", password=PASSWORD, next=PAGE)
    assert (led.status_code, led.headers["Location"]) == (303, PAGE)
    assert browser.get(PAGE).status_code == 200


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "//[",
        "",
    ],
)
def test_signing_in_leads_to_no_other_host(app: Flask, onward: str) -> None:
    add_account(app, "ann")
    assert Browser(app).post("/sign-in", name="ann", password=PASSWORD, next=onward).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "wrong password"),
        ("ann", ""),
        ("bo", PASSWORD),
        ("", ""),
        ("\x00", PASSWORD),
        ("ann\x00", PASSWORD),
        ("a" * 999, "b"),
    ],
)
def test_a_wrong_name_or_password_says_the_same(app: Flask, name: str, password: str) -> None:
    add_account(app, "ann")
    browser = Browser(app)
    refused = browser.sign_in(name, password)
    assert refused.status_code == 401
    assert "That name and password don&#39;t match." in refused.text
    assert browser.get(PAGE).status_code == 303


def test_signing_out_makes_the_session_void_for_who_kept_it(app: Flask) -> None:
    browser, thief = Browser(app, "ann"), Browser(app)
    cookie = browser.client.get_cookie("hamgate-session")
    assert cookie is not None
    thief.client.set_cookie("hamgate-session", cookie.value)
    assert thief.get(PAGE).status_code == 200
    assert browser.post("/sign-out").status_code == 303
    assert browser.get(PAGE).status_code == 303
    assert thief.get(PAGE).status_code == 303


def test_signing_in_again_ends_the_session_before(app: Flask) -> None:
    browser = Browser(app, "ann")
    before = browser.client.get_cookie("hamgate-session")
    assert before is not None
    browser.sign_in("ann")
    after = browser.client.get_cookie("hamgate-session")
    assert after is not None
    assert after.value != before.value
    accounts = Accounts(app.extensions["hamgate.store"])
    assert accounts.account_of_session(token_digest(before.value), datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("scheme", "name", "secure"), [("http", "hamgate-session", False), ("https", "__Host-hamgate-session", True)]
)
def test_the_sessions_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: Flask, scheme: str, name: str, secure: bool
) -> None:
    add_account(app, "ann")
    client = app.test_client()
    url = f"{scheme}://localhost/sign-in"
    token = re.search(r'content="(\w{64})"', client.get(url).text)
    assert token
    answer = client.post(url, data={"form_token": token[1], "name": "ann", "password": PASSWORD})
    (cookie,) = (line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{name}="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) is secure
    assert "Domain" not in cookie


def test_an_address_that_tries_too_often_waits_and_others_do_not(app: Flask) -> None:
    add_account(app, "ann")
    browser = Browser(app)
    for attempt in range(ATTEMPTS_OF_ADDRESS):
        assert browser.sign_in(f"nobody{attempt}", "wrong password").status_code == 401
    refused = browser.sign_in("ann")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    other = Browser(app)
    other.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert other.sign_in("ann").status_code == 303


def test_an_account_that_is_tried_from_everywhere_waits_too(app: Flask) -> None:
    add_account(app, "ann")
    browser = Browser(app)
    for attempt in range(ATTEMPTS_ON_ACCOUNT):
        browser.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{attempt // 2}"
        assert browser.sign_in("ann", "wrong password").status_code == 401
    browser.client.environ_base["REMOTE_ADDR"] = "198.51.100.1"
    assert browser.sign_in("ann").status_code == 429


def test_attempts_are_kept_without_the_address_or_the_name(app: Flask, config: Config) -> None:
    Browser(app).sign_in("somebody", "wrong password")
    with sa.create_engine(config.database).connect() as connection:
        kept = repr(connection.exec_driver_sql("SELECT * FROM sign_in_attempts").all())
    assert "127.0.0.1" not in kept
    assert "somebody" not in kept


def test_the_first_link_makes_one_admin_who_is_then_signed_in(app: Flask, config: Config) -> None:
    link, other = first_link(config), first_link(config)
    assert link
    assert other
    browser = Browser(app)
    assert "Make the first one" in browser.get(link).text
    assert browser.post(link, name="Ann", password=PASSWORD, again="something else").status_code == 422
    assert browser.post(link, name="A n n", password=PASSWORD, again=PASSWORD).status_code == 422
    assert browser.post(link, name="Ann", password=PASSWORD, again=PASSWORD).status_code == 303
    assert "Who may sign in" in browser.get(PAGE).text
    for used in (link, other, "/welcome/never", "/welcome/%ff%00"):
        assert Browser(app).get(used).status_code == 404
        assert Browser(app).post(used, name="bo", password=PASSWORD, again=PASSWORD).status_code == 404
    assert first_link(config) is None


def test_an_admin_invites_a_moderator_for_some_sites(app: Flask, key: str) -> None:
    del key
    admin = Browser(app, "ann")
    shown = admin.post(f"{PAGE}/invite", role="moderator", site="blog.example").text
    link = re.search(r"http://localhost(/welcome/[\w-]+)", shown)
    assert link
    invited = Browser(app)
    assert "comments of blog.example" in invited.get(link[1]).text
    assert invited.post(link[1], name="bo", password=PASSWORD, again=PASSWORD).status_code == 303
    bo = Accounts(app.extensions["hamgate.store"]).find("bo")
    assert bo is not None
    assert (bo.role, bo.sites) == (MODERATOR, {"blog.example"})
    assert link[1] not in admin.get(PAGE).text


def test_an_invitation_for_a_site_or_role_there_is_not_is_refused(app: Flask) -> None:
    admin = Browser(app, "ann")
    assert admin.post(f"{PAGE}/invite", role="moderator", site="nowhere.example").status_code == 422
    assert admin.post(f"{PAGE}/invite", role="root").status_code == 422


def test_an_admin_changes_and_removes_accounts_but_never_the_last_admin(app: Flask) -> None:
    admin, other = Browser(app, "ann"), Browser(app, "bo")
    assert admin.post(f"{PAGE}/bo/access", role="moderator").status_code == 303
    assert "Who may sign in" not in other.get(PAGE).text
    assert admin.post(f"{PAGE}/bo/remove").status_code == 303
    assert other.get(PAGE).status_code == 303
    assert admin.post(f"{PAGE}/ann/remove").status_code == 409
    assert admin.post(f"{PAGE}/ann/access", role="moderator").status_code == 409
    for nobody in ("nobody", "%00", "No Body"):
        assert admin.post(f"{PAGE}/{nobody}/remove").status_code == 404
        assert admin.post(f"{PAGE}/{nobody}/access", role="moderator").status_code == 404


def test_who_changes_the_password_stays_signed_in_here_and_nowhere_else(app: Flask) -> None:
    here, elsewhere = Browser(app, "bo", MODERATOR), Browser(app)
    elsewhere.sign_in("bo")
    wrong = here.post(f"{PAGE}/password", current="wrong", password="another password", again="another password")
    assert wrong.status_code == 403
    assert here.post(f"{PAGE}/password", current=PASSWORD, password="short", again="short").status_code == 422
    right = here.post(f"{PAGE}/password", current=PASSWORD, password="another password", again="another password")
    assert right.status_code == 303
    assert here.get(PAGE).status_code == 200
    assert elsewhere.get(PAGE).status_code == 303
    assert elsewhere.sign_in("bo").status_code == 401
    assert elsewhere.sign_in("bo", "another password").status_code == 303


def test_every_post_to_a_page_without_its_form_token_is_refused(app: Flask) -> None:
    admin, other = Browser(app, "ann"), Browser(app, "bo")
    posts = [rule for rule in pages_of(app) if "POST" in (rule.methods or ())]
    assert len(posts) > 5
    for rule in posts:
        path = path_of(rule)
        for fields in ({}, {"form_token": ""}, {"form_token": "é"}, {"form_token": other.token()}):
            assert admin.client.post(path, data=fields).status_code == 403, path
        assert admin.client.post(path, headers={"X-Form-Token": other.token()}).status_code == 403, path
    assert other.get(PAGE).status_code == 200


def test_no_page_but_the_open_ones_is_shown_to_who_is_not_signed_in(app: Flask) -> None:
    is_open = {"/", "/sign-in", "/sign-out", "/welcome/<token>", "/privacy/<site>"}
    browser = Browser(app)
    closed = [rule for rule in pages_of(app) if rule.rule not in is_open]
    assert len(closed) > 10
    for rule in closed:
        path = path_of(rule)
        if "GET" in (rule.methods or ()):
            assert browser.get(path).status_code == 303, path
            assert browser.get(path, Accept="application/json").status_code == 401, path
        if "POST" in (rule.methods or ()):
            assert browser.post(path).status_code == 401, path


def test_what_is_for_admins_is_refused_to_moderators_on_every_path(app: Flask) -> None:
    moderator = Browser(app, "bo", MODERATOR)
    for_admins = [rule for rule in pages_of(app) if needed_role(app.view_functions[rule.endpoint]) is Role.ADMIN]
    assert len(for_admins) > 5
    for rule in for_admins:
        ask = moderator.post if "POST" in (rule.methods or ()) else moderator.get
        refused = ask(path_of(rule))
        assert refused.status_code == 403, rule.rule
        assert "This page is for admins." in refused.text


@pytest.mark.parametrize("forged", ["", "x", "é", "x" * 3_000, "digest", "half"])
def test_no_cookie_but_the_sessions_own_token_opens_anything(app: Flask, forged: str) -> None:
    cookie = Browser(app, "ann").client.get_cookie("hamgate-session")
    assert cookie is not None
    made = {"digest": token_digest(cookie.value).hex(), "half": cookie.value[:20]}
    thief = Browser(app)
    thief.client.set_cookie("hamgate-session", made.get(forged, forged))
    assert thief.get(PAGE).status_code == 303
    assert thief.post(f"{PAGE}/invite", role="admin").status_code in (401, 403)


def test_pages_forbid_scripts_and_frames_of_others_and_are_kept_by_nobody(app: Flask) -> None:
    browser = Browser(app, "ann")
    for path in ("/sign-in", PAGE, "/moderate/nothing", "/static/hamgate.js", "/welcome/x"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert ("no-store" in headers.get("Cache-Control", "")) is not path.startswith("/static/")


def test_pages_hold_no_inline_script_or_style(app: Flask) -> None:
    browser = Browser(app, "ann")
    for path in ("/sign-in", PAGE, "/moderate/nothing"):
        text = browser.get(path).text
        assert not re.search(r"<style|\bstyle=|\son\w+=|<script>|javascript:", text)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/moderate/nothing", "text/html"),
        ("/static/nothing", "text/html"),
        ("/v1/nothing", "application/problem+json"),
        ("/nothing", "application/problem+json"),
    ],
)
def test_an_error_is_a_page_for_people_and_a_document_for_sites(app: Flask, path: str, kind: str) -> None:
    reply = Browser(app).get(path)
    assert reply.status_code == 404
    assert reply.content_type.startswith(kind)


def test_a_script_is_told_errors_as_documents(app: Flask) -> None:
    reply = Browser(app, "ann").send(f"{PAGE}/nobody/remove")
    assert (reply.status_code, reply.content_type) == (404, "application/problem+json")
    assert reply.json["detail"] == "there is no account 'nobody'"


def test_an_unforeseen_error_says_nothing_of_the_inside(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Accounts) -> None:
        raise RuntimeError("inside")

    browser = Browser(app, "ann")
    monkeypatch.setattr(Accounts, "all", fail)
    reply = browser.get(PAGE)
    assert reply.status_code == 500
    assert "inside Hamgate" in reply.text
    assert "RuntimeError" not in reply.text


def form_of(service: Service, path: str) -> tuple[bytes, dict[str, str]]:
    """Open a page, and return what its forms send along: the token, and the headers with the visitor's cookie."""
    page = service.call("GET", path)
    cookie = re.search("hamgate-visitor=[^;]+", page.headers["set-cookie"])
    token = re.search(rb'name="form_token" value="(\w+)"', page.body)
    assert cookie
    assert token
    return b"form_token=" + token[1], {"Content_Type": "application/x-www-form-urlencoded", "Cookie": cookie[0]}


def test_a_running_service_prints_the_link_that_makes_the_first_account(start: Callable[..., Service]) -> None:
    service = start("--workers", "2")
    link = re.search(r"Make the first account: http://127.0.0.1:\d+(/welcome/\S+)", service.printed)
    assert link
    token, headers = form_of(service, link[1])
    body = token + b"&name=ann&password=correct+horse&again=correct+horse"
    assert service.call("POST", link[1], body, **headers).status == 303
    assert service.call("GET", link[1]).status == 404
    assert link[1].removeprefix("/welcome/") not in service.log.read_text(encoding="utf-8")


def test_a_page_that_waits_for_the_database_holds_up_no_check(start: Callable[..., Service]) -> None:
    service = start()
    token, headers = form_of(service, "/sign-in")
    answers: list[int] = []
    body = token + b"&name=ann&password=wrong"
    signing_in = Thread(target=lambda: answers.append(service.call("POST", "/sign-in", body, **headers).status))
    other = sqlite3.connect(service.database.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    signing_in.start()
    try:
        for _ in range(20):
            assert service.check("hi").status == 200
        assert signing_in.is_alive()
    finally:
        other.execute("ROLLBACK")
        other.close()
        signing_in.join(30)
    assert answers == [401]


def test_sessions_end_after_two_weeks(app: Flask) -> None:
    browser = Browser(app, "ann")
    cookie = browser.client.get_cookie("hamgate-session")
    assert cookie is not None
    accounts, now = Accounts(app.extensions["hamgate.store"]), datetime.now(UTC)
    assert accounts.account_of_session(token_digest(cookie.value), now + timedelta(days=13)) is not None
    assert accounts.account_of_session(token_digest(cookie.value), now + timedelta(days=15)) is None
