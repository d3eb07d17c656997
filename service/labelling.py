"""``POST /v1/labels``: what a site says of a comment, answered once it is durable.

And ``GET /v1/checks/ID``: what people have said since of a comment that was checked, so that a site can follow them.
"""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from service.bodies import JSON, json_body
from service.observer import SITE
from service.problems import NotReadyError, UnknownCheckError
from service.recorder import MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS
from service.schemas import check_members, encoded, label_of
from training.database import DatabaseUnusableError
from training.labels import GivenLabel, first_id

if TYPE_CHECKING:
    from service.auth import Guard
    from service.metrics import Metrics
    from training.labels import Check, LabelStore
    from training.store import Site

PATH = "/v1/labels"
CHECKS_PATH = "/v1/checks/"
PATIENCE = timedelta(seconds=4 * MAX_PAUSE_SECONDS)
"""How long a check may take from one worker's answer to where all workers see it."""
CHECK_ID = re.compile("[0-9a-f]{32}")

_log = logging.getLogger("hamgate.labelling")


class Labelling:
    """The view and what it works with."""

    def __init__(self, guard: Guard, labels: LabelStore, metrics: Metrics, max_body_bytes: int) -> None:
        self._guard = guard
        self._metrics = metrics
        self._labels = labels
        self._max_body_bytes = max_body_bytes

    def blueprint(self) -> Blueprint:
        """Say which path leads to the view."""
        labelling = Blueprint("labelling", __name__)
        labelling.add_url_rule(PATH, view_func=self.add_label, methods=["POST"])
        labelling.add_url_rule(f"{CHECKS_PATH}<check_id>", view_func=self.show_check)
        return labelling

    def add_label(self) -> Response:
        """Add a label of an earlier check, or of a comment that comes with it."""
        site = self._site()
        said = label_of(json_body(request.environ, self._max_body_bytes))
        self._guard.charge(site, 1)
        try:
            labelled, decision = said.comment, None
            if labelled is None:
                check = self._check_of(said.check_id, site.name)
                labelled, decision = check.comment, check.decision
            now = datetime.now(UTC)
            self._labels.add([GivenLabel(site.name, labelled, said.label, said.labelled_by, now)])
        except DatabaseUnusableError as error:
            _log.error("a label can't be kept: %s", error)
            raise NotReadyError("the label can't be kept; the log says why") from error
        if decision is not None:
            self._metrics.count_label(decision, said.label)
        return Response(encoded({"label": said.label}), 201, content_type=JSON)

    def show_check(self, check_id: str) -> Response:
        """Say what was decided of a comment, and what the last label says that people have given it since."""
        site = self._site()
        try:
            check = self._check_of(check_id, site.name)
            labels = self._labels.history(site.name, check.comment)
        except DatabaseUnusableError as error:
            _log.error("a check can't be looked up: %s", error)
            raise NotReadyError("the check can't be looked up; the log says why") from error
        return Response(encoded(check_members(check, labels[-1].label if labels else None)), content_type=JSON)

    def _site(self) -> Site:
        site = self._guard.site_of(request.environ)
        request.environ[SITE] = site.name
        return site

    def _check_of(self, check_id: str, site: str) -> Check:
        """Find a check; another worker may have answered it only just now."""
        if not CHECK_ID.fullmatch(check_id):
            raise UnknownCheckError("that is not the id of a check: 32 hexadecimal digits")
        check = self._labels.check(check_id)
        while check is None and _is_recent(check_id):
            time.sleep(MIN_PAUSE_SECONDS)
            check = self._labels.check(check_id)
        if check is None or check.site != site:
            raise UnknownCheckError("there is no such check, or it is too long ago; send the comment with its label")
        return check


def _is_recent(check_id: str) -> bool:
    now = datetime.now(UTC)
    return first_id(now - PATIENCE) < check_id < first_id(now + PATIENCE)
