"""What all pages have in common: who may see them, form tokens, headers, and what their layout needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from markupsafe import Markup

from service.moderation.access import enter, needed_role, open_to_all
from service.moderation.paths import is_page
from service.moderation.sessions import FORM_FIELD, keep_visitor
from service.moderation.shown import visible
from training.accounts import Account, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as AnyResponse

    from service.moderation.sessions import Sessions

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Link(NamedTuple):
    """An entry of the navigation, for those who have the role."""

    name: str
    endpoint: str
    role: Role


class Page(Protocol):
    """One page, or several that belong together."""

    @property
    def links(self) -> Sequence[Link]:
        """What the navigation says of it; endpoints begin with ``pages.``."""

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""


class Pages:
    """All pages."""

    def __init__(self, sessions: Sessions, pages: Sequence[Page]) -> None:
        self._sessions = sessions
        self._pages = pages
        self._links = [link for page in pages for link in page.links]

    def blueprint(self) -> Blueprint:
        """Gather the pages, and let nobody in who may not."""
        pages = Blueprint("pages", __name__)
        pages.before_request(self._enter)
        pages.after_app_request(_finish)
        pages.app_context_processor(self._context)
        pages.add_url_rule("/", "home", view_func=self.home)
        for page in self._pages:
            pages.register_blueprint(page.blueprint())
        return pages

    @open_to_all
    def home(self) -> AnyResponse:
        """Lead to the first page."""
        return redirect(url_for(self._links[0].endpoint))

    def _enter(self) -> None:
        view = current_app.view_functions[request.endpoint or ""]
        account = self._sessions.account()
        self._sessions.require_form_token()
        enter(account, needed_role(view))

    def _context(self) -> dict[str, Any]:
        account: Account | None = g.get("account")
        return {
            "account": account,
            "links": [link for link in self._links if account and (account.is_admin or link.role is Role.MODERATOR)],
            "form_token": self._form_token,
            "form_token_value": self._sessions.form_token,
            "visible": visible,
        }

    def _form_token(self) -> Markup:
        return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_FIELD, self._sessions.form_token())


def _finish(response: Response) -> Response:
    """Add to a page's answer what keeps it from being read, framed or kept by others."""
    if is_page(request.path):
        response.headers.extend(HEADERS)
        if not request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        keep_visitor(response)
    return response
