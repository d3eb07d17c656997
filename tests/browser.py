"""Somebody with a browser: a Flask client that keeps cookies, signs in, and sends forms as pages make them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from service.passwords import hashed
from training.accounts import Account, Accounts, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask
    from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"


def add_account(app: Flask, name: str, role: Role = Role.ADMIN, sites: Iterable[str] = ()) -> None:
    """Add an account whose password is ``PASSWORD``."""
    account = Account(name, role, frozenset(sites), datetime.now(UTC))
    Accounts(app.extensions["hamgate.store"]).add(account, hashed(PASSWORD))


class Browser:
    """A browser of its own; with a name, somebody of that name is signed in, with an account made for it."""

    def __init__(self, app: Flask, name: str = "", role: Role = Role.ADMIN, sites: Iterable[str] = ()) -> None:
        self.client = app.test_client()
        if name:
            add_account(app, name, role, sites)
            assert self.sign_in(name).status_code == 303

    def sign_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        """Fill in the form."""
        return self.post("/sign-in", name=name, password=password)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Ask for a page."""
        return self.client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}, buffered=True
        )

    def token(self) -> str:
        """Return what forms for this browser send along."""
        found = re.search(r'<meta name="form-token" content="(\w+)">', self.get("/sign-in").text)
        assert found
        return found[1]

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form of a page made for this browser."""
        return self.client.post(path, data={"form_token": self.token(), **fields})

    def send(self, path: str, **fields: Any) -> TestResponse:
        """Send what a script of a page made for this browser would."""
        headers = {"X-Form-Token": self.token(), "Accept": "application/json"}
        return self.client.post(path, data=fields, headers=headers)
