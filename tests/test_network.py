"""Nothing leaves the server: the service needs no network but the loopback, and opens no connection by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
IN_A_NAMESPACE = """
import fcntl, json, socket, struct, sys
from pathlib import Path

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
with socket.socket() as loopback:
    fcntl.ioctl(loopback, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
routes = Path("/proc/net/route").read_text().splitlines()[1:]
assert not routes, routes

from conftest import start_service, stop_service

service = start_service(Path(sys.argv[1]))
try:
    comment = {"text": "Buy cheap viagra", "author_email": "bo@mail.example", "user_ip": "198.51.100.7",
               "author_url": "http://cheap-viagra.example/"}
    check = service.call("POST", "/v1/check", json.dumps(comment).encode())
    label = service.call("POST", "/v1/labels", json.dumps({**comment, "label": "spam"}).encode())
    page = service.call("GET", "/sign-in")
    print(json.dumps([check.status, label.status, page.status, "score" in check.json()]))
finally:
    stop_service(service)
"""
AUDITED = """
import json, socket, sys
from pathlib import Path

HARMLESS = ("127.0.0.1", "::1")
attempts = []

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in HARMLESS:
            attempts.append([event, str(address)])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request", "http.client.connect"):
        attempts.append([event, str(arguments)])

sys.addaudithook(note)

from click.testing import CliRunner
from comments import campaign, conversation
from service.app import create_app
from service.auth import digest_of, make_key
from service.cli import main
from service.config import Config
from training.store import Store
from datetime import UTC, datetime

url = f"sqlite:///{sys.argv[1]}/hamgate.sqlite3"
key = make_key()
with Store(url) as store:
    store.add_site("blog.example", digest_of(key), datetime.now(UTC))
app = create_app(Config(database=url, log_requests=False))
client = app.test_client()
client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
done = []
for label, comments in (("spam", campaign(15)), ("ham", conversation(15))):
    for comment in comments:
        body = {"text": comment.text, "author": "Bo", "author_email": "bo@mail.example", "user_ip": "198.51.100.7",
                "author_url": "http://link.example/", "permalink": "https://blog.example/post"}
        done.append(client.post("/v1/check", json=body).status_code)
        done.append(client.post("/v1/labels", json={**body, "label": label}).status_code)
form = {"api_key": key, "blog": "https://blog.example", "comment_content": "Hi", "user_ip": "198.51.100.7"}
done.append(client.post("/1.1/comment-check", data=form).status_code)
done.append(client.get("/sign-in").status_code)
for name in ("follower", "recorder", "store"):
    app.extensions[f"hamgate.{name}"].close()
outcome = CliRunner().invoke(main, ["train", "--from-store", "--database", url])
assert outcome.exit_code == 0, outcome.output
assert not attempts, attempts
with socket.socket() as outward:
    outward.settimeout(0.01)
    outward.connect_ex(("192.0.2.1", 9))
print(json.dumps({"done": sorted(set(done)), "attempts": attempts}))
"""


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "HAMGATE_JOBS": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


def test_the_service_answers_in_a_network_without_routes(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or run([unshare, "-rn", "true"]).returncode:
        pytest.skip("network namespaces can't be made here (unshare -rn)")
    done = run([unshare, "-rn", sys.executable, "-c", IN_A_NAMESPACE, str(tmp_path)])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[200, 201, 200, true]"


def test_nothing_is_sent_anywhere_while_comments_are_checked_labelled_and_learnt(tmp_path: Path) -> None:
    """The one attempt that is seen is the test's own, at the end, which shows that others would have been."""
    done = run([sys.executable, "-c", AUDITED, str(tmp_path)])
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"done": [200, 201], "attempts": [["socket.connect", "('192.0.2.1', 9)"]]}
