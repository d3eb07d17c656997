"""The Akismet protocol: clients of Akismet whose host is pointed here work as they are.

A WSGI application of its own, like ``check``. The status is 200 even for a wrong key, as clients expect; where Hamgate
can't score it is a 5xx, so that they hold the comment and ask again. Leaves parameters to ``forms``.
"""

from __future__ import annotations

import csv
import io
import logging
import re
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from service.bodies import form_body
from service.forms import Form
from service.observer import REQUEST_ID, SITE
from service.problems import NotReadyError, answer_to
from service.schemas import encoded
from training.database import StoreError
from training.labels import GivenLabel, labeller
from training.statistics import KINDS, month_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from service.auth import Guard
    from service.callbacks import Callbacks
    from service.judge import Judge
    from service.metrics import Metrics
    from service.recorder import Recorder
    from training.labelled import Label
    from training.labels import LabelStore
    from training.statistics import Kind, Statistics
    from training.store import Site

TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"
THANKS = "Thanks for making the web a better place."
INVALID = "invalid"
LABEL_PATHS = ("/1.1/submit-spam", "/1.1/submit-ham")
SECONDS_SAVED_BY_A_SPAM = 10
MAX_SITES = 500
SPAM_DECISIONS = ("block", "discard")
DISCARD = ("X-akismet-pro-tip", "discard")
HOLD = ("X-akismet-error", "to be reviewed by a moderator")
_MONTH = re.compile(r"\d{4}-\d{2}")
_STARTS = {"60-days": 1, "6-months": 5}
"""How many months before this one are still of that span."""

_log = logging.getLogger("hamgate.akismet")

Headers = list[tuple[str, str]]
Answer = tuple[str, Headers]
"""A body, and headers beyond those that every answer has."""


class Akismet:
    """Answers every call of the protocol.

    Every answer has a guid of its own, refusals too: WordPress heeds no answer to ``comment-check`` without one, not
    even a 5xx, and would show the comment.
    """

    def __init__(
        self,
        guard: Guard,
        judge: Judge,
        metrics: Metrics,
        recorder: Recorder,
        labels: LabelStore,
        statistics: Statistics,
        callbacks: Callbacks,
        max_body_bytes: int,
        blocks_review: bool = False,
    ) -> None:
        """Answer; ``blocks_review`` is what ``spam_decisions`` takes."""
        self._guard = guard
        self._judge = judge
        self._metrics = metrics
        self._recorder = recorder
        self._labels = labels
        self._statistics = statistics
        self._callbacks = callbacks
        self._max_body_bytes = max_body_bytes
        self._spam_decisions = spam_decisions(blocks_review)
        self._calls: dict[str, Callable[[WSGIEnvironment, Form, Site], Answer]] = {
            "/1.1/comment-check": self._comment_check,
            "/1.1/submit-spam": lambda environ, form, site: self._submit(form, site, "spam"),
            "/1.1/submit-ham": lambda environ, form, site: self._submit(form, site, "ham"),
            "/1.1/verify-key": lambda environ, form, site: ("valid", []),
            "/1.1/get-subscription": lambda environ, form, site: self._subscription(site),
            "/1.1/get-stats": lambda environ, form, site: self._stats(form, site),
            "/1.1/token": lambda environ, form, site: (environ[REQUEST_ID], []),
            "/1.1/deactivate": lambda environ, form, site: ("deactivated", []),
            "/1.2/usage-limit": lambda environ, form, site: self._usage_limit(form, site),
            "/1.2/key-sites": lambda environ, form, site: self._key_sites(form, site),
            "/1.2/get-key-stats": lambda environ, form, site: self._key_stats(form, site),
        }

    @property
    def paths(self) -> list[str]:
        """The paths that belong to the protocol."""
        return ["/1.1/test", *self._calls]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer one request."""
        guid = ("X-akismet-guid", environ[REQUEST_ID])
        try:
            body, headers = self._answer(environ)
        except Exception as error:
            status, problem_headers, document = answer_to(error, environ[REQUEST_ID])
            problem_headers.append(("X-akismet-debug-help", "Hamgate refused the request; the body says why"))
            start_response(f"{status.value} {status.phrase}", [*problem_headers, guid])
            return [document]
        encoded_body = body.encode()
        headers.append(guid)
        if not any(name == "Content-Type" for name, _ in headers):
            headers.append(("Content-Type", TEXT))
        start_response("200 OK", [*headers, ("Content-Length", str(len(encoded_body)))])
        return [encoded_body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        path = environ["PATH_INFO"]
        if path == "/1.1/test":
            return "connected", []
        form = Form.of(environ, form_body(environ, self._max_body_bytes))
        is_verification = path == "/1.1/verify-key"
        names = ("key", "api_key") if is_verification else ("api_key", "key")
        site = self._guard.site_with(form.key(environ, *names), environ)
        if site is None:
            return INVALID, [] if is_verification else [("X-akismet-debug-help", "the key belongs to no site")]
        environ[SITE] = site.name
        try:
            return self._calls[path](environ, form, site)
        except StoreError as error:
            _log.error("%s can't be answered: %s", path, error)
            raise NotReadyError("the database can't be used; the log says why") from error

    def _comment_check(self, environ: WSGIEnvironment, form: Form, site: Site) -> Answer:
        if form.is_by_administrator:
            return "false", []
        if form.is_test and form.is_true("test_discard"):
            return "true", [DISCARD]
        if form.is_guaranteed_spam:
            return "true", []
        self._guard.charge(site, 1)
        comment = form.comment()
        verdict = self._judge.check(site.name, comment, form.haste(), is_new=not form.is_recheck)
        told = self._judge.told(site.name, verdict)
        is_spam = told.decision in self._spam_decisions
        if not form.is_test:
            self._metrics.note_verdict(verdict)
            self._recorder.record(environ[REQUEST_ID], site.name, comment, verdict)
            if not form.is_recheck:
                self._recorder.count(site.name, "spam" if is_spam else "ham")
            self._callbacks.note(form, environ, site.name, verdict, is_spam)
        headers: Headers = []
        if form.is_true("classify"):
            headers.append(("X-Akismet-Classification", "spam" if is_spam else "ham"))
        if told.decision == "discard":
            headers.append(DISCARD)
        if told.decision == "review" and not is_spam and _holds(environ):
            headers.append(HOLD)
        return str(is_spam).lower(), headers

    def _submit(self, form: Form, site: Site, label: Label) -> Answer:
        if form.is_test:
            return THANKS, []
        self._guard.charge(site, 1)
        now = datetime.now(UTC)
        reporter = labeller(form.values.get("reporter") or "akismet client")
        is_new = self._labels.add([GivenLabel(site.name, form.comment(), label, reporter, now)])
        had_said = form.values.get("comment_check_response", "").strip().lower()
        kind: Kind | None = {("spam", "false"): "missed_spam", ("ham", "true"): "false_positives"}.get(
            (label, had_said)  # type: ignore[assignment]  # a dict of literals
        )
        if is_new and kind is not None:
            self._recorder.count(site.name, kind)
        return THANKS, []

    def _subscription(self, site: Site) -> Answer:
        return _json(
            {
                "account_id": site.name,
                "account_type": "hamgate",
                "account_name": "Hamgate",
                "status": "active",
                "next_billing_date": False,
                "limit_reached": False,
            }
        )

    def _stats(self, form: Form, site: Site) -> Answer:
        total = self._total(form, site)
        return _json({**_strings(total), **_worth(total)})

    def _key_stats(self, form: Form, site: Site) -> Answer:
        months = self._statistics.months(site.name, _since(form))
        total = self._total(form, site)
        breakdown = {month: {**_strings(counts), "blogs": "1", "da": f"{month}-01"} for month, counts in months.items()}
        numbers: dict[str, Any] = {kind: total[kind] for kind in KINDS}
        return _json({**numbers, **_worth(total), "breakdown": breakdown})

    def _total(self, form: Form, site: Site) -> Counter[str]:
        total: Counter[str] = Counter()
        for counts in self._statistics.months(site.name, _since(form)).values():
            total.update(counts)
        return total

    def _usage_limit(self, form: Form, site: Site) -> Answer:
        month = month_of(datetime.now(UTC))
        counts = self._statistics.months(site.name, month).get(month, Counter())
        answer: dict[str, Any] = {
            "limit": "none",
            "usage": counts["spam"] + counts["ham"],
            "percentage": "0.00",
            "throttled": False,
        }
        if form.is_true("extended"):
            answer |= {"notice_level": "NOTICE_NONE", "upgrade": False}
        return _json(answer)

    def _key_sites(self, form: Form, site: Site) -> Answer:
        """Report one month of the key's site; a key of Hamgate's has one."""
        month = form.values.get("month", "")
        month = month if _MONTH.fullmatch(month) else month_of(datetime.now(UTC))
        counts = self._statistics.months(site.name, month).get(month, Counter())
        wanted = form.values.get("filter", "") in site.name and _whole_number(form, "offset", 0) == 0
        row: dict[str, Any] = {
            "site": site.name,
            "api_calls": str(counts["spam"] + counts["ham"]),
            **_strings(counts),
            "is_revoked": False,
        }
        if form.is_true("extended"):
            row["hash"] = sha256(site.name.encode()).hexdigest()[:16]
        if form.values.get("format") == "csv":
            return _csv(month, [row] if wanted else [])
        return _json(
            {
                month: [row] if wanted else [],
                "limit": _whole_number(form, "limit", MAX_SITES),
                "offset": _whole_number(form, "offset", 0),
                "total": int(wanted),
            }
        )


def spam_decisions(blocks_review: bool) -> tuple[str, ...]:
    """Return what is spam to clients, which know no third; ``blocks_review``: also what a moderator should see."""
    return (*SPAM_DECISIONS, "review") if blocks_review else SPAM_DECISIONS


def _holds(environ: WSGIEnvironment) -> bool:
    """Whether the client holds for moderation what has an ``X-akismet-error``; to others it is a failure."""
    agent: str = environ.get("HTTP_USER_AGENT", "")
    return agent.startswith("WordPress/")


def _since(form: Form) -> str:
    """Return the first month of the span that is asked for; all months begin with the empty string or later."""
    back = _STARTS.get(form.values.get("from", ""))
    if back is None:
        return ""
    now = datetime.now(UTC)
    months = now.year * 12 + now.month - 1 - back
    return f"{months // 12:04}-{months % 12 + 1:02}"


def _strings(counts: Counter[str]) -> dict[str, str]:
    return {kind: str(counts[kind]) for kind in KINDS}


def _worth(total: Counter[str]) -> dict[str, Any]:
    """Say how many verdicts in a hundred nobody corrected, and how many seconds the spam would have taken somebody."""
    checked = total["spam"] + total["ham"]
    wrong = total["missed_spam"] + total["false_positives"]
    accuracy = max(100 * (1 - wrong / checked), 0) if checked else 100.0
    return {"accuracy": f"{accuracy:.2f}", "time_saved": total["spam"] * SECONDS_SAVED_BY_A_SPAM}


def _whole_number(form: Form, name: str, default: int) -> int:
    written = form.values.get(name, "")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else default


def _json(members: dict[str, Any]) -> Answer:
    return encoded(members).decode(), [("Content-Type", JSON)]


def _csv(month: str, rows: list[dict[str, Any]]) -> Answer:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([f"Hamgate activity of {month}"])
    writer.writerow(["Site", "Total API Calls", "Spam", "Ham", "Missed Spam", "False Positives", "Is Revoked"])
    for row in rows:
        writer.writerow([row["site"], row["api_calls"], *(row[kind] for kind in KINDS), str(row["is_revoked"]).lower()])
    return written.getvalue(), [("Content-Type", "text/csv; charset=utf-8")]
