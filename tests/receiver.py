"""A site on a real port that receives webhooks as WordPress's Akismet plugin does (version 5.5)."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

PATH = "/wp-json/akismet/v1/webhook"
FIELDS = ("comment_post_ID", "comment_parent", "comment_author_email")


@dataclass
class Post:
    """A comment that the site keeps: what it looks comments up by, its status, and whether a person set that."""

    fields: dict[str, str]
    status: str
    is_by_person: bool = False


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Site(ThreadingHTTPServer):
    """The site; ``posts`` are its comments by guid, ``failures`` the statuses of the next answers."""

    daemon_threads = True

    def __init__(self, key: str = "", address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Handler)
        self.key = key
        self.posts: dict[str, Post] = {}
        self.received: list[Received] = []
        self.failures: list[int] = []
        self.redirect: str | None = None
        self.stalls = False
        self.host = f"{address}:{self.server_port}"
        self.callback = f"http://{self.host}{PATH}"

    def __enter__(self) -> Site:
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def publish(self, guid: str, verdict: str, **fields: str) -> None:
        """Keep a comment as a client does that was told this verdict of it."""
        self.posts[guid] = Post(fields, "spam" if verdict == "true" else "approved")

    def results(self) -> list[tuple[str, str]]:
        """List what was told: guids and results."""
        return [(one["guid"], one["result"]) for received in self.received for one in received.json()["comments"]]

    def answer(self, received: Received) -> tuple[int, dict[str, Any]]:
        self.received.append(received)
        if self.failures:
            return self.failures.pop(0), {}
        said = received.json()
        if said.get("key", "").lower() != self.key.lower():
            return 401, {"code": "rest_forbidden"}
        if said["endpoint"] != "comment-check":
            return 200, {"comments": {}}
        if not isinstance(said["comments"], list):
            return 400, {"code": "malformed_request"}
        is_webhook = "x-akismet-webhook" in {name.lower() for name in received.headers}
        return 200, {"comments": {one["guid"]: self._apply(one, is_webhook) for one in said["comments"]}}

    def _apply(self, told: dict[str, str], is_webhook: bool) -> dict[str, str]:
        post = self.posts.get(told["guid"])
        wanted = {name: told[name] for name in FIELDS if name in told}
        if post is None or any(post.fields.get(name, "") != value for name, value in wanted.items()):
            return {"status": "error", "message": "Could not find matching comment."}
        if not post.is_by_person:
            post.status = "spam" if told["result"] == "true" else "approved"
            post.is_by_person = not is_webhook
        return {"status": "success"}


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received = Received(self.path, dict(self.headers), body)
        if self.server.stalls:
            self._stall(received)
            return
        if self.server.redirect:
            self.server.received.append(received)
            self.send_response(307)
            self.send_header("Location", self.server.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        status, answer = self.server.answer(received)
        encoded = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _stall(self, received: Received) -> None:
        """Answer a byte at a time, for as long as anybody listens."""
        self.server.received.append(received)
        self.close_connection = True
        with suppress(OSError):
            while self.server.stalls:
                self.wfile.write(b"H")
                time.sleep(0.1)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
