"""What an Akismet client sends: a form's parameters, the comment in them, and the protocol's test conventions.

Owns which parameter means what. Cookies and authorization headers, which some clients forward, are dropped first.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from model.comment import Comment
from model.verdict import Reason
from service.judge import HASTE
from service.problems import MalformedBodyError

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

MAX_PARAMETERS = 2_000
FASTEST_TYPIST_MS = 1_000
HASTE_LOG_ODDS = 2.0
GUARANTEED_SPAM_AUTHORS = frozenset({"viagra-test-123", "akismet-guaranteed-spam"})
GUARANTEED_SPAM_EMAIL = "akismet-guaranteed-spam@example.com"
_FALSE = frozenset({"", "0", "false"})
_NEVER_KEPT = ("http_cookie", "http_authorization", "http_proxy_authorization", "post_pass", "post_pwd")
_HONEYPOT = "POST_ak_hp_textarea"
_NOT_SAID = "unknown"
_CHARSETS = re.compile(
    r"utf-?8|(us-)?ascii|iso-?8859-\d{1,2}|latin-?\d|(windows-|cp)\d{3,4}|koi8-[ru]|gb2312|gbk|gb18030"
    r"|big5(-hkscs)?|shift[_-]jis|euc-(jp|kr)|iso-2022-(jp|kr)|tis-620",
    re.ASCII | re.IGNORECASE,
)
"""Those that pages are written in. Names are few, for Python remembers for ever each one that it was asked for."""
_FIELDS = {
    "text": "comment_content",
    "author": "comment_author",
    "author_email": "comment_author_email",
    "author_url": "comment_author_url",
    "user_ip": "user_ip",
    "user_agent": "user_agent",
    "referrer": "referrer",
    "permalink": "permalink",
    "date": "comment_date_gmt",
}


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters of one call; a repeated one keeps its last value, ``contexts`` all of the post's context."""

    values: dict[str, str]
    contexts: tuple[str, ...]

    @classmethod
    def of(cls, environ: WSGIEnvironment, body: bytes) -> Form:
        """Read parameters from the query and the body, in the charset that the client says.

        Raises:
            MalformedBodyError: there are too many.
        """
        encoded = environ.get("QUERY_STRING", "").encode("latin-1", "replace") + b"&" + body
        charset = _known(_charset(environ.get("CONTENT_TYPE", ""))) or "utf-8"
        pairs = _pairs(encoded, charset)
        said = _known(dict(pairs).get("blog_charset", ""))
        if said not in (None, charset):
            pairs = _pairs(encoded, said)
        values: dict[str, str] = {}
        contexts: list[str] = []
        for name, value in pairs:
            if name.lower().startswith(_NEVER_KEPT):
                continue
            if name.startswith("comment_context"):
                contexts.append(value)
            else:
                values[name] = value
        return cls(values, tuple(filter(None, contexts)))

    def key(self, environ: WSGIEnvironment, *names: str) -> str:
        """Return the key that counts: of these parameters the first that is there, else the host's first label."""
        for name in names:
            if self.values.get(name):
                return self.values[name]
        host: str = environ.get("HTTP_HOST", "")
        return host.partition(".")[0]

    def comment(self) -> Comment:
        """Return the comment."""
        values = {field: self.values.get(name, "") for field, name in _FIELDS.items()}
        if values["referrer"] == _NOT_SAID:
            values["referrer"] = ""
        language = self.values.get("blog_lang", "").partition(",")[0].strip().replace("_", "-")
        kind = self.values.get("comment_type") or self.values.get("content_type", "")
        trap = self.values.get(self.values.get("honeypot_field_name", ""), "") or self.values.get(_HONEYPOT, "")
        more = {"type": kind, "lang": language, "honeypot": trap, "post_title": ", ".join(self.contexts)}
        return Comment.from_mapping({**values, **more})

    def haste(self) -> Reason | None:
        """Return what speaks against a form that was filled in faster than anybody types, without one key press."""
        begun, sent = _number(self.values.get("POST_ak_js", "")), _number(self.values.get("POST_ak_bfs", ""))
        if begun is None or sent is None or self.values.get("POST_ak_bkp") or self.values.get("POST_ak_bte"):
            return None
        if not 0 <= sent - begun < FASTEST_TYPIST_MS:
            return None
        return Reason(HASTE, HASTE_LOG_ODDS, f"the form was sent after {sent - begun} ms, with no key pressed")

    @property
    def is_test(self) -> bool:
        """Whether nothing is to be learnt or counted."""
        return self.is_true("is_test")

    @property
    def is_recheck(self) -> bool:
        """Whether the comment was judged before; what is retried was not, for want of an answer."""
        return self.values.get("recheck_reason", "").strip().lower() not in ("", "retry")

    @property
    def is_by_administrator(self) -> bool:
        """Whether the site vouches for the author."""
        roles = self.values.get("user_role", "").split(",")
        return "administrator" in (role.strip().lower() for role in roles)

    @property
    def is_guaranteed_spam(self) -> bool:
        """Whether the author or the e-mail address is one of those that stand for spam in tests."""
        return (
            self.values.get("comment_author") in GUARANTEED_SPAM_AUTHORS
            or self.values.get("comment_author_email", "").lower() == GUARANTEED_SPAM_EMAIL
        )

    def is_true(self, name: str) -> bool:
        """Whether a parameter is there and says neither 0 nor false."""
        return self.values.get(name, "").strip().lower() not in _FALSE


def _pairs(encoded: bytes, charset: str) -> list[tuple[str, str]]:
    """Read names and values; ``urllib.parse.parse_qsl`` takes longer, and bytes that are not encoded for Latin-1."""
    if encoded.count(b"&") >= MAX_PARAMETERS:
        raise MalformedBodyError(f"the form can't be read: more than {MAX_PARAMETERS:,} parameters")
    fields = (field.partition(b"=") for field in encoded.split(b"&") if field)
    return [(_decoded(name, charset), _decoded(value, charset)) for name, _, value in fields]


def _decoded(written: bytes, charset: str) -> str:
    return unquote_to_bytes(written.replace(b"+", b" ")).decode(charset, "replace")


def _charset(content_type: str) -> str:
    return content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'") or "utf-8"


def _known(charset: str) -> str | None:
    """Return Python's name of a charset that pages are written in, ``None`` for any other."""
    if not _CHARSETS.fullmatch(charset):
        return None
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return None


def _number(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 20 else None
