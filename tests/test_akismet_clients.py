"""Real clients of Akismet, unmodified: their own end-to-end suites run against a Hamgate that is running."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Service

CLIENT = "akismet==25.10.1"
NODE_CLIENTS = ("@cedx/akismet@16.2.1", "akismet@2.0.7")
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
await call("submitSpam", { comment_author: "viagra-test-123", comment_content: "Buy" });
console.log(JSON.stringify([
  await new Promise((done) => client.verifyKey((error, isValid) => done(isValid))),
  await call("checkComment", ham),
  await call("checkComment", { ...ham, comment_author: "viagra-test-123" }),
]));
"""
POINTER = 'import akismet._common\nakismet._common._API_URL = "http://127.0.0.1:{port}"\n'


def test_the_suite_of_the_python_client(service: Service, tmp_path: Path) -> None:
    """PyPI's ``akismet``; a pytest plugin of one assignment points it here, for it has no setting."""
    python = tmp_path / "venv" / "bin" / "python"
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")])
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    fetched = run([*pip, "download", "--no-deps", "--no-binary", ":all:", "-d", str(tmp_path), CLIENT], check=False)
    if fetched.returncode:
        pytest.skip(f"{CLIENT} can't be fetched from PyPI: {fetched.stderr.strip()[-200:]}")
    run([*pip, "install", CLIENT, "pytest", "anyio", "httpx"])
    (archive,) = tmp_path.glob("akismet-*.tar.gz")
    run(["tar", "-xzf", str(archive), "-C", str(tmp_path)])
    (tmp_path / "pointed_here.py").write_text(POINTER.format(port=service.port), encoding="utf-8")
    suite = Path(str(archive).removesuffix(".tar.gz"))
    environment = {
        "PYTHONPATH": str(tmp_path),
        "PYTHON_AKISMET_API_KEY": service.key,
        "PYTHON_AKISMET_BLOG_URL": "http://blog.example",
    }
    done = run([str(python), "-m", "pytest", "-q", "-p", "pointed_here", "tests/end_to_end"], suite, environment)
    assert "26 passed" in done.stdout


@pytest.fixture(scope="module")
def node_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the clients of npm are installed."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed (Debian: npm)")
    folder = tmp_path_factory.mktemp("node")
    fetched = run([npm, "install", "--loglevel", "error", "--prefix", str(folder), *NODE_CLIENTS], check=False)
    if fetched.returncode:
        pytest.skip(f"{NODE_CLIENTS} can't be fetched from npm: {fetched.stderr.strip()[-200:]}")
    return folder


def said_in_node(folder: Path, script: str, *arguments: str) -> list[object]:
    (folder / "script.mjs").write_text(script, encoding="utf-8")
    answers: list[object] = json.loads(run(["node", str(folder / "script.mjs"), *arguments]).stdout)
    return answers


def test_cedx_akismet_of_npm(service: Service, node_clients: Path) -> None:
    answers = said_in_node(node_clients, CEDX, service.key, f"http://127.0.0.1:{service.port}")
    ham, spam = 0, 1
    assert answers == [True, False, ham, spam]


def test_akismet_of_npm(service: Service, node_clients: Path) -> None:
    assert said_in_node(node_clients, AKISMET, service.key, "127.0.0.1", str(service.port)) == [True, False, True]


def run(
    command: list[str], folder: Path | None = None, environment: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done
