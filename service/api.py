"""The native HTTP interface but for ``/v1/check``: batches, the model, health and metrics.

Each view parses, calls one verb and translates the outcome. Which error becomes which status stands in ``problems``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from model.comment import Comment
from service.bodies import JSON, json_body
from service.metrics import CONTENT_TYPE as METRICS_TYPE
from service.metrics import PATH as METRICS_PATH
from service.observer import SITE, make_id
from service.schemas import comments_of, encoded, rejected_members, verdict_members

if TYPE_CHECKING:
    from model.verdict import Verdict
    from service.auth import Guard
    from service.judge import Judge
    from service.metrics import Metrics
    from service.recorder import Recorder
    from service.served_model import ServedModel
    from training.store import Site


class Api:
    """The views and what they work with."""

    def __init__(
        self,
        guard: Guard,
        served: ServedModel,
        judge: Judge,
        metrics: Metrics,
        recorder: Recorder,
        max_body_bytes: int,
    ) -> None:
        self._max_body_bytes = max_body_bytes
        self._guard = guard
        self._served = served
        self._judge = judge
        self._metrics = metrics
        self._recorder = recorder

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        api = Blueprint("api", __name__)
        api.add_url_rule("/v1/check/batch", view_func=self.check_batch, methods=["POST"])
        api.add_url_rule("/v1/model", view_func=self.model)
        api.add_url_rule("/healthz", view_func=self.healthz)
        api.add_url_rule("/readyz", view_func=self.readyz)
        api.add_url_rule(METRICS_PATH, view_func=self.metrics)
        return api

    def check_batch(self) -> Response:
        """Judge several comments, each by itself."""
        site = self._site()
        items = comments_of(json_body(request.environ, self._max_body_bytes))
        comments = [item for item in items if isinstance(item, Comment)]
        self._guard.charge(site, len(items))
        verdicts = iter(self._judge.check_many(site.name, comments))
        answers = [
            self._noted(site, item, next(verdicts)) if isinstance(item, Comment) else rejected_members(item)
            for item in items
        ]
        return _answer({"verdicts": answers})

    def model(self) -> Response:
        """Describe the served model."""
        served = self._judge.filter_of(self._site().name)
        thresholds = served.thresholds
        return _answer(
            {
                "version": served.version,
                "card": served.card,
                "thresholds": {
                    "review": thresholds.review,
                    "block": thresholds.block,
                    "discard": thresholds.discard,
                },
            }
        )

    def healthz(self) -> Response:
        """Say that this process answers."""
        return _answer({"status": "alive"})

    def readyz(self) -> Response:
        """Say that this process can score, and with which version, or raise why not."""
        ready = {"status": "ready", "model": self._served.filter.version}
        trouble = self._served.trouble
        return _answer(ready if trouble is None else {**ready, "trouble": trouble})

    def metrics(self) -> Response:
        """Hand Prometheus what all workers counted."""
        return Response(self._metrics.exposition(), content_type=METRICS_TYPE)

    def _site(self) -> Site:
        site = self._guard.site_of(request.environ)
        request.environ[SITE] = site.name
        return site

    def _noted(self, site: Site, comment: Comment, verdict: Verdict) -> dict[str, Any]:
        check_id = make_id()
        self._metrics.note_verdict(verdict)
        self._recorder.record(check_id, site.name, comment, verdict)
        return verdict_members(check_id, self._judge.told(site.name, verdict))


def _answer(members: dict[str, Any]) -> Response:
    return Response(encoded(members), content_type=JSON)
