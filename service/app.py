"""The application: what it consists of, and how errors leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from service.addresses import label_store, pseudonyms_with
from service.akismet import Akismet
from service.api import Api
from service.auth import Allowance, Guard, Keys
from service.callbacks import Callbacks
from service.check import PATH as CHECK_PATH
from service.check import Check
from service.config import HOST
from service.description import Description
from service.drift import Drift
from service.files import beside
from service.follower import Follower
from service.judge import Judge
from service.labelling import Labelling
from service.logs import RequestLog
from service.metrics import Metrics
from service.moderation.accounts import AccountsPage
from service.moderation.decisions import Decisions
from service.moderation.errors import error_page
from service.moderation.history import HistoryPage
from service.moderation.imports import ImportPage
from service.moderation.lists import ListsPage
from service.moderation.model import ModelPage
from service.moderation.open_id import OpenId
from service.moderation.pages import Page, Pages
from service.moderation.paths import is_page
from service.moderation.people import PeoplePage
from service.moderation.processing import ProcessingPage
from service.moderation.proxies import TrustedProxies
from service.moderation.queue import QueuePage
from service.moderation.sessions import Sessions
from service.moderation.settings import SettingsPage
from service.moderation.sign_in import SignIn
from service.moderation.why import WhyPage
from service.moderation.work import WorkPage
from service.observer import REQUEST_ID, Observer
from service.problems import answer_to, answer_with, problem
from service.recorder import Recorder
from service.rulebook import Rulebook
from service.sealed_keys import SealedKeys
from service.secret import open_secret
from service.served_model import ServedModel
from service.uploads import Uploads
from training.accounts import Accounts
from training.attempts import Attempts
from training.callbacks import CallbackHosts
from training.history import History
from training.jobs import Jobs
from training.lists import ListStore
from training.people import People
from training.queue import Queue
from training.registry import Registry
from training.settings import SettingsStore
from training.statistics import Statistics
from training.store import Store
from training.tellings import Tellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from service.config import Config


def create_app(config: Config) -> Flask:
    """Build the WSGI application of one worker process.

    Raises:
        DatabaseUnusableError: the database can't be opened.
        WrongSecretError: the database is used with another secret.
        WrongProxyError: what is trusted as a proxy is no address.
        OpenIdMissingError: a provider is set, and what speaks to it is not installed.
    """
    metrics = Metrics()
    served = ServedModel(config.model, metrics)
    store = Store(config.database)
    guard = Guard(Keys(store), Allowance(config.checks_per_minute), Allowance(config.failed_keys_per_minute))
    secret = open_secret(store, config.database, config.secret)
    labels = label_store(store, secret, config.hash_addresses)
    statistics = Statistics(store)
    jobs = Jobs(store)
    metrics.add(Drift(jobs))
    hosts = CallbackHosts(store)
    callbacks = Callbacks(hosts, Tellings(store), SealedKeys(store, hosts, secret), config.keep_checks_days)
    settings, lists = SettingsStore(store), ListStore(store)
    rulebook = Rulebook(settings, lists)
    recorder = Recorder(labels, statistics, config.keep_checks_days, rulebook)
    follower = Follower(labels, Registry(store), served, rulebook, config.share_labels)
    judge = Judge(served, follower, rulebook)
    check = Check(guard, judge, metrics, recorder, config.max_body_bytes)
    akismet = Akismet(
        guard,
        judge,
        metrics,
        recorder,
        labels,
        statistics,
        callbacks,
        config.max_body_bytes,
        config.akismet_blocks_review,
    )

    accounts = Accounts(store)
    sessions = Sessions(accounts, secret)
    queue = Queue(store)
    uploads = Uploads(beside(config.database, "uploads"), config.max_upload_bytes)
    pages: list[Page] = [
        QueuePage(queue, labels, store),
        HistoryPage(History(store), labels, store),
        WhyPage(labels, queue, judge, follower),
        Decisions(labels, queue, metrics),
        ModelPage(Registry(store), jobs, served),
        WorkPage(jobs),
        SettingsPage(store, settings, lists, labels, hosts, served, follower, judge, config.keep_checks_days),
        ListsPage(store, lists),
        ImportPage(jobs, store, uploads, HOST, config.max_batch_body_bytes),
        AccountsPage(accounts, sessions, store),
        PeoplePage(People(store, pseudonyms_with(secret)), store),
        ProcessingPage(config, store, settings, accounts, hosts),
        SignIn(accounts, Attempts(store), sessions, secret, bool(config.openid_issuer)),
        *([OpenId(accounts, sessions, config)] if config.openid_issuer else []),
    ]

    app = Flask(__name__)
    app.config.update(
        MAX_CONTENT_LENGTH=config.max_batch_body_bytes,
        SECRET_KEY=secret.key("messages"),
        SESSION_COOKIE_NAME="hamgate-messages",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.extensions["hamgate.store"] = store
    app.extensions["hamgate.metrics"] = metrics
    app.extensions["hamgate.recorder"] = recorder
    app.extensions["hamgate.rulebook"] = rulebook
    app.extensions["hamgate.judge"] = judge
    app.extensions["hamgate.follower"] = follower
    app.extensions["hamgate.callbacks"] = callbacks
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(Api(guard, served, judge, metrics, recorder, config.max_batch_body_bytes).blueprint())
    app.register_blueprint(Labelling(guard, labels, metrics, config.max_body_bytes).blueprint())
    app.register_blueprint(Description().blueprint())
    app.register_blueprint(Pages(sessions, pages).blueprint())
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_error)
    routes = [CHECK_PATH, *akismet.paths, *(rule.rule for rule in app.url_map.iter_rules())]
    log = RequestLog() if config.log_requests else None
    own: dict[str, WSGIApplication] = {CHECK_PATH: check, **dict.fromkeys(akismet.paths, akismet)}
    others = TrustedProxies(app.wsgi_app, config.trusted_proxies, config.user_header)
    app.wsgi_app = Observer(_beside(own, others), metrics, log, routes)  # type: ignore[method-assign]  # so Flask has it
    return app


def _beside(own: Mapping[str, WSGIApplication], others: WSGIApplication) -> WSGIApplication:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return own.get(environ["PATH_INFO"], others)(environ, start_response)

    return application


def _answer_http_error(error: HTTPException) -> Response:
    """Say what Flask itself refused (no such path, wrong method) as a problem document."""
    if is_page(request.path):
        return error_page(error)
    status, headers, body = answer_with(problem(error.code or 500, error.description or ""))
    allow = [header for header in error.get_headers(request.environ) if header[0] == "Allow"]
    return Response(body, status, [*headers, *allow])


def _answer_error(error: Exception) -> Response:
    if is_page(request.path):
        return error_page(error)
    status, headers, body = answer_to(error, request.environ[REQUEST_ID])
    return Response(body, status, headers)
