"""``hamgate demo``: starts a Hamgate of its own and the newspaper beside it, and stops both."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from service.config import Config
    from service.demo.desk import Desk
    from service.demo.news import Letter, News
    from training.accounts import Accounts

SITE = "tidewater.example"
START_TIMEOUT_SECONDS = 120
LOG = "hamgate.log"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that both listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="The newspaper's port.")
@click.option(
    "--hamgate-port", type=click.IntRange(1, 65_535), default=8000, show_default=True, help="Hamgate's own port."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything is kept.  [default: a temporary folder, removed at the end]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=2.0,
    show_default=True,
    help="Seconds that the newspaper waits for a verdict; then it holds the comment.",
)
def demo(host: str, port: int, hamgate_port: int, folder: Path | None, timeout: float) -> None:
    """Show Hamgate at work on a made-up newspaper.

    Starts Hamgate on a database of its own, and a small news page with a form to comment. The page's backend asks
    Hamgate about each comment, as a site would; beside the page stands what Hamgate said and why. What moderators
    decide in the queue, the page does within seconds. Prints where to look; Ctrl-C stops both.
    """
    from service.config import Config

    with refusals(), ExitStack() as stack:
        kept = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hamgate-demo-")))
        kept.mkdir(parents=True, exist_ok=True)
        config = Config(database=f"sqlite:///{kept / 'hamgate.sqlite3'}", host=host, port=hamgate_port)
        run(config, port, kept, timeout)


def run(config: Config, port: int, folder: Path, timeout_seconds: float) -> None:
    """Run Hamgate and the newspaper until told to stop.

    Raises:
        CannotServeError: an address is taken, or Hamgate doesn't start; the message says why.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    from service.demo.client import Hamgate
    from service.demo.comments import Comments
    from service.demo.desk import Desk
    from service.demo.news import news as read_news
    from service.demo.site import create_site
    from service.server import first_link, require_free
    from training.accounts import Accounts
    from training.store import Store

    class Quietly(WSGIRequestHandler):
        """Answers without a line for each request."""

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    signal.signal(signal.SIGTERM, _stop)
    require_free(config.host, port)
    require_free(config.host, config.port)
    news, address, hamgate = read_news(), url(config.host, port), url(config.host, config.port)
    links = {
        "why": f"{hamgate}/moderate/comments/",
        "privacy": f"{hamgate}/privacy/{SITE}",
    }
    with ExitStack() as stack:
        key = site_key(config.database)
        stack.enter_context(running(config, folder / LOG))
        comments = Comments(folder / "newspaper.sqlite3")
        stack.callback(comments.close)
        if not comments.newest(1):
            with closing(Desk(comments, Hamgate(hamgate, key, START_TIMEOUT_SECONDS))) as patient:
                send_letters(patient, news, address)
        desk = Desk(comments, Hamgate(hamgate, key, timeout_seconds))
        stack.callback(desk.close)
        queue = partial(
            _way_to_queue, Accounts(stack.enter_context(Store(config.database))), hamgate, first_link(config)
        )
        site = create_site(news, comments, desk, queue, links, address)
        server = make_server(config.host, port, site, threaded=True, request_handler=Quietly)
        stack.callback(server.server_close)
        with suppress(KeyboardInterrupt):  # the end, also where it comes before the server waits for it
            click.echo(f"The newspaper: {address}\nThe moderators' queue: {queue()}\n\nCtrl-C stops both.")
            server.serve_forever()


def site_key(database: str) -> str:
    """Make the newspaper's site, or another key for it, and return the key."""
    from service.auth import digest_of, make_key
    from training.store import Store

    key, now = make_key(), datetime.now(UTC)
    with Store(database) as store:
        if SITE in {site.name for site in store.sites()}:
            store.replace_key(SITE, digest_of(key), now)
        else:
            store.add_site(SITE, digest_of(key), now)
    return key


@contextmanager
def running(config: Config, log: Path) -> Iterator[None]:
    """Run Hamgate in processes of its own, which write to ``log``, until the end of the block."""
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(config, log), name="hamgate")
    process.start()
    try:
        _await_ready(process, url(config.host, config.port), log)
        yield
    finally:
        process.terminate()
        process.join()


def send_letters(desk: Desk, news: News, address: str) -> None:
    """Have the comments that are to be there from the beginning sent and checked, the oldest first."""
    now = datetime.now(UTC)
    for letter in sorted(news.letters, key=lambda letter: -letter.minutes_ago):
        at = now - timedelta(minutes=letter.minutes_ago)
        desk.submit(letter.article, _as_sent(letter, news, address, at), at)


def url(host: str, port: int) -> str:
    """Return where a browser on this machine finds what listens there."""
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{named}:{port}"


def _way_to_queue(accounts: Accounts, hamgate: str, first_link: str | None) -> str:
    """Return where the queue is or, as long as nobody can sign in, where to make the first account."""
    return f"{hamgate}{first_link if first_link and not accounts.all() else '/moderate/'}"


def _as_sent(letter: Letter, news: News, address: str, at: datetime) -> dict[str, str]:
    article = news.articles[letter.article]
    return {
        "text": letter.text,
        "author": letter.author,
        "author_email": letter.email,
        "author_url": letter.url,
        "user_ip": letter.ip,
        "user_agent": letter.user_agent,
        "permalink": f"{address}/{article.slug}",
        "post_title": article.title,
        "post_text": article.text,
        "type": "comment",
        "lang": "en",
        "date": at.isoformat(timespec="seconds"),
    }


def _serve(config: Config, log: Path) -> None:
    """Serve, called in a process of its own."""
    from service.server import serve

    with log.open("ab") as opened:
        os.dup2(opened.fileno(), 1)
        os.dup2(opened.fileno(), 2)
    serve(config)


def _await_ready(process: multiprocessing.process.BaseProcess, hamgate: str, log: Path) -> None:
    from service.server import CannotServeError

    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.is_alive() and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{hamgate}/readyz", timeout=1):  # noqa: S310 - the command's own URL
                return
        except OSError:
            time.sleep(0.1)
    raise CannotServeError(
        f"Hamgate did not start: {log.read_text(encoding='utf-8', errors='replace').strip()[-2_000:]}"
    )


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
