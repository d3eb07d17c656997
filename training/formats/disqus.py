"""Disqus's XML export: all threads, then all posts, which are the comments.

A post that Disqus or a moderator marked is spam. One that was deleted without that says nothing of spam, and has no
label. All others are ham.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.formats.wordpress import discard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element  # type: ignore[import-untyped]  # lxml ships no types

NAMESPACE = "http://disqus.com"
MAX_REMEMBERED_PARENTS = 10_000
_ID = "{http://disqus.com/disqus-internals}id"
_TAG = f"{{{NAMESPACE}}}"


def rows(elements: Iterable[_Element]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line and the fields of each post, from elements as they end."""
    threads: dict[str, dict[str, str]] = {}
    texts: dict[str, str] = {}
    for element in elements:
        parent = element.getparent()
        if parent is None or parent.getparent() is not None:
            continue
        if element.tag == f"{_TAG}thread":
            threads[element.get(_ID, "")] = {
                "permalink": _text(element, "link"),
                "post_title": _text(element, "title"),
                "thread": element.get(_ID, ""),
            }
        elif element.tag == f"{_TAG}post":
            fields = _fields(element) | threads.get(_reference(element, "thread"), {})
            fields["parent_text"] = texts.get(_reference(element, "parent"), "")
            texts[element.get(_ID, "")] = fields["text"]
            if len(texts) > MAX_REMEMBERED_PARENTS:
                del texts[next(iter(texts))]
            yield element.sourceline, {name: value for name, value in fields.items() if value}
        discard(element)


def _fields(post: _Element) -> dict[str, Any]:
    is_spam, is_deleted = (_text(post, name) == "true" for name in ("isSpam", "isDeleted"))
    return {
        "text": _text(post, "message"),
        "author": _text(post, "author", "name") or _text(post, "author", "username"),
        "author_email": _text(post, "author", "email"),
        "user_ip": _text(post, "ipAddress"),
        "date": _text(post, "createdAt"),
        "type": "comment",
        "label": "spam" if is_spam else None if is_deleted else "ham",
        "label_source": "disqus",
    }


def _text(element: _Element, *path: str) -> str:
    return (element.findtext("/".join(_TAG + name for name in path)) or "").strip()


def _reference(element: _Element, name: str) -> str:
    found = element.find(_TAG + name)
    return "" if found is None else found.get(_ID, "")
