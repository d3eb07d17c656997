"""What the README shows is true: its code runs, and its commands and settings exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.cli import main

if TYPE_CHECKING:
    from conftest import Service

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_python_example_gets_a_verdict(service: Service) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own README
    verdict = names["check"]({"text": "Hello"}, service.key, f"http://127.0.0.1:{service.port}")
    assert set(verdict) == {"id", "decision", "score", "reasons", "model"}


@pytest.mark.parametrize("command", sorted(set(re.findall(r"hamgate ([a-z]+)\b", README)) - {"model"}))
def test_every_command_named_exists(command: str) -> None:
    assert command in main.list_commands(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("link", re.findall(r"\]\((docs/[^)]+)\)", README))
def test_every_page_linked_is_there(link: str) -> None:
    assert (Path(__file__).parents[1] / link).is_file()
