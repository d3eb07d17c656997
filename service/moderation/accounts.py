"""The accounts page: everybody's own password, and for admins who else may sign in, and what they may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from service.moderation.access import needs, signed_in
from service.moderation.pages import Link
from service.moderation.sign_in import new_password
from service.passwords import account_name, is_right, make_token, token_digest
from service.problems import WrongFieldError
from training.accounts import Invitation, LastAdminError, Role, UnknownAccountError

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from service.moderation.sessions import Sessions
    from training.accounts import Accounts
    from training.store import Store

INVITATION_LIFETIME = timedelta(days=7)


class AccountsPage:
    """The views and what they work with."""

    links = (Link("Accounts", "pages.accounts.show", Role.MODERATOR),)

    def __init__(self, accounts: Accounts, sessions: Sessions, store: Store) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._store = store

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("accounts", __name__, url_prefix="/moderate/accounts")
        views.add_url_rule("", view_func=self.show)
        views.add_url_rule("/password", view_func=self.change_password, methods=["POST"])
        views.add_url_rule("/invite", view_func=self.invite, methods=["POST"])
        views.add_url_rule("/<name>/access", view_func=self.change_access, methods=["POST"])
        views.add_url_rule("/<name>/remove", view_func=self.remove, methods=["POST"])
        return views

    @needs(Role.MODERATOR)
    def show(self) -> str:
        """Show the page."""
        return self._page()

    @needs(Role.MODERATOR)
    def change_password(self) -> AnyResponse:
        """Change one's own password; sessions elsewhere end."""
        name = signed_in().name
        if not is_right(request.form.get("current", ""), self._accounts.password_hash(name)):
            return Response(self._page("That is not your current password."), 403)
        try:
            self._accounts.change_password(name, new_password())
        except WrongFieldError as error:
            return Response(self._page(str(error)), 422)
        flash("Your password is changed. Wherever else you were signed in, you no longer are.")
        response = self._shown()
        self._sessions.begin(response, name)
        return response

    @needs(Role.ADMIN)
    def invite(self) -> str:
        """Make a link with which somebody can make an account, and show it, once."""
        token, now = make_token(), datetime.now(UTC)
        role, sites = self._access_wanted()
        self._accounts.invite(token_digest(token), Invitation(role, sites, False, now + INVITATION_LIFETIME), now)
        return self._page(link=url_for("pages.sign_in.welcome", token=token, _external=True))

    @needs(Role.ADMIN)
    def change_access(self, name: str) -> AnyResponse:
        """Change what an account may do."""
        try:
            self._accounts.change_access(account_name(name), *self._access_wanted())
        except LastAdminError as error:
            return Response(self._page(str(error)), 409)
        except (UnknownAccountError, WrongFieldError) as error:
            abort(404, str(error))
        flash(f"What {name} may do is changed.")
        return self._shown()

    @needs(Role.ADMIN)
    def remove(self, name: str) -> AnyResponse:
        """Remove an account."""
        try:
            self._accounts.remove(account_name(name))
        except LastAdminError as error:
            return Response(self._page(str(error)), 409)
        except (UnknownAccountError, WrongFieldError) as error:
            abort(404, str(error))
        flash(f"The account {name} is removed.")
        return self._shown()

    def _access_wanted(self) -> tuple[Role, frozenset[str]]:
        """Read role and sites from a form; what is no role or no site is refused."""
        known = set(self._site_names())
        role, sites = request.form.get("role", ""), frozenset(request.form.getlist("site"))
        if role not in tuple(Role) or not sites <= known:
            abort(422, "There is no such role, or no such site.")
        return Role(role), frozenset() if role == Role.ADMIN else sites

    def _site_names(self) -> list[str]:
        return [site.name for site in self._store.sites()]

    def _page(self, trouble: str = "", link: str = "") -> str:
        everybody = self._accounts.all() if signed_in().is_admin else []
        return render_template(
            "accounts.html",
            everybody=everybody,
            sites=self._site_names() if signed_in().is_admin else [],
            roles=list(Role),
            trouble=trouble,
            link=link,
            days=INVITATION_LIFETIME.days,
        )

    def _shown(self) -> AnyResponse:
        return redirect(url_for("pages.accounts.show"), 303)
