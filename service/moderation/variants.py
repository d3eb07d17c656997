"""What would have to change for a comment to be decided otherwise: changes worth trying, the small ones first.

Leaves judging the changed comments to ``why``, so that nothing is claimed which was not tried.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from model.text import read
from service.moderation.shown import visible, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from model.comment import Comment
    from model.verdict import Reason

MAX_LINKS = 5
MAX_QUOTED_CHARACTERS = 60
MAX_CHARACTERS = 20_000
"""Longer comments are not tried: each change is a check."""


class Variant(NamedTuple):
    """A comment with something left out, and what that is."""

    without: str
    comment: Comment


def variants_of(comment: Comment, reasons: Sequence[Reason]) -> list[Variant]:
    """List changed comments, each with one thing left out, then with several."""
    if len(comment.text) > MAX_CHARACTERS:
        return []
    words = list(words_of(reasons))
    links = list(dict.fromkeys(link.url for link in read(comment.text).links))[:MAX_LINKS]
    single = [
        *(Variant(name, replace(comment, **{field: ""})) for field, name in _FIELDS if getattr(comment, field)),
        *(Variant(f"the link “{_quoted(url)}”", _without_texts(comment, [url])) for url in links),
        *(Variant(f"the word “{_quoted(word)}”", _without_words(comment, [word])) for word in words),
    ]
    return list(_different(comment, [*single, *_together(comment, words, links)]))


def _together(comment: Comment, words: Sequence[str], links: Sequence[str]) -> Iterator[Variant]:
    """Leave out more and more: what weighs most first."""
    if len(links) > 1:
        yield Variant("all links in the text", _without_texts(comment, links))
    for count in range(2, len(words) + 1):
        named = ", ".join(f"“{_quoted(word)}”" for word in words[:count])
        yield Variant(f"the words {named}", _without_words(comment, words[:count]))
    bare = replace(comment, author="", author_url="", author_email="")
    yield Variant("name, link and e-mail of the author", bare)
    if links:
        yield Variant("all links, and name, link and e-mail of the author", _without_texts(bare, links))


def _different(comment: Comment, variants: Iterable[Variant]) -> Iterator[Variant]:
    """Leave out what changes nothing, and what is left with no text."""
    tried = {comment}
    for variant in variants:
        if variant.comment not in tried and variant.comment.text.strip():
            tried.add(variant.comment)
            yield variant


def _without_texts(comment: Comment, texts: Sequence[str]) -> Comment:
    text = comment.text
    for one in texts:
        text = text.replace(one, "")
    return replace(comment, text=text)


def _without_words(comment: Comment, words: Sequence[str]) -> Comment:
    named = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    return replace(comment, text=named.sub("", comment.text))


def _quoted(text: str) -> str:
    return visible(text[:MAX_QUOTED_CHARACTERS])


_FIELDS = (
    ("author_url", "the author's link"),
    ("author", "the author's name"),
    ("author_email", "the author's e-mail address"),
    ("honeypot", "what was filled into the hidden field"),
)
