"""The import page: a file of comments that people decided on elsewhere, judged first, then added as labels.

A script sends the file in parts; without one, the form sends it whole, as far as a request's bound allows. Whoever adds
the labels answers for them: they count as given by that account.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request, url_for

from service.bodies import form_body
from service.moderation.access import needs, require_site, signed_in
from service.moderation.pages import Link
from service.moderation.work import NAMES, job_named
from service.problems import WrongFieldError
from training.accounts import Role
from training.formats.files import KNOWN_SUFFIXES

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from service.uploads import Uploads
    from training.jobs import Job, Jobs
    from training.store import Store

KINDS = ("preview", "import")
MAX_JOBS = 20
MAX_NAME_CHARACTERS = 200
PART_BYTES = 4 * 1024 * 1024
DECISIONS = ("allow", "review", "block", "discard")


class ImportPage:
    """The views and what they work with; ``host`` is this one, whose disk an uploaded file is on."""

    links = (Link("Import", "pages.imports.choose", Role.MODERATOR),)

    def __init__(self, jobs: Jobs, store: Store, uploads: Uploads, host: str, max_body_bytes: int) -> None:
        self._jobs = jobs
        self._store = store
        self._uploads = uploads
        self._host = host
        self._max_body_bytes = max_body_bytes

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("imports", __name__, url_prefix="/moderate/import")
        views.add_url_rule("", view_func=self.choose)
        views.add_url_rule("", view_func=self.take_whole, methods=["POST"])
        views.add_url_rule("/parts", view_func=self.take_part, methods=["POST"])
        views.add_url_rule("/<number>", view_func=self.show)
        views.add_url_rule("/<number>/add", view_func=self.add, methods=["POST"])
        views.add_url_rule("/<number>/discard", view_func=self.discard, methods=["POST"])
        return views

    @needs(Role.MODERATOR)
    def choose(self) -> str:
        """Ask for a file and the site whose comments it holds."""
        return self._page()

    @needs(Role.MODERATOR)
    def take_whole(self) -> AnyResponse:
        """Take a file that a form sends, and have it judged."""
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            return Response(self._page("Choose a file."), 422)
        try:
            site = _site(request.form.get("site", ""))
            upload, size = self._uploads.begin(sent.filename), 0
            while part := sent.stream.read(PART_BYTES):
                size = self._uploads.append(upload, size, part)
        except WrongFieldError as error:
            return Response(self._page(f"{error}."), 422)
        return redirect(self._preview(upload, sent.filename, site), 303)

    @needs(Role.MODERATOR)
    def take_part(self) -> Response:
        """Take a part of a file that a script sends; after the last one, have the file judged."""
        asked = request.args
        site, name = _site(asked.get("site", "")), asked.get("name", "")
        upload = asked.get("upload") or self._uploads.begin(name)
        offset = asked.get("offset", 0, type=int)
        received = self._uploads.append(upload, offset, form_body(request.environ, self._max_body_bytes))
        if asked.get("last") != "yes":
            return jsonify({"upload": upload, "received": received})
        return jsonify({"received": received, "page": self._preview(upload, name, site)})

    @needs(Role.MODERATOR)
    def show(self, number: str) -> str:
        """Show what was found in a file, or what came of adding it."""
        job = self._job(number)
        outcome = self._jobs.outcome(job.number)
        return render_template(
            "import.html",
            job=job,
            outcome=outcome,
            table=None if outcome is None or job.kind != "preview" else _table(outcome["outcomes"]),
            is_there=self._uploads.path(job.request["upload"]).is_file() if job.host == self._host else True,
            under_way=[] if job.has_ended else [job],
            decisions=DECISIONS,
            names=NAMES,
        )

    @needs(Role.MODERATOR)
    def add(self, number: str) -> AnyResponse:
        """Have the labels of a file added that was judged."""
        job = self._job(number)
        if job.kind != "preview" or job.state != "done":
            abort(409, "The file has not been read to its end.")
        now, by = datetime.now(UTC), signed_in().name
        added = self._jobs.ask("import", job.request, now, by, job.host, queue=True)
        return redirect(url_for("pages.imports.show", number=added), 303)

    @needs(Role.MODERATOR)
    def discard(self, number: str) -> AnyResponse:
        """Remove an uploaded file."""
        job = self._job(number)
        if job.host != self._host:
            abort(409, "The file is on another host; it is removed within a day.")
        self._uploads.path(job.request["upload"]).unlink(missing_ok=True)
        flash("The file is removed. Nothing was added.")
        return redirect(url_for("pages.imports.choose"), 303)

    def _preview(self, upload: str, name: str, site: str) -> str:
        """Have a file judged, and return the page that shows it."""
        path = self._uploads.path(upload)
        shown = name.replace("\x00", "")[-MAX_NAME_CHARACTERS:]
        asked = {"path": str(path), "upload": upload, "name": shown, "site": site, "bytes": path.stat().st_size}
        by = signed_in().name
        number = self._jobs.ask("preview", asked, datetime.now(UTC), by, self._host, queue=True)
        return url_for("pages.imports.show", number=number)

    def _job(self, number: str) -> Job:
        job = job_named(self._jobs, number)
        if job is None or job.kind not in KINDS:
            abort(404)
        require_site(job.request["site"])
        return job

    def _page(self, trouble: str = "") -> str:
        account = signed_in()
        jobs = [job for job in self._jobs.list(KINDS, MAX_JOBS) if account.may_see(job.request["site"])]
        return render_template(
            "imports.html",
            sites=[site.name for site in self._store.sites() if account.may_see(site.name)],
            suffixes=KNOWN_SUFFIXES,
            max_bytes=self._uploads.max_bytes,
            max_form_bytes=min(self._max_body_bytes, self._uploads.max_bytes),
            part_bytes=min(PART_BYTES, self._max_body_bytes),
            jobs=jobs,
            names=NAMES,
            trouble=trouble,
        )


def _site(name: str) -> str:
    """Return the site that was chosen, which the account must see."""
    if not name:
        raise WrongFieldError("site", "choose the site whose comments these are")
    require_site(name)
    return name


def _table(outcomes: dict[str, int]) -> list[dict[str, Any]]:
    """Lay out how the decisions agree with the labels: a row for each label."""
    return [
        {"label": label, "counts": counts, "total": sum(counts)}
        for label in ("spam", "ham")
        for counts in [[outcomes.get(f"{label} {decision}", 0) for decision in DECISIONS]]
    ]
