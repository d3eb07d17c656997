"""The model page: the served version and how it does, its rivals, and what is served from now on.

What takes long is found by jobs (``training.errands``); a request reads what the newest of them found. Moderators may
look, and see comments of their sites only; admins retrain, compare, promote and roll back.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from markupsafe import Markup

from service.moderation.access import needs, signed_in
from service.moderation.card import facts, groups
from service.moderation.pages import Link
from service.moderation.work import NAMES
from training.accounts import Role
from training.jobs import UnderWayError
from training.registry import NothingToRollBackError, ServedVersionChangedError, UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.wrappers import Response as AnyResponse

    from service.served_model import ServedModel
    from training.jobs import Job, Jobs
    from training.registry import Registry, Version

KINDS = ("retrain", "trial", "survey")
MAX_JOBS = 12
A_MOMENT = timedelta(minutes=10)
MAX_DAYS = 30
MAX_TRIALS = 50
MAX_REASON_CHARACTERS = 1_000


class ModelPage:
    """The views and what they work with."""

    links = (Link("Model", "pages.model.show", Role.MODERATOR),)

    def __init__(self, registry: Registry, jobs: Jobs, served: ServedModel) -> None:
        self._registry = registry
        self._jobs = jobs
        self._served = served

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("model", __name__, url_prefix="/moderate/model")
        views.add_url_rule("", view_func=self.show)
        views.add_url_rule("/retrain", view_func=self.retrain, methods=["POST"])
        views.add_url_rule("/survey", view_func=self.survey, methods=["POST"])
        views.add_url_rule("/rollback", view_func=self.roll_back, methods=["POST"])
        views.add_url_rule("/versions/<version>", view_func=self.show_version)
        views.add_url_rule("/versions/<version>/compare", view_func=self.compare, methods=["POST"])
        views.add_url_rule("/versions/<version>/promote", view_func=self.promote, methods=["POST"])
        return views

    @needs(Role.MODERATOR)
    def show(self) -> str:
        """Show the served version, how it does, and all versions."""
        served = self._served.filter
        jobs = self._jobs.list(KINDS, MAX_JOBS)
        survey = self._newest("survey")
        return render_template(
            "model.html",
            served=served,
            promoted=self._registry.served(),
            trouble=self._served.trouble,
            facts=facts(served.card),
            languages=groups(served.card),
            survey=None if survey is None else survey[1],
            surveyed_at=None if survey is None else survey[0].ended_at,
            plots={} if survey is None else _plots(survey[1]),
            days=[] if survey is None else survey[1]["days"][-MAX_DAYS:][::-1],
            versions=self._registry.versions()[::-1],
            promotions=self._registry.promotions()[::-1],
            jobs=jobs,
            under_way=[job for job in jobs if not job.has_ended],
            just_ended=_just_ended(jobs),
            names=NAMES,
        )

    @needs(Role.MODERATOR)
    def show_version(self, version: str) -> str:
        """Show a version beside the served one."""
        found = self._version(version)
        trial = self._trial_of(found.version)
        job, outcome = trial or (None, None)
        newest, promoted = self._registry.newest_promotion()
        jobs = self._jobs.list(KINDS, MAX_JOBS)
        return render_template(
            "version.html",
            version=found,
            facts=facts(found.card),
            is_served=promoted == found.version,
            job=job,
            trial=outcome and _visible(outcome),
            is_current=outcome is not None and outcome["gate"]["promotion"] == newest,
            promotions=[one for one in self._registry.promotions() if one.version == found.version][::-1],
            under_way=[job for job in jobs if not job.has_ended],
            just_ended=[job for job in _just_ended(jobs) if job.request.get("version") == found.version],
            names=NAMES,
        )

    @needs(Role.ADMIN)
    def retrain(self) -> AnyResponse:
        """Have a version made from the labels."""
        self._ask("retrain", {"promote": False})
        return redirect(url_for("pages.model.show"), 303)

    @needs(Role.MODERATOR)
    def survey(self) -> AnyResponse:
        """Have a new look taken at how the served version does."""
        self._ask("survey", {})
        return redirect(url_for("pages.model.show"), 303)

    @needs(Role.ADMIN)
    def compare(self, version: str) -> AnyResponse:
        """Have a version compared with the served one."""
        found = self._version(version).version
        self._ask("trial", {"version": found})
        return redirect(url_for("pages.model.show_version", version=found), 303)

    @needs(Role.ADMIN)
    def promote(self, version: str) -> AnyResponse:
        """Have a version served that was compared with the served one; against the gate only with a reason."""
        found = self._version(version).version
        trial = self._trial_of(found)
        if trial is None:
            abort(409, "Compare this version with the served one first.")
        objections, reason = trial[1]["objections"], request.form.get("reason", "").strip()[:MAX_REASON_CHARACTERS]
        if objections and not reason:
            abort(422, "The gate says no. To overrule it, write why; that is recorded with your name.")
        name, upon = signed_in().name, trial[1]["gate"]["promotion"]
        try:
            self._registry.promote(found, datetime.now(UTC), name, bool(objections), upon, reason or None)
        except ServedVersionChangedError as error:
            abort(409, f"{error}.")
        flash(f"Version {found} is served, on every worker within a second.")
        return redirect(url_for("pages.model.show"), 303)

    @needs(Role.ADMIN)
    def roll_back(self) -> AnyResponse:
        """Have what was served before the last promotion served again."""
        try:
            version = self._registry.roll_back(datetime.now(UTC), signed_in().name)
        except NothingToRollBackError:
            abort(409, "Nothing is promoted, so there is nothing to roll back.")
        flash(f"{f'Version {version}' if version else 'The model file'} is served again.")
        return redirect(url_for("pages.model.show"), 303)

    def _ask(self, kind: str, wanted: Mapping[str, Any]) -> None:
        try:
            self._jobs.ask(kind, wanted, datetime.now(UTC), signed_in().name)
        except UnderWayError as error:
            flash(f"{error}.")

    def _version(self, beginning: str) -> Version:
        try:
            return self._registry.find(beginning)
        except UnknownVersionError:
            abort(404)

    def _newest(self, kind: str) -> tuple[Job, dict[str, Any]] | None:
        """Return the newest job of a kind that is done, and what it found."""
        job = self._jobs.newest(kind, ["done"])
        outcome = None if job is None else self._jobs.outcome(job.number)
        return None if job is None or outcome is None else (job, outcome)

    def _trial_of(self, version: str) -> tuple[Job, dict[str, Any]] | None:
        """Return the newest comparison of a version with the served one."""
        for job in self._jobs.list(("retrain", "trial"), MAX_TRIALS):
            if job.state == "done" and version in job.message:
                outcome = self._jobs.outcome(job.number)
                if outcome is not None and outcome["version"] == version:
                    return job, outcome
        return None


def _just_ended(jobs: Sequence[Job]) -> list[Job]:
    """Choose the last retraining or comparison if it ended a moment ago, so that whoever waits sees what came of it."""
    since = datetime.now(UTC) - A_MOMENT
    newest = [job for job in jobs if job.kind != "survey"][:1]
    return [job for job in newest if job.ended_at is not None and job.ended_at > since]


def _plots(survey: Mapping[str, Any]) -> dict[str, Markup]:
    """Return the plots as the page may have them: they are drawn by us, and hold nothing of any comment."""
    return {name: Markup(svg) for name, svg in survey["plots"].items()}  # noqa: S704 - see above


def _visible(trial: dict[str, Any]) -> dict[str, Any]:
    """Leave out what belongs to sites that the account may not see; comments of golden files are for admins."""
    account = signed_in()
    if account.is_admin:
        return trial
    comparisons, shadow = trial["gate"]["comparisons"], trial["shadow"]
    names = [worse["name"] for found in comparisons for worse in found["worse_slices"]]
    hidden = [name for name in names if name.startswith("site ") and not account.may_see(name.removeprefix("site "))]
    flips = [{**one, "flips": [flip for flip in one["flips"] if account.may_see(flip["site"])]} for one in comparisons]
    disagreements = [found for found in shadow["disagreements"] if account.may_see(found["site"])]
    return {
        **trial,
        "objections": [_without_sites(objection, hidden) for objection in trial["objections"]],
        "gate": {**trial["gate"], "comparisons": flips},
        "shadow": {**shadow, "disagreements": disagreements},
    }


def _without_sites(objection: str, hidden: Sequence[str]) -> str:
    is_hidden = any(f", {name}:" in objection for name in hidden)
    return "it is worse on a site that you don't see" if is_hidden else objection
