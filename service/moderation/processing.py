"""The public page on how a site's comments are processed, in the reader's language; also as JSON."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from flask import Blueprint, abort, jsonify, render_template, request

from service.catalogues import DEFAULT, catalogues
from service.moderation.access import open_to_all
from service.processing import Processing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from service.catalogues import Catalogue
    from service.config import Config
    from service.moderation.pages import Link
    from training.accounts import Accounts
    from training.callbacks import CallbackHosts
    from training.settings import SettingsStore
    from training.store import Store


class ProcessingPage:
    """The view and what it works with."""

    links: Sequence[Link] = ()

    def __init__(
        self, config: Config, store: Store, settings: SettingsStore, accounts: Accounts, hosts: CallbackHosts
    ) -> None:
        self._config = config
        self._store = store
        self._settings = settings
        self._accounts = accounts
        self._hosts = hosts

    def blueprint(self) -> Blueprint:
        """Say which path leads to the view."""
        views = Blueprint("processing", __name__)
        views.add_url_rule("/privacy/<site>", view_func=self.show)
        return views

    @open_to_all
    def show(self, site: str) -> str | Response:
        """Show the page, in the language that is asked for or else the browser's; ``?format=json`` for programs."""
        if not site.isprintable() or self._store.site(site) is None:
            abort(404)
        settings, hosts = self._settings.of(site), tuple(allowed.host for allowed in self._hosts.of(site))
        processing = Processing.of(site, self._config, settings, self._accounts.all(), hosts)
        catalogue = _catalogue()
        if request.args.get("format") == "json":
            return jsonify(processing.as_json(catalogue))
        sections = [
            (section, [statement.text(catalogue) for statement in statements])
            for section, statements in groupby(processing.statements(), lambda statement: statement.section)
        ]
        others = [other for other in catalogues().values() if other is not catalogue]
        return render_template("processing.html", site=site, catalogue=catalogue, sections=sections, others=others)


def _catalogue() -> Catalogue:
    known = catalogues()
    wanted = request.args.get("lang", "")
    return known.get(wanted) or known[request.accept_languages.best_match(list(known)) or DEFAULT]
