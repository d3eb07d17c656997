"""What is written: templates with their blanks filled in."""

from __future__ import annotations

import json
import re
from functools import cache
from string import ascii_letters, ascii_lowercase, digits
from typing import TYPE_CHECKING, Any, NamedTuple

from training.dataset import spun
from training.made_up.senders import cased, goods_and_phrase, own_domain, place
from training.made_up.words import FOLDER, gibberish, lines_of, slug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.labelled import Label
    from training.made_up.senders import Sender
    from training.made_up.words import Draw

_BLANK = re.compile(r"\{(link|site|name|place|product|mail|phone|number|letters)\}")
_OFFER = re.compile(r"\{(link|site|product|mail|phone)\}")
_BETWEEN_SENTENCES = (" ", "\n", "\n\n")
_LEFT_BLANK = re.compile(r" +(?=\s|[,.](?:\s|$))")
"""What an empty choice leaves beside the blank after it, or before a mark."""
_SHORTENERS = ("bit.ly", "tinyurl.com", "cutt.ly", "rb.gy", "t.me", "is.gd")


class Template(NamedTuple):
    """A text with blanks and choices; ``kind`` says what it is about, ``language`` is as BCP 47 has it.

    Who sends it is said by ``by`` where it matters: ``person`` for spam that is signed by one, most often without a
    link of that person's, ``bot`` for spam that tries a form out, ``advertiser`` for spam that names goods as anybody
    might; ``firm`` for ham of a firm, a club or an office. A story has so many choices that no two come out alike.
    """

    kind: str
    language: str
    text: str
    by: str = ""
    is_story: bool = False

    @property
    def has_offer(self) -> bool:
        """Whether a link, goods or ways to get in touch are filled in; spam without may be told by its sender alone."""
        return _OFFER.search(self.text) is not None


@cache
def templates_of(label: Label) -> Sequence[Template]:
    """Return the templates of spam, or of ham, and its stories."""
    plain = [Template(one["kind"], one["lang"], one["text"], one.get("by", "")) for one in _read(f"{label}.jsonl")]
    stories = [
        Template(one["kind"], one["lang"], _story(one["sentences"], between), one.get("by", ""), is_story=True)
        for one in _read(f"{label}_stories.jsonl")
        for between in _BETWEEN_SENTENCES
    ]
    return plain + stories


def _read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def _story(sentences: Sequence[Sequence[str]], between: str) -> str:
    """Return the template that takes one of each list; an empty one takes nothing of it, at times."""
    return "".join(f"{{{'|'.join(one and one + between for one in choices)}}}" for choices in sentences)


def written(draw: Draw, template: Template, label: Label, sender: Sender) -> str:
    """Write a template out as a sender would."""
    goods, phrase = goods_and_phrase(draw, template.language)
    link = sender.url or f"https://{slug(goods) or 'shop'}.com"

    def filled(blank: re.Match[str]) -> str:
        match blank[1]:
            case "link":
                return _honest_link(draw) if label == "ham" else _advertised(draw, link, phrase)
            case "site":
                return own_domain(draw)
            case "name":
                return sender.name
            case "place":
                return place(draw)
            case "product":
                return cased(draw, draw.choice((goods, phrase)))
            case "letters":
                return gibberish(draw, draw.choice((ascii_letters, ascii_lowercase)), 6, 16)
            case "mail":
                return sender.email or f"info@{own_domain(draw)}"
            case "phone":
                return " ".join((f"+{draw.randint(1, 99)}", *(str(draw.randint(100, 9_999)) for _ in range(3))))
            case _:
                return str(draw.choice((draw.randint(2, 99), draw.randint(100, 9_999), 1_000 * draw.randint(2, 90))))

    text = spun(_BLANK.sub(filled, template.text), draw).strip()
    return _LEFT_BLANK.sub("", text) if template.is_story else text


def _advertised(draw: Draw, link: str, phrase: str) -> str:
    """Write a link as those write it who advertise."""
    if draw.random() < 0.1:
        link = f"https://{draw.choice(_SHORTENERS)}/{gibberish(draw, ascii_letters + digits, 6, 8)}"
    kind = draw.random()
    if kind < 0.6:
        return link
    if kind < 0.85:
        return f'<a href="{link}">{draw.choice((phrase, phrase, link, "click here"))}</a>'
    return f"[url={link}]{phrase}[/url]"


def _honest_link(draw: Draw) -> str:
    """Make up a link to a newspaper, an encyclopedia, code, a picture or somebody's page."""
    words = lines_of("blog_words")
    blanks = {
        "word": draw.choice(words),
        "other": draw.choice(words),
        "title": "-".join(draw.choices(words, k=draw.randint(2, 6))),
        "Title": "_".join(word.capitalize() for word in draw.choices(words, k=draw.randint(1, 3))),
        "key": gibberish(draw, ascii_letters + digits, 6, 11),
        "number": str(draw.randint(1_000, 9_999_999)),
        "year": str(draw.randint(2004, 2026)),
        "month": f"{draw.randint(1, 12):02}",
        "day": f"{draw.randint(1, 28):02}",
    }
    return draw.choice(("http://", "https://", "https://", "")) + draw.choice(lines_of("links")).format_map(blanks)
