"""Signing in and out, and making an account with an invitation.

Owns how often passwords may be tried, by address and by account: counted in the database, so that more workers or hosts
mean no more attempts, and under keyed hashes, so that no address is kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from service.moderation.access import open_to_all
from service.moderation.paths import local
from service.passwords import account_name, hashed, is_right, token_digest
from service.problems import TooManyRequestsError, WrongFieldError
from training.accounts import AccountExistsError, VoidInvitationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as AnyResponse

    from service.moderation.pages import Link
    from service.moderation.sessions import Sessions
    from service.secret import Secret
    from training.accounts import Accounts, Invitation
    from training.attempts import Attempts

ATTEMPTS_WITHIN = timedelta(minutes=15)
ATTEMPTS_OF_ADDRESS = 20
ATTEMPTS_ON_ACCOUNT = 50
"""More than of an address, so that one address alone can lock nobody out of an account."""


class SignIn:
    """The views and what they work with."""

    links: Sequence[Link] = ()

    def __init__(
        self, accounts: Accounts, attempts: Attempts, sessions: Sessions, secret: Secret, has_open_id: bool
    ) -> None:
        self._has_open_id = has_open_id
        self._accounts = accounts
        self._attempts = attempts
        self._sessions = sessions
        self._secret = secret

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("sign_in", __name__)
        views.add_url_rule("/sign-in", view_func=self.sign_in)
        views.add_url_rule("/sign-in", view_func=self.check_password, methods=["POST"])
        views.add_url_rule("/sign-out", view_func=self.sign_out, methods=["POST"])
        views.add_url_rule("/welcome/<token>", view_func=self.welcome)
        views.add_url_rule("/welcome/<token>", view_func=self.make_account, methods=["POST"])
        return views

    @open_to_all
    def sign_in(self) -> str:
        """Ask for a name and a password."""
        return self._form(local(request.args.get("next", "")))

    @open_to_all
    def check_password(self) -> AnyResponse:
        """Sign in with a name and a password."""
        typed, password = request.form.get("name", ""), request.form.get("password", "")
        name, onward = _known_form(typed), local(request.form.get("next", ""))
        if not self._is_right(name, password):
            return Response(self._form(onward, typed, "That name and password don't match."), 401)
        response = redirect(onward, 303)
        self._sessions.begin(response, name)
        return response

    @open_to_all
    def sign_out(self) -> AnyResponse:
        """Sign out."""
        response = redirect(url_for("pages.sign_in.sign_in"), 303)
        self._sessions.end(response)
        return response

    @open_to_all
    def welcome(self, token: str) -> str:
        """Ask whoever was invited for a name and a password."""
        return render_template("welcome.html", invitation=self._invitation(token))

    @open_to_all
    def make_account(self, token: str) -> AnyResponse:
        """Make an account for whoever was invited, and sign them in."""
        invitation, typed = self._invitation(token), request.form.get("name", "")
        try:
            name = account_name(typed)
            self._accounts.accept(token_digest(token), name, new_password(), datetime.now(UTC))
        except (WrongFieldError, AccountExistsError) as error:
            return Response(render_template("welcome.html", invitation=invitation, name=typed, trouble=str(error)), 422)
        except VoidInvitationError as error:
            abort(404, str(error))
        response = redirect(url_for("pages.home"), 303)
        self._sessions.begin(response, name)
        return response

    def _form(self, onward: str, name: str = "", trouble: str = "") -> str:
        return render_template("sign-in.html", next=onward, name=name, trouble=trouble, has_open_id=self._has_open_id)

    def _invitation(self, token: str) -> Invitation:
        invitation = self._accounts.invitation(token_digest(token), datetime.now(UTC))
        if invitation is None:
            abort(404, "This link was used already, or is too old.")
        return invitation

    def _is_right(self, name: str, password: str) -> bool:
        """Whether the password is that of the account.

        Raises:
            TooManyRequestsError: there were too many attempts.
        """
        now = datetime.now(UTC)
        address = self._secret.digest("sign-in attempts", f"address {request.remote_addr}")
        account = self._secret.digest("sign-in attempts", f"account {name}")
        most = {address: ATTEMPTS_OF_ADDRESS, account: ATTEMPTS_ON_ACCOUNT}
        if not self._attempts.begin(most, now - ATTEMPTS_WITHIN, now):
            minutes = int(ATTEMPTS_WITHIN.total_seconds()) // 60
            raise TooManyRequestsError(f"Too many attempts to sign in. Try again in {minutes} minutes.", 60 * minutes)
        if not is_right(password, self._accounts.password_hash(name)):
            return False
        self._attempts.forgive(most, now)
        return True


def new_password() -> str:
    """Read the password that a form asks for twice, and hash it.

    Raises:
        WrongFieldError: it is too short or too long, or the two differ.
    """
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        raise WrongFieldError("password", "the two passwords differ")
    return hashed(password)


def _known_form(typed: str) -> str:
    """Return a name as accounts have it, or one that no account has."""
    try:
        return account_name(typed)
    except WrongFieldError:
        return ""
