"""The word lists, and drawing from them."""

from __future__ import annotations

import random
import re
import unicodedata
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent

Draw = random.Random
"""What draws at random: a sample, not a secret."""


@cache
def lines_of(name: str) -> Sequence[str]:
    """Return the lines of a list."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@cache
def goods_by_language() -> Mapping[str, Sequence[str]]:
    """Return what is advertised, by the language of the words."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines_of("goods"):
        language, goods = line.split("\t")
        found[language].append(goods)
    return found


def people_by_language() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return ``given`` and ``family`` names, by language."""
    return _kinds_by_language("people")


def organisations_by_language() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return, by language, what each ``organisation`` is called, with a blank for what is its ``own``."""
    return _kinds_by_language("organisations")


@cache
def _kinds_by_language(name: str) -> Mapping[str, Mapping[str, Sequence[str]]]:
    found: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for line in lines_of(name):
        language, kind, words = line.split("\t")
        found[language][kind].append(words)
    return found


def slug(words: str, separator: str = "") -> str:
    """Return words as they stand in a domain: ASCII letters and digits; empty where there are none."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return separator.join(re.findall(r"[a-z0-9]+", plain))


def gibberish(draw: Draw, letters: str, shortest: int, longest: int) -> str:
    """Return so many letters without a meaning."""
    return "".join(draw.choices(letters, k=draw.randint(shortest, longest)))
