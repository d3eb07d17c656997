"""The page on people: what is stored about one, shown, exported and erased; and the link for each site's form."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, render_template, request, url_for

from service.catalogues import DEFAULT, catalogues
from service.moderation.access import needs, signed_in
from service.moderation.pages import Link
from training.accounts import Role
from training.people import NobodyError, Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.people import Found, People
    from training.store import Store

MAX_SHOWN = 50
MAX_ERASURES = 20
MAX_CHARACTERS = 1_000


class PeoplePage:
    """The views and what they work with."""

    links = (Link("People", "pages.people.ask", Role.ADMIN),)

    def __init__(self, people: People, store: Store) -> None:
        self._people = people
        self._store = store

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("people", __name__, url_prefix="/moderate/people")
        views.add_url_rule("", view_func=self.ask)
        views.add_url_rule("", view_func=self.show, methods=["POST"])
        views.add_url_rule("/export", view_func=self.export, methods=["POST"])
        views.add_url_rule("/erase", view_func=self.erase, methods=["POST"])
        return views

    @needs(Role.ADMIN)
    def ask(self) -> str:
        """Ask who is meant."""
        return self._page()

    @needs(Role.ADMIN)
    def show(self) -> Response:
        """Show what is stored about a person; posted, so that no address is in a URL."""
        try:
            person = _person()
        except NobodyError as error:
            return Response(self._page(trouble=str(error)), 422)
        found = list(islice(self._people.find(person, self._site()), MAX_SHOWN + 1))
        return Response(self._page(found=found[:MAX_SHOWN], has_more=len(found) > MAX_SHOWN))

    @needs(Role.ADMIN)
    def export(self) -> Response:
        """Hand out all that is stored about a person, as JSON Lines."""
        headers = {"Content-Disposition": 'attachment; filename="person.jsonl"'}
        person, site = _required_person(), self._site()
        stored = chain(
            (found.as_json() for found in self._people.find(person, site)), self._people.listed(person, site)
        )
        return Response(
            "".join(f"{json.dumps(one)}\n" for one in stored), content_type="application/x-ndjson", headers=headers
        )

    @needs(Role.ADMIN)
    def erase(self) -> Response:
        """Erase all that is stored about a person."""
        person, site = _required_person(), self._site()
        if "sure" not in request.form:
            return Response(self._page(trouble="Nothing was erased: say that you are sure."), 422)
        with_mentions = "mentions" in request.form
        erased = self._people.erase(person, site, datetime.now(UTC), signed_in().name, with_mentions)
        return Response(self._page(told=list(erased.lines())))

    def _site(self) -> str | None:
        """Return the site to which the request is limited, ``None`` for all; one that is not there is refused."""
        site = request.form.get("site", "")
        if site and site not in self._site_names():
            abort(422, "There is no such site.")
        return site or None

    def _site_names(self) -> list[str]:
        return [site.name for site in self._store.sites()]

    def _page(
        self,
        found: Sequence[Found] | None = None,
        has_more: bool = False,
        told: Sequence[str] = (),
        trouble: str = "",
    ) -> str:
        sites = self._site_names()
        return render_template(
            "people.html",
            asked={name: request.form.get(name, "") for name in ("email", "ip", "author", "site")},
            found=found,
            has_more=has_more,
            told=told,
            trouble=trouble,
            sites=sites,
            pages_of={site: url_for("pages.processing.show", site=site, _external=True) for site in sites},
            link_text=catalogues()[DEFAULT].text("page", "link"),
            erasures=self._people.erasures(MAX_ERASURES),
            most=MAX_SHOWN,
        )


def _person() -> Person:
    """Read who is meant.

    Raises:
        NobodyError: nobody is.
    """
    return Person(**{name: request.form.get(name, "")[:MAX_CHARACTERS] for name in ("email", "ip", "author")})


def _required_person() -> Person:
    try:
        return _person()
    except NobodyError as error:
        abort(422, str(error))
