"""The comment a visitor submitted: its fields, and the one place where outside input becomes one.

Owns which fields there are and what is valid. Leaves reading the text (``text``) and measuring it (``features``) to
the others.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMENT_TYPES = frozenset(
    {"comment", "reply", "trackback", "pingback", "contact-form", "signup", "forum-post", "message"}
)


class ModelError(Exception):
    """Root of every error that the model package raises."""


class InvalidCommentError(ModelError):
    """A field is missing or of the wrong type; ``field`` names it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What a visitor submitted, and what the site knows about it. An unknown field is the empty string.

    Every string is free of lone surrogates, so it can always be encoded.
    """

    text: str
    author: str = ""
    author_email: str = ""
    author_url: str = ""
    user_ip: str = ""
    user_agent: str = ""
    referrer: str = ""
    permalink: str = ""
    post_title: str = ""
    post_text: str = ""
    parent_text: str = ""
    type: str = ""
    lang: str = ""
    date: str = ""
    honeypot: str = ""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Comment:
        """Build a comment from decoded JSON or a table row; ``None`` counts as absent, unknown names are ignored.

        Raises:
            InvalidCommentError: ``text`` is missing, or a known field is not a string.
        """
        if mapping.get("text") is None:
            found = "found null, expected a string" if "text" in mapping else "missing; it is the one required field"
            raise InvalidCommentError("text", found)
        comment = object.__new__(cls)
        for name, put in _PUTTERS:
            value = mapping.get(name)
            if value is None:
                value = ""
            elif not isinstance(value, str):
                raise InvalidCommentError(name, f"found {type(value).__name__}, expected a string")
            elif not value.isascii():
                value = without_surrogates(value)
            put(comment, value)
        return comment


FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Comment))
_PUTTERS = tuple((name, getattr(Comment, name).__set__) for name in FIELD_NAMES)
"""What puts a value into a field, at a fraction of the cost of ``Comment`` itself, which is frozen."""


def without_surrogates(text: str) -> str:
    """Join surrogate pairs and replace lone surrogates by U+FFFD.

    The UTF-16 codec would do the same with ``"replace"``, but takes its time over each of them.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        import numpy as np  # not at the top, for the launcher needs the names of fields alone

        codes = np.array([text]).view(np.uint32)
        is_high, is_low = codes >> 10 == 0x36, codes >> 10 == 0x37
        is_first = np.append(is_high[:-1] & is_low[1:], False)
        is_second = np.append(False, is_first[:-1])
        codes[(is_high & ~is_first) | (is_low & ~is_second)] = 0xFFFD
        codes[is_first] = 0x10000 + ((codes[is_first] & 0x3FF) << 10) + (codes[is_second] & 0x3FF)
        joined: bytes = codes[~is_second].astype("<u4").tobytes()
        return joined.decode("utf-32-le")
    return text
