"""Jobs as pages show them: how far one is, for scripts that ask every second, and stopping one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, jsonify, redirect, url_for

from service.moderation.access import needs, require_site, signed_in
from training.accounts import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response
    from werkzeug.wrappers import Response as AnyResponse

    from service.moderation.pages import Link
    from training.jobs import Job, Jobs

PAGE_OF = {"preview": "pages.imports.show", "import": "pages.imports.show"}
NAMES = {
    "retrain": "Retraining",
    "trial": "Comparison",
    "survey": "Look at the served version",
    "preview": "Reading the file",
    "import": "Adding labels",
}


class WorkPage:
    """The views and what they work with."""

    links: Sequence[Link] = ()

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("work", __name__, url_prefix="/moderate/jobs")
        views.add_url_rule("/<number>", view_func=self.show)
        views.add_url_rule("/<number>/stop", view_func=self.stop, methods=["POST"])
        return views

    @needs(Role.MODERATOR)
    def show(self, number: str) -> Response:
        """Say how far a job is."""
        job = self._job(number)
        return jsonify({"state": job.state, "progress": job.progress, "message": job.message})

    @needs(Role.MODERATOR)
    def stop(self, number: str) -> AnyResponse:
        """Have a job end; admins may stop any, others their own."""
        job, account = self._job(number), signed_in()
        if not account.is_admin and job.asked_by != account.name:
            abort(403, "Only admins stop what others have begun.")
        if not self._jobs.stop(job.number, f"stopped by {account.name}", datetime.now(UTC)):
            flash("That has ended already.")
        target = PAGE_OF.get(job.kind)
        return redirect(url_for(target, number=job.number) if target else url_for("pages.model.show"), 303)

    def _job(self, number: str) -> Job:
        """Find a job that the account may see; those that work for one site belong to it."""
        job = job_named(self._jobs, number)
        if job is None:
            abort(404)
        if "site" in job.request:
            require_site(job.request["site"])
        return job


def job_named(jobs: Jobs, number: str) -> Job | None:
    """Find a job by what a path says."""
    return jobs.find(int(number)) if re.fullmatch("[0-9]{1,9}", number) else None
