"""Real clients of Akismet that can be told where their host is, against a Hamgate that is running."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clients import AKISMET_OF_PYPI, run

if TYPE_CHECKING:
    from clients import Clients
    from conftest import Service

CEDX = """
import { Author, Blog, Client, Comment } from "@cedx/akismet";
const [key, baseUrl] = process.argv.slice(2);
const blog = new Blog({ url: "http://blog.example", languages: ["en"] });
const author = (name, role = "") => new Author({ ipAddress: "192.0.2.1", userAgent: "Firefox", name, role });
const client = new Client(key, blog, { baseUrl });
const ham = new Comment({ author: author("Ann", "administrator"), content: "Thanks, that solved it." });
const spam = new Comment({ author: author("viagra-test-123"), content: "Buy", context: ["bread", "oven"] });
await client.submitHam(ham);
await client.submitSpam(spam);
console.log(JSON.stringify([
  await client.verifyKey(),
  await new Client("aaaaaaaaaaaa", blog, { baseUrl }).verifyKey(),
  await client.checkComment(ham),
  await client.checkComment(spam),
]));
"""
AKISMET = """
import akismet from "akismet";
const [apiKey, host, port] = process.argv.slice(2);
const client = akismet.client({ blog: "http://blog.example", apiKey, host, endPoint: host, port: Number(port) });
const call = (name, options) => new Promise((done, failed) => client[name](
  { user_ip: "192.0.2.1", api_key: apiKey, ...options }, (error, answer) => error ? failed(error) : done(answer)));
const ham = { comment_author: "Ann", comment_content: "Thanks, that solved it." };
await call("submitHam", ham);
await call("submitSpam", { comment_author: "viagra-test-123", comment_content: "Buy" });
console.log(JSON.stringify([
  await new Promise((done) => client.verifyKey((error, isValid) => done(isValid))),
  await call("checkComment", ham),
  await call("checkComment", { ...ham, comment_author: "viagra-test-123" }),
]));
"""
ASKED = """
for name in ("Ann", "viagra-test-123"):
    print(client.comment_check("192.0.2.1", comment_author=name, comment_content="Thanks, that solved it."))
"""
MANUAL = (Path(__file__).parents[1] / "docs" / "akismet.md").read_text(encoding="utf-8")
POINTER = 'import akismet._common\nakismet._common._API_URL = "http://127.0.0.1:{port}"\n'


def test_the_suite_of_akismet_of_pypi(service: Service, clients: Clients, tmp_path: Path) -> None:
    """A pytest plugin of one assignment points it here, for it has no setting."""
    (tmp_path / "pointed_here.py").write_text(POINTER.format(port=service.port), encoding="utf-8")
    installed, suite = clients.from_pypi(*AKISMET_OF_PYPI), clients.suite_of_pypi(AKISMET_OF_PYPI[0])
    done = run(
        [sys.executable, "-m", "pytest", "-q", "-p", "pointed_here", "tests/end_to_end"],
        suite,
        PYTHONPATH=f"{installed}:{tmp_path}",
        PYTHON_AKISMET_API_KEY=service.key,
        PYTHON_AKISMET_BLOG_URL="http://blog.example",
    )
    assert "26 passed" in done.stdout


def test_akismet_of_pypi_with_a_transport_as_in_the_manual(service: Service, clients: Clients, tmp_path: Path) -> None:
    (transport,) = re.findall(r"```python\n(import akismet.*?)```", MANUAL, re.DOTALL)
    script = tmp_path / "script.py"
    script.write_text(transport.replace("port=8000", f"port={service.port}") + ASKED, encoding="utf-8")
    done = run(
        [sys.executable, str(script)],
        PYTHONPATH=str(clients.from_pypi(*AKISMET_OF_PYPI)),
        PYTHON_AKISMET_API_KEY=service.key,
        PYTHON_AKISMET_BLOG_URL="http://blog.example",
    )
    assert done.stdout.split() == ["0", "1"]


def test_cedx_akismet_of_npm(service: Service, clients: Clients) -> None:
    answers = said_in_node(clients, CEDX, service.key, f"http://127.0.0.1:{service.port}")
    ham, spam = 0, 1
    assert answers == [True, False, ham, spam]


def test_akismet_of_npm(service: Service, clients: Clients) -> None:
    assert said_in_node(clients, AKISMET, service.key, "127.0.0.1", str(service.port)) == [True, False, True]


def said_in_node(clients: Clients, script: str, *arguments: str) -> list[object]:
    file = clients.from_npm() / "script.mjs"
    file.write_text(script, encoding="utf-8")
    answers: list[object] = json.loads(run(["node", str(file), *arguments]).stdout)
    return answers
