"""Signing in with OpenID Connect, where the operator has set a provider. Authlib does the protocol, with PKCE.

Who comes back must have an account already: an admin decides who moderates, the provider only says who somebody is. An
e-mail address counts only if the provider has verified it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request, session, url_for

from service.moderation.access import open_to_all
from service.moderation.paths import local
from service.passwords import account_name
from service.problems import ServiceError, WrongFieldError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask.blueprints import BlueprintSetupState
    from werkzeug.wrappers import Response as AnyResponse

    from service.config import Config
    from service.moderation.pages import Link
    from service.moderation.sessions import Sessions
    from training.accounts import Accounts

TIMEOUT_SECONDS = 10

_log = logging.getLogger("hamgate.open_id")


class OpenIdMissingError(ServiceError):
    """A provider is set, and the package that speaks to it is not installed."""


class OpenId:
    """The views and what they work with."""

    links: Sequence[Link] = ()

    def __init__(self, accounts: Accounts, sessions: Sessions, config: Config) -> None:
        """Speak to the provider of the configuration.

        Raises:
            OpenIdMissingError: Authlib is not installed.
        """
        try:
            from authlib.integrations.flask_client import OAuth
        except ImportError as error:
            raise OpenIdMissingError(f"OpenID Connect needs more ({error}): pip install 'hamgate[openid]'") from error
        self._accounts = accounts
        self._sessions = sessions
        self._claim = config.openid_claim
        self._authlib = OAuth()
        self._provider = self._authlib.register(
            "openid",
            client_id=config.openid_client_id,
            client_secret=config.openid_client_secret,
            server_metadata_url=f"{config.openid_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_SECONDS,
            },
        )

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("open_id", __name__, url_prefix="/sign-in/openid")
        views.record_once(self._prepare)
        views.add_url_rule("", view_func=self.begin)
        views.add_url_rule("/back", view_func=self.finish)
        return views

    def _prepare(self, state: BlueprintSetupState) -> None:
        self._authlib.init_app(state.app)

    @open_to_all
    def begin(self) -> AnyResponse:
        """Send somebody to the provider."""
        session["onward"] = local(request.args.get("next", ""))
        answer: AnyResponse = self._asked("authorize_redirect", url_for("pages.open_id.finish", _external=True))
        return answer

    @open_to_all
    def finish(self) -> AnyResponse:
        """Sign in whom the provider names."""
        token = self._asked("authorize_access_token")
        name = self._name(token.get("userinfo") or {})
        if self._accounts.find(name) is None:
            abort(403, "The provider knows you, but there is no account for you here. An admin can make one.")
        response = redirect(local(session.pop("onward", "")), 303)
        self._sessions.begin(response, name)
        return response

    def _asked(self, what: str, *arguments: str) -> Any:
        """Have Authlib take a step; whatever goes wrong on the way is the provider's or the visitor's, not ours."""
        from authlib.common.errors import AuthlibBaseError
        from joserfc.errors import JoseError
        from requests.exceptions import RequestException

        try:
            return getattr(self._provider, what)(*arguments)
        except (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, RuntimeError) as error:
            _log.warning("signing in with OpenID Connect failed: %s", type(error).__name__)
            abort(403, "Signing in with the provider did not work. Try again.")

    def _name(self, claims: Mapping[str, object]) -> str:
        found = claims.get(self._claim)
        if self._claim == "email" and claims.get("email_verified") is not True:
            abort(403, "The provider has not verified your e-mail address.")
        try:
            return account_name(str(found or ""))
        except WrongFieldError:
            abort(403, "The provider names nobody who could have an account here.")
