"""WordPress's WXR export: comments within the posts that they reply to.

What WordPress means by a comment's state: approved is ham and spam is spam. Pending and trashed ones say nothing of
spam, and have no label. Pingbacks and trackbacks keep their type, which sets them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element  # type: ignore[import-untyped]  # lxml ships no types

MAX_REMEMBERED_PARENTS = 10_000
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_EXPORT = "{http://wordpress.org/export/"
_LABELS = {"1": "ham", "approve": "ham", "approved": "ham", "spam": "spam"}
_FIELDS = {
    "comment_author": "author",
    "comment_author_email": "author_email",
    "comment_author_url": "author_url",
    "comment_author_IP": "user_ip",
    "comment_content": "text",
    "comment_type": "type",
}


def rows(elements: Iterable[_Element]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line and the fields of each comment, from elements as they end."""
    texts: dict[str, str] = {}
    for element in elements:
        if element.tag == "item":
            texts.clear()
            discard(element)
        elif element.tag.startswith(_EXPORT) and element.tag.endswith("}comment"):
            values = {child.tag.rpartition("}")[2]: child.text or "" for child in element.iterchildren("*")}
            fields = _fields(values)
            fields |= _post(element.getparent(), element.tag.removesuffix("comment"))
            fields["parent_text"] = texts.get(values.get("comment_parent", ""), "")
            if len(texts) < MAX_REMEMBERED_PARENTS:
                texts[values.get("comment_id", "")] = fields["text"]
            yield element.sourceline, {name: value for name, value in fields.items() if value}
            discard(element)


def discard(element: _Element) -> None:
    """Forget an element that has been read, and the one before it if that is of the same kind.

    lxml wants the latest element to stay where it is until the next one ends, so it is only emptied.
    """
    element.clear()
    previous = element.getprevious()
    if previous is not None and previous.tag == element.tag:
        element.getparent().remove(previous)


def _fields(values: dict[str, str]) -> dict[str, Any]:
    written = values.get("comment_date_gmt", "")
    return {
        **{name: values.get(tag, "") for tag, name in _FIELDS.items()},
        "type": values.get("comment_type") or "comment",
        "date": "" if written.startswith("0000") else written.replace(" ", "T") + "Z" * bool(written),
        "label": _LABELS.get(values.get("comment_approved", "")),
        "label_source": "wordpress",
    }


def _post(item: _Element, namespace: str) -> dict[str, str]:
    return {
        "permalink": item.findtext("link") or "",
        "post_title": item.findtext("title") or "",
        "post_text": item.findtext(_CONTENT) or "",
        "thread": item.findtext(f"{namespace}post_id") or "",
    }
