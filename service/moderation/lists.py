"""The page of a site's allow and deny lists: lines are added one by one or pasted, searched and removed.

Leaves what a line may say to ``model.lists``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from model.lists import Subject, read_lines
from model.verdict import Decision
from service.moderation.access import require_site, signed_in
from service.moderation.pages import Link
from training.accounts import Role
from training.lists import MAX_LINES, TooManyLinesError

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from training.lists import ListStore
    from training.store import Store

LINES_A_PAGE = 100
MAX_SHOWN_REFUSALS = 20
MAX_SEARCHED_CHARACTERS = 100


class ListsPage:
    """The views and what they work with."""

    links = (Link("Lists", "pages.lists.show", Role.ADMIN),)

    def __init__(self, store: Store, lists: ListStore) -> None:
        self._store = store
        self._lists = lists

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("lists", __name__, url_prefix="/moderate/lists")
        views.add_url_rule("", view_func=self.show)
        views.add_url_rule("/add", view_func=self.add, methods=["POST"])
        views.add_url_rule("/remove", view_func=self.remove, methods=["POST"])
        return views

    def show(self) -> str:
        """Show some lines of a site, or those that contain something."""
        sites = self._sites()
        chosen = request.args.get("site") or (sites[0] if sites else "")
        if not chosen:
            return render_template("lists.html", site="", sites=sites)
        self._require(chosen)
        return self._page(chosen)

    def add(self) -> AnyResponse:
        """Add the lines of a form, one entry a line; those that can't be used are shown with what is wrong."""
        site, subject = self._require(request.form.get("site", "")), request.form.get("subject", "")
        decision, written = request.form.get("decision", ""), request.form.get("lines", "")
        if decision not in tuple(Decision) or subject not in ("", *Subject):
            abort(422, "There is no such decision, or nothing of that kind to look for.")
        lines, refused = read_lines(written, Decision(decision), Subject(subject) if subject else None)
        try:
            added = self._lists.add(site, lines, datetime.now(UTC), signed_in().name)
        except TooManyLinesError as error:
            return Response(self._page(site, trouble=f"{error}.", written=written), 422)
        told = f"{added.new:,} lines added, {added.changed:,} changed, {added.known:,} there already."
        if not refused:
            flash(told)
            return redirect(url_for("pages.lists.show", site=site), 303)
        entries = written.splitlines()
        page = self._page(
            site,
            trouble=f"{told} {len(refused):,} can't be used.",
            refused=refused[:MAX_SHOWN_REFUSALS],
            written="\n".join(entries[number - 1] for number, _ in refused),
        )
        return Response(page, 422)

    def remove(self) -> AnyResponse:
        """Remove the lines that were ticked."""
        site = self._require(request.form.get("site", ""))
        numbers = [int(number) for number in request.form.getlist("line") if number.isascii() and number.isdigit()]
        known = [number for number in numbers if number < 2**63]
        removed = self._lists.remove(site, known, datetime.now(UTC), signed_in().name)
        flash(f"{removed:,} lines removed.")
        return redirect(url_for("pages.lists.show", site=site), 303)

    def _sites(self) -> list[str]:
        return [site.name for site in self._store.sites()]

    def _require(self, site: str) -> str:
        require_site(site)
        if site not in self._sites():
            abort(404)
        return site

    def _page(
        self, site: str, trouble: str = "", refused: list[tuple[int, str]] | None = None, written: str = ""
    ) -> str:
        containing = request.args.get("containing", "").replace("\x00", "")[:MAX_SEARCHED_CHARACTERS]
        asked = request.args.get("page", "1")
        count = self._lists.count(site, containing)
        pages = max(1, -(-count // LINES_A_PAGE))
        number = min(max(int(asked), 1), pages) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
        return render_template(
            "lists.html",
            site=site,
            sites=self._sites(),
            kept=self._lists.page(site, LINES_A_PAGE, (number - 1) * LINES_A_PAGE, containing),
            count=count,
            page=number,
            pages=pages,
            containing=containing,
            subjects=list(Subject),
            decisions=(Decision.BLOCK, Decision.REVIEW, Decision.DISCARD, Decision.ALLOW),
            most=MAX_LINES,
            trouble=trouble,
            refused=refused or [],
            written=written,
        )
