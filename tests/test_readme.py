"""What the README shows is true: its code runs, and its commands and settings exist."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from comments import campaign, conversation
from conftest import HAMGATE
from test_exports import DISQUS, comment, post, wxr

from model import SHIPPED
from model.artifact import load
from service.cli import main

if TYPE_CHECKING:
    from conftest import Service

    from model.comment import Comment

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_python_example_gets_a_verdict(service: Service) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own README
    verdict = names["check"]({"text": "Hello"}, service.key, f"http://127.0.0.1:{service.port}")
    assert set(verdict) == {"id", "decision", "score", "reasons", "model"}


def test_the_thresholds_and_the_version_are_the_shipped_models() -> None:
    shipped = load(SHIPPED)
    thresholds = shipped.thresholds
    assert f"held from about {thresholds.review:.2f} on and blocked from {thresholds.block:.2f}" in README
    assert f'"model": "{shipped.version}"' in README


@pytest.mark.parametrize("command", sorted(set(re.findall(r"hamgate ([a-z]+)\b", README)) - {"model"}))
def test_every_command_named_exists(command: str) -> None:
    assert command in main.list_commands(None)  # type: ignore[arg-type]


def test_the_javascript_example_gets_a_verdict(service: Service) -> None:
    node = program("node")
    (code,) = re.findall(r"```javascript\n(.*?)```", README, re.DOTALL)
    call = f'check({{text: "Hello"}}, "{service.key}", "http://127.0.0.1:{service.port}")'
    verdict = json.loads(printed([node, "-e", f"{code}\n{call}.then(v => console.log(JSON.stringify(v)))"]))
    assert verdict["decision"] == "allow"


def test_the_php_example_gets_a_verdict(service: Service) -> None:
    php = program("php")
    code, _ = re.findall(r"```php\n(.*?)```", README, re.DOTALL)
    call = f"hamgate_check(['text' => 'Hello'], '{service.key}', 'http://127.0.0.1:{service.port}')"
    assert json.loads(printed([php, "-r", f"{code}\necho json_encode({call});"]))["decision"] == "allow"


def test_the_wordpress_plugin_sends_akismets_calls_to_hamgate_and_no_others() -> None:
    php = program("php")
    _, code = re.findall(r"```php\n(.*?)```", README, re.DOTALL)
    wordpress = """
        function add_filter($name, $filter, $priority, $count) { $GLOBALS[$name] = $filter; }
        function wp_remote_request($url, $request) { return "$request sent to $url"; }
        function is_wp_error($answer) { return false; }
    """
    urls = (
        "https://rest.akismet.com/1.1/comment-check",
        "http://abc123abc123.rest.akismet.com/1.1/submit-ham?a=b",
        "https://akismet.example/1.1/comment-check",
    )
    calls = "".join(f"echo json_encode($pre_http_request(false, 'POST', '{url}')), \"\\n\";" for url in urls)
    assert printed([php, "-r", wordpress + code.removeprefix("<?php") + calls]).splitlines() == [
        '"POST sent to http:\\/\\/127.0.0.1:8000\\/1.1\\/comment-check"',
        '"POST sent to http:\\/\\/127.0.0.1:8000\\/1.1\\/submit-ham?a=b"',
        "false",
    ]


def program(name: str) -> str:
    """Find an interpreter, or skip the test."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {'php-cli' if name == 'php' else 'nodejs'})")
    return found


def printed(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_walk_through_from_exports_to_a_rollback_works(tmp_path: Path) -> None:
    (session,) = re.findall(r"```console\n(\$ hamgate import wordpress.*?)```", README, re.DOTALL)
    script = "\n".join(["set -e", *re.findall(r"^\$ (.*)", session, re.MULTILINE)])
    wordpress = [wordpress_comment(number, one) for number, one in enumerate(mixed(240, seed=1))]
    disqus = [
        post(id=str(number), text=one.text, spam=str(is_spam).lower())
        for number, (one, is_spam) in enumerate(mixed(160, seed=2))
    ]
    newer = [wordpress_comment(number, one) for number, one in enumerate(mixed(120, seed=3))]
    (tmp_path / "wordpress.xml").write_text(wxr(*wordpress), encoding="utf-8")
    (tmp_path / "disqus.xml").write_text(DISQUS.format(posts="\n".join(disqus)), encoding="utf-8")
    (tmp_path / "newer.xml").write_text(wxr(*newer), encoding="utf-8")
    shim = tmp_path / "bin" / "hamgate"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {shlex.join(HAMGATE)} "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "HAMGATE_DATABASE": f"sqlite:///{tmp_path / 'hamgate.sqlite3'}",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "400 labels added, 0 there already, 0 without a label" in done.stderr
    at_block = json.loads((tmp_path / "candidate.json").read_text(encoding="utf-8"))["pooled"]["at_thresholds"]["block"]
    assert at_block["spam_caught"]["value"] > 0.9
    assert at_block["ham_blocked"]["count"] == 0
    (listed,) = done.stdout.splitlines()
    assert listed.endswith("\tserved")
    assert f"{listed[:16]} is served\nthe model file is served\n" in done.stderr


def mixed(count: int, seed: int) -> list[tuple[Comment, bool]]:
    """Make comments of a blog, and say which are spam."""
    every = [(one, True) for one in campaign(count // 2, seed)]
    every += [(one, False) for one in conversation(count // 2, seed)]
    random.Random(seed).shuffle(every)  # noqa: S311 - a sample, not a secret
    return every


def wordpress_comment(number: int, decided: tuple[Comment, bool]) -> str:
    one, is_spam = decided
    return comment(id=str(number), text=one.text, approved="spam" if is_spam else "1")


@pytest.mark.parametrize("link", re.findall(r"\]\((docs/[^)#]+)", README))
def test_every_page_linked_is_there(link: str) -> None:
    assert (Path(__file__).parents[1] / link).is_file()
