"""The settings page of a site: its false-positive budget and what that means, what it is told, its key and retention.

Leaves choosing thresholds and estimating what they mean to ``training.consequences``, and lists to ``lists``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from model.comment import Comment
from service.auth import digest_of, make_key
from service.destinations import WrongHostError, host_of
from service.moderation.access import require_site, signed_in
from service.moderation.pages import Link
from training.accounts import Role
from training.budget import Budget
from training.callbacks import AllowedHost
from training.consequences import (
    BUDGETS,
    HELD_PER_BLOCKED,
    Choice,
    Consequences,
    Estimate,
    Site,
    Traffic,
    written_share,
)
from training.settings import BUDGET, CALLBACKS, KEEP_CHECKS_DAYS, KEY, LOG_ONLY

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from model.thresholds import Thresholds
    from service.follower import Follower
    from service.judge import Judge
    from service.served_model import ServedModel
    from training.callbacks import CallbackHosts
    from training.labels import LabelStore
    from training.lists import ListStore
    from training.settings import SettingsStore
    from training.store import Store

MAX_DAYS = 3_650
SHOWN_CHANGES = 20
SPANS = (("week", 1.0), ("month", 52 / 12), ("year", 52.0))
"""And how many weeks each has."""
TRIED_FIELDS = ("text", "author", "author_email", "author_url", "user_ip")


@dataclass(frozen=True, slots=True)
class Option:
    """A budget to choose: what it comes to, and what that means where there is traffic enough."""

    name: str
    choice: Choice | None
    thresholds: Thresholds
    meaning: Consequences | None

    @property
    def sentence(self) -> str:
        """Say in one sentence what it means."""
        if self.meaning is None:
            return ""
        held, blocked = self.meaning.good_held, self.meaning.good_blocked
        spam = f"{100 * self.meaning.spam_blocked.value:.0f}\u00a0%"
        return (
            f"{in_words(held, 'good comment')} are held and {in_words(blocked, 'good comment')} are blocked; "
            f"{spam} of spam never reaches you"
        )


class SettingsPage:
    """The views and what they work with."""

    links = (Link("Settings", "pages.settings.show", Role.ADMIN),)

    def __init__(
        self,
        store: Store,
        settings: SettingsStore,
        lists: ListStore,
        labels: LabelStore,
        hosts: CallbackHosts,
        served: ServedModel,
        follower: Follower,
        judge: Judge,
        keep_checks_days: float,
    ) -> None:
        self._store = store
        self._settings = settings
        self._lists = lists
        self._labels = labels
        self._hosts = hosts
        self._served = served
        self._follower = follower
        self._judge = judge
        self._keep_checks_days = keep_checks_days

    def blueprint(self) -> Blueprint:
        """Say which path leads to which view."""
        views = Blueprint("settings", __name__, url_prefix="/moderate/settings")
        views.add_url_rule("", view_func=self.show)
        for path, view in (
            ("budget", self.change_budget),
            ("site", self.change_site),
            ("key", self.rotate_key),
            ("callbacks", self.change_callbacks),
            ("try", self.try_out),
        ):
            views.add_url_rule(f"/{path}", view_func=view, methods=["POST"])
        return views

    def show(self) -> str:
        """Show what holds for a site, and what a budget that is looked at would change."""
        sites = [site.name for site in self._store.sites()]
        chosen = request.args.get("site") or (sites[0] if sites else "")
        if not chosen:
            return render_template("settings.html", site=None, sites=sites)
        _require_known(chosen, sites)
        return self._page(chosen, looked_at=_rate(request.args.get("blocked", "")))

    def change_budget(self) -> AnyResponse:
        """Have a budget hold, or the model's own thresholds again."""
        site, written = self._site(), request.form.get("blocked", "")
        rate = _rate(written)
        if written and rate is None:
            abort(422, "There is no such budget.")
        kept = None if rate is None else self._outlook(site).choice(_budget(rate)).as_json()
        self._settings.change(site, BUDGET, kept, datetime.now(UTC), signed_in().name)
        flash(f"The budget of {site} is saved; all workers decide by it within a second.")
        return _shown(site)

    def change_site(self) -> AnyResponse:
        """Change what a site is told, and how long its checks are remembered."""
        site, now, by = self._site(), datetime.now(UTC), signed_in().name
        written = request.form.get("keep_checks_days", "").strip()
        if written and not (written.isascii() and written.isdigit() and 1 <= int(written[:9]) <= MAX_DAYS):
            abort(422, f"Checks are remembered for 1 to {MAX_DAYS:,} days, or as long as the service remembers them.")
        held, wanted = self._settings.of(site), int(written) if written else None
        is_log_only = request.form.get("log_only") == "yes"
        if held.is_log_only != is_log_only:
            self._settings.change(site, LOG_ONLY, is_log_only, now, by)
        if held.keep_checks_days != wanted:
            self._settings.change(site, KEEP_CHECKS_DAYS, wanted, now, by)
        flash(f"The settings of {site} are saved.")
        return _shown(site)

    def rotate_key(self) -> str:
        """Give a site another key, and show it, once."""
        site = self._site()
        if request.form.get("sure") != "yes":
            return self._page(site, trouble="Say that you are sure: the old key is void at once.")
        key = make_key()
        now = datetime.now(UTC)
        self._store.replace_key(site, digest_of(key), now)
        self._settings.change(site, KEY, "replaced", now, signed_in().name)
        return self._page(site, key=key)

    def change_callbacks(self) -> AnyResponse:
        """Allow callbacks to a host, or no longer."""
        site, now = self._site(), datetime.now(UTC)
        try:
            host = host_of(request.form.get("host", "").strip())
        except WrongHostError as error:
            return Response(self._page(site, trouble=f"{error}."), 422)
        if request.form.get("what") == "remove":
            self._hosts.disallow(site, host)
            done = f"{host} removed"
        else:
            self._hosts.allow(site, AllowedHost(host, request.form.get("private") == "yes"), now)
            done = f"{host} added"
        self._settings.change(site, CALLBACKS, done, now, signed_in().name)
        flash(f"{done.capitalize()}.")
        return _shown(site)

    def try_out(self) -> str:
        """Show what would be decided on a comment, and why; nothing of it is kept."""
        site = self._site()
        comment = Comment.from_mapping({name: request.form.get(name, "") for name in TRIED_FIELDS})
        verdict = self._judge.check(site, comment, is_new=False)
        return self._page(site, tried={"comment": comment, "verdict": verdict})

    def _site(self) -> str:
        site = request.form.get("site", "")
        _require_known(site, [known.name for known in self._store.sites()])
        return site

    def _outlook(self, site: str) -> Site:
        foretold = self._follower.knowledge.foresight.of(site)
        return Site(self._served.filter, foretold, Traffic.of(self._labels, site, datetime.now(UTC)))

    def _page(self, site: str, looked_at: float | None = None, **more: Any) -> str:
        outlook, settings = self._outlook(site), self._settings.of(site)
        thresholds = settings.thresholds or outlook.model.thresholds
        now = Option("now", None, thresholds, outlook.meaning(thresholds))
        options = [self._option(outlook, rate) for rate in BUDGETS]
        return render_template(
            "settings.html",
            site=next(known for known in self._store.sites() if known.name == site),
            sites=[known.name for known in self._store.sites()],
            settings=settings,
            now=now,
            options=options,
            looked_at=next((one for one in options if one.choice and one.choice.budget.blocked == looked_at), None),
            traffic=outlook.traffic,
            is_stale=settings.budget is not None and settings.budget["model"] != outlook.model.version,
            in_words=in_words,
            written_share=written_share,
            lines=self._lists.count(site),
            keep_checks_days=self._keep_checks_days,
            max_days=MAX_DAYS,
            last_checked=self._labels.last_checked(site),
            hosts=self._hosts.of(site),
            changes=self._settings.history(site, SHOWN_CHANGES),
            **more,
        )

    def _option(self, outlook: Site, rate: float) -> Option:
        choice = outlook.choice(_budget(rate))
        return Option(written_share(rate), choice, choice.thresholds, outlook.meaning(choice.thresholds))


def in_words(a_week: Estimate, thing: str = "") -> str:
    """Say how often something happens: about 12 a week (8 to 17), about 2 things a month, fewer than one a year."""
    for span, weeks in SPANS:
        if a_week.value * weeks >= 1:
            return f"about {_amount(a_week.value * weeks, thing)} a {span}{_interval(a_week, weeks)}"
    for span, weeks in SPANS:
        if a_week.high is not None and a_week.high * weeks >= 1:
            return f"at most {_amount(a_week.high * weeks, thing)} a {span}"
    return f"fewer than one{f' {thing}' if thing else ''} a year"


def _amount(amount: float, thing: str) -> str:
    written = _rounded(amount)
    return f"{written} {thing}{'' if written == '1' else 's'}" if thing else written


def _interval(a_week: Estimate, weeks: float) -> str:
    if a_week.low is None or a_week.high is None:
        return ""
    return f" ({_rounded(a_week.low * weeks)} to {_rounded(a_week.high * weeks)})"


def _rounded(amount: float) -> str:
    return f"{amount:.0f}" if amount >= 10 else f"{amount:.1f}".removesuffix(".0")


def _budget(rate: float) -> Budget:
    return Budget(rate, HELD_PER_BLOCKED * rate)


def _rate(written: str) -> float | None:
    """Read one of the budgets that can be chosen."""
    return next((rate for rate in BUDGETS if str(rate) == written), None)


def _require_known(site: str, known: list[str]) -> None:
    require_site(site)
    if site not in known:
        abort(404)


def _shown(site: str) -> AnyResponse:
    return redirect(url_for("pages.settings.show", site=site), 303)
