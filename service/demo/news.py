"""The newspaper's articles, and what visitors have sent so far, from ``news.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What people comment on; ``slug`` is its address."""

    slug: str
    section: str
    title: str
    byline: str
    hours_ago: int
    summary: str
    text: str

    @property
    def paragraphs(self) -> list[str]:
        """The text, paragraph by paragraph."""
        return self.text.strip().split("\n\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A comment that somebody is to have sent before the demo began."""

    article: str
    minutes_ago: int
    author: str
    email: str
    text: str
    ip: str
    user_agent: str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A comment that fills in the form for whoever wants to try it."""

    name: str
    author: str
    email: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """All of the newspaper."""

    articles: dict[str, Article]
    letters: list[Letter]
    samples: dict[str, Sample]


def news() -> News:
    """Read the newspaper."""
    read = tomllib.loads((Path(__file__).parent / "news.toml").read_text(encoding="utf-8"))
    return News(
        {article["slug"]: Article(**article) for article in read["articles"]},
        [Letter(ip=f"203.0.113.{number}", **letter) for number, letter in enumerate(read["comments"], start=1)],
        {sample["name"]: Sample(**sample) for sample in read["samples"]},
    )
