"""Who a request comes from, and whether its form is one of ours.

A session is a row in the database, found by the digest of a random token in a cookie. So signing out, a new password or
another role take effect at once on every host, and a stolen database opens nothing; a signed cookie would need the same
query to be revocable. The form token is a hash of the session's token (for visitors, of a token of their own), keyed
with the installation's secret, so it needs no storage, and nobody else's is of any use.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import abort, g, request

from service.moderation.proxies import SIGNED_IN
from service.passwords import account_name, make_token, token_digest
from service.problems import WrongFieldError

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from service.secret import Secret
    from training.accounts import Account, Accounts

LIFETIME = timedelta(days=14)
FORM_FIELD = "form_token"
FORM_HEADER = "X-Form-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, accounts: Accounts, secret: Secret) -> None:
        self._accounts = accounts
        self._secret = secret

    def account(self) -> Account | None:
        """Return the account that the request is made by: the one a trusted proxy names, or else the session's."""
        signed_in = request.environ.get(SIGNED_IN)
        if signed_in:
            return self._accounts.find(_account_name(signed_in))
        token = request.cookies.get(_cookie("session"))
        return self._accounts.account_of_session(token_digest(token), datetime.now(UTC)) if token else None

    def begin(self, response: Response, account: str) -> None:
        """Sign an account in with the response: a new session, whatever there was before."""
        self._end()
        token, now = make_token(), datetime.now(UTC)
        self._accounts.begin_session(token_digest(token), account, now, now + LIFETIME)
        _set_cookie(response, "session", token, int(LIFETIME.total_seconds()))

    def end(self, response: Response) -> None:
        """Sign out with the response."""
        self._end()
        response.delete_cookie(_cookie("session"), secure=request.is_secure, httponly=True, samesite="Lax")

    def _end(self) -> None:
        token = request.cookies.get(_cookie("session"))
        if token:
            self._accounts.end_session(token_digest(token))

    def form_token(self) -> str:
        """Return what forms on this page must send along."""
        return self._secret.digest("form tokens", _visitor()).hex()

    def require_form_token(self) -> None:
        """Refuse a request that changes something with 403, unless its form was on a page made for this visitor."""
        if request.method in SAFE_METHODS:
            return
        sent = request.headers.get(FORM_HEADER) or request.form.get(FORM_FIELD, "")
        if not hmac.compare_digest(sent.encode("utf-8", "replace"), self.form_token().encode()):
            abort(403, "The form is not from this browser, or is too old. Load the page again, and send it once more.")


def keep_visitor(response: Response) -> None:
    """Send a visitor without a session the token that the forms of this page belong to."""
    if "new_visitor" in g:
        _set_cookie(response, "visitor", g.new_visitor, None)


def _account_name(written: str) -> str:
    """Return the account that a proxy names, or a name that no account has."""
    try:
        return account_name(written)
    except WrongFieldError:
        return ""


def _visitor() -> str:
    """Return what tells this browser from others: its session's token or, without one, a token for visitors."""
    known = request.cookies.get(_cookie("session")) or request.cookies.get(_cookie("visitor"))
    if known:
        return known
    if "new_visitor" not in g:
        g.new_visitor = make_token()
    made: str = g.new_visitor
    return made


def _cookie(kind: str) -> str:
    """Name a cookie; over https so that no other host of the domain can set it (``__Host-``, RFC 6265bis)."""
    return f"__Host-hamgate-{kind}" if request.is_secure else f"hamgate-{kind}"


def _set_cookie(response: Response, kind: str, token: str, max_age: int | None) -> None:
    response.set_cookie(_cookie(kind), token, max_age=max_age, secure=request.is_secure, httponly=True, samesite="Lax")
