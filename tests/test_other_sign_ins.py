"""Signing in without a password of ours: through a reverse proxy that is trusted, or with OpenID Connect."""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from browser import Browser, add_account
from click.testing import CliRunner
from joserfc.jwk import RSAKey
from openid_provider import CLIENT_ID, CLIENT_SECRET, running

from service.app import create_app
from service.cli import main
from service.moderation.proxies import WrongProxyError
from training.accounts import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from openid_provider import Provider
    from werkzeug.test import TestResponse

    from service.config import Config

PAGE = "/moderate/accounts"
PROXY, STRANGER = "10.1.2.3", "192.0.2.9"
ANN = "ann@mail.example"


@contextmanager
def application(config: Config) -> Iterator[Flask]:
    app = create_app(config)
    yield app
    for name in ("follower", "recorder", "store"):
        app.extensions[f"hamgate.{name}"].close()


@pytest.fixture
def proxied(config: Config) -> Iterator[Flask]:
    """An application behind a proxy, with an admin and a moderator."""
    with application(replace(config, trusted_proxies="10.0.0.0/8, ::1", user_header="X-Remote-User")) as app:
        add_account(app, "ann")
        add_account(app, "bo", Role.MODERATOR)
        yield app


def browser_at(app: Flask, address: str) -> Browser:
    browser = Browser(app)
    browser.client.environ_base["REMOTE_ADDR"] = address
    return browser


@pytest.mark.parametrize(
    ("address", "user", "status"),
    [
        (PROXY, "ann", 200),
        (PROXY, " Ann ", 200),
        ("::1", "bo", 200),
        ("[::1]", "bo", 200),
        (PROXY, "cy", 303),
        (PROXY, "", 303),
        (PROXY, "ann,bo", 303),
        (PROXY, "x\x01", 303),
        (STRANGER, "ann", 303),
        ("11.0.0.1", "ann", 303),
        ("", "ann", 303),
    ],
)
def test_whom_a_trusted_proxy_names_is_signed_in_and_nobody_else(
    proxied: Flask, address: str, user: str, status: int
) -> None:
    assert browser_at(proxied, address).get(PAGE, X_Remote_User=user).status_code == status


def test_who_is_signed_in_by_a_proxy_has_the_role_of_the_account_and_needs_form_tokens(proxied: Flask) -> None:
    bo = browser_at(proxied, PROXY)
    bo.client.environ_base["HTTP_X_REMOTE_USER"] = "bo"
    assert "Who may sign in" not in bo.get(PAGE).text
    assert bo.post(f"{PAGE}/invite", role="moderator").status_code == 403
    ann = browser_at(proxied, PROXY)
    ann.client.environ_base["HTTP_X_REMOTE_USER"] = "ann"
    assert ann.post(f"{PAGE}/invite", role="moderator").status_code == 200
    assert ann.client.post(f"{PAGE}/invite", data={"role": "moderator"}).status_code == 403
    assert ann.client.post(f"{PAGE}/invite", data={"form_token": bo.token()}).status_code == 403


def test_only_a_trusted_proxy_says_where_a_request_comes_from_and_that_it_is_secure(proxied: Flask) -> None:
    forwarded = {"X-Forwarded-For": STRANGER, "X-Forwarded-Proto": "https"}
    for address, is_believed in ((PROXY, True), (STRANGER, False)):
        answer = browser_at(proxied, address).get("/sign-in", **forwarded)
        assert ("__Host-hamgate-visitor" in answer.headers["Set-Cookie"]) is is_believed


def test_without_trusted_proxies_no_header_signs_in(config: Config) -> None:
    with application(replace(config, user_header="X-Remote-User")) as app:
        add_account(app, "ann")
        assert Browser(app).get(PAGE, X_Remote_User="ann").status_code == 303


def test_what_is_no_address_can_not_be_trusted(config: Config) -> None:
    with pytest.raises(WrongProxyError, match="found 'nowhere', expected an address or a network"):
        create_app(replace(config, trusted_proxies="10.0.0.1, nowhere"))


def test_an_account_can_be_made_without_a_password(config: Config) -> None:
    made = CliRunner().invoke(main, ["accounts", "add", "cy", "--no-password", "--database", config.database])
    assert made.exit_code == 0
    with application(config) as app:
        assert Browser(app).sign_in("cy", "").status_code == 401


# OpenID Connect


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as started:
        yield started


@pytest.fixture
def app_with_provider(config: Config, provider: Provider) -> Iterator[Flask]:
    settings = {
        "openid_issuer": provider.issuer,
        "openid_client_id": CLIENT_ID,
        "openid_client_secret": CLIENT_SECRET,
    }
    with application(replace(config, **settings)) as app:
        add_account(app, ANN)
        yield app


def followed(location: str) -> str:
    """Ask the provider for what somebody's browser would, and return where it leads."""
    url = urlsplit(location)
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    try:
        connection.request("GET", f"{url.path}?{url.query}")
        return connection.getresponse().headers["Location"]
    finally:
        connection.close()


def came_back(browser: Browser, onward: str = "") -> TestResponse:
    """Go to the provider and back."""
    begun = browser.get(f"/sign-in/openid?next={onward}")
    back = urlsplit(followed(begun.headers["Location"]))
    return browser.get(f"{back.path}?{back.query}")


def test_who_has_an_account_signs_in_with_the_provider(app_with_provider: Flask) -> None:
    browser = Browser(app_with_provider)
    assert 'href="/sign-in/openid?next=' in browser.get(f"/sign-in?next={PAGE}").text
    answer = came_back(browser, PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert ANN in browser.get(PAGE).text


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@mail.example"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"email": ["ann@mail.example"]},
        {"email": "x" * 999},
        {"aud": "somebody else"},
        {"iss": "http://elsewhere.example"},
        {"exp": 1},
        {"nonce": "another"},
    ],
)
def test_what_the_provider_must_not_say_signs_nobody_in(
    app_with_provider: Flask, provider: Provider, claims: dict[str, object]
) -> None:
    provider.claims |= claims
    browser = Browser(app_with_provider)
    assert came_back(browser).status_code == 403
    assert browser.get(PAGE).status_code == 303


def test_a_token_signed_by_somebody_else_signs_nobody_in(app_with_provider: Flask, provider: Provider) -> None:
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "one"})
    browser = Browser(app_with_provider)
    assert came_back(browser).status_code == 403
    assert browser.get(PAGE).status_code == 303


def test_coming_back_works_once_and_only_in_the_browser_that_went(app_with_provider: Flask) -> None:
    browser, other = Browser(app_with_provider), Browser(app_with_provider)
    back = urlsplit(followed(browser.get("/sign-in/openid").headers["Location"]))
    other.get(f"{back.path}?{back.query}")
    assert other.get(PAGE).status_code == 303
    assert browser.get(f"{back.path}?{back.query}").status_code == 303
    assert browser.get(PAGE).status_code == 200
    browser.post("/sign-out")
    browser.get(f"{back.path}?{back.query}")
    assert browser.get(PAGE).status_code == 303


@pytest.mark.parametrize(
    "query", ["", "code=x", "state=x", "code=x&state=x", "error=access_denied&state=x", "code=%00&state=%ff"]
)
def test_coming_back_with_anything_else_signs_nobody_in(app_with_provider: Flask, query: str) -> None:
    browser = Browser(app_with_provider)
    assert browser.get(f"/sign-in/openid/back?{query}").status_code == 403
    assert browser.get(PAGE).status_code == 303


def test_a_provider_that_is_away_is_no_error_of_ours(config: Config) -> None:
    away = {"openid_issuer": "http://127.0.0.1:1", "openid_client_id": CLIENT_ID, "openid_client_secret": "x"}
    with application(replace(config, **away)) as app:
        assert Browser(app).get("/sign-in/openid").status_code == 403


def test_without_a_provider_there_is_no_such_way(app: Flask) -> None:
    assert "/sign-in/openid" not in Browser(app).get("/sign-in").text
    assert Browser(app).get("/sign-in/openid").status_code == 404
