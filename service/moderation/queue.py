"""The queue: comments that were held for review, the most urgent first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from service.moderation.access import needs, require_site, signed_in
from service.moderation.pages import Link
from service.moderation.shown import FEATURES, shown
from training.accounts import Role
from training.queue import Wanted

if TYPE_CHECKING:
    from training.labels import LabelStore
    from training.queue import Order, Queue
    from training.store import Store

PAGE_COMMENTS = 25
MOST_COUNTED = 10_000
AGES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class QueuePage:
    """The view and what it works with."""

    links = (Link("Queue", "pages.queue.show", Role.MODERATOR),)

    def __init__(self, queue: Queue, labels: LabelStore, store: Store) -> None:
        self._queue = queue
        self._labels = labels
        self._store = store

    def blueprint(self) -> Blueprint:
        """Say which path leads to the view."""
        views = Blueprint("queue", __name__, url_prefix="/moderate")
        views.add_url_rule("/", view_func=self.show)
        return views

    @needs(Role.MODERATOR)
    def show(self) -> str:
        """Show a page of the queue."""
        wanted = self._wanted()
        order: Order = "newest" if request.args.get("order") == "newest" else "urgent"
        page = self._queue.page(wanted, order, asked("after"), PAGE_COMMENTS + 1)
        items = [shown(queued.check, None, queued.campaign, queued.alike) for queued in page[:PAGE_COMMENTS]]
        return render_template(
            "queue.html",
            items=items,
            count=self._queue.count(wanted, MOST_COUNTED),
            most=MOST_COUNTED,
            order=order,
            sites=visible_site_names(self._store),
            features=FEATURES,
            ages=AGES,
            onward=onward("after", items[-1].check.id) if len(page) > PAGE_COMMENTS else "",
        )

    def _wanted(self) -> Wanted:
        return Wanted(
            sites=sites_wanted(),
            feature=asked("reason"),
            since=since_wanted(),
            words=asked("words"),
            campaign=asked("campaign"),
        )


def asked(name: str) -> str:
    """Return a parameter of the page, as every database can search for it."""
    return request.args.get(name, "").encode("utf-8", "replace").decode().replace("\x00", "")[:200]


def sites_wanted() -> frozenset[str] | None:
    """Return the sites that a page is about: the one that was asked for, or all that the account sees."""
    site = asked("site")
    if not site:
        return signed_in().visible_sites
    require_site(site)
    return frozenset({site})


def since_wanted() -> datetime | None:
    """Return since when, as asked for."""
    age = AGES.get(asked("age"))
    return None if age is None else datetime.now(UTC) - age


def visible_site_names(store: Store) -> list[str]:
    """Name the sites that the account may choose from."""
    account = signed_in()
    return [site.name for site in store.sites()] if account.is_admin else sorted(account.sites)


def onward(name: str, value: str) -> str:
    """Return where this page goes on: the same path and parameters, but for one."""
    return f"{request.path}?{urlencode({**request.args.to_dict(), name: value})}"
