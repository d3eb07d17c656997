"""The tables that hold comments, and how a comment is written in them.

Leaves what is done with their rows to ``labels``.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quoted
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from model.comment import FIELD_NAMES, Comment
from training.database import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.sql.compiler import SQLCompiler

NAME_CHARACTERS = 253
_NAMES = tuple(sorted(FIELD_NAMES))
_values = attrgetter(*_NAMES)
_schema = sa.MetaData()
checks = sa.Table(
    "checks",
    _schema,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("site", sa.String(NAME_CHARACTERS)),
    sa.Column("checked_at", sa.Float),
    sa.Column("comment", sa.LargeBinary),
    sa.Column("score", sa.Float),
    sa.Column("decision", sa.String(16)),
    sa.Column("model", sa.String(16)),
)
labels = sa.Table(
    "labels",
    _schema,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("site", sa.String(NAME_CHARACTERS)),
    sa.Column("comment_digest", sa.LargeBinary(32)),
    sa.Column("comment", sa.LargeBinary),
    sa.Column("label", sa.String(4)),
    sa.Column("labelled_by", sa.String(NAME_CHARACTERS)),
    sa.Column("labelled_at", UtcDateTime),
    sa.Column("withdrawal", sa.Integer),
)
withdrawals = sa.Table(
    "withdrawals",
    _schema,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("labelled_by", sa.String(NAME_CHARACTERS)),
    sa.Column("site", sa.String(NAME_CHARACTERS)),
    sa.Column("withdrawn_by", sa.String(NAME_CHARACTERS)),
    sa.Column("withdrawn_at", UtcDateTime),
)
erasures = sa.Table(
    "erasures",
    _schema,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("site", sa.String(NAME_CHARACTERS)),
    sa.Column("checks", sa.Integer),
    sa.Column("labels", sa.Integer),
    sa.Column("erased_by", sa.String(NAME_CHARACTERS)),
    sa.Column("erased_at", UtcDateTime),
)


def encoded(comment: Comment, instead: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Return JSON in ASCII, which keeps lone surrogates and NUL, without the fields that are empty.

    ``instead`` holds other values for some that are not.
    """
    known = zip(_NAMES, _values(comment), strict=True)
    members = [f'"{name}": {quoted(instead.get(name, value))}' for name, value in known if value]
    return f"{{{', '.join(members)}}}".encode()


def decoded(written: bytes) -> Comment:
    """Read what ``encoded`` wrote."""
    return Comment.from_mapping({"text": "", **json.loads(written)})


class as_text(GenericFunction[str]):  # noqa: N801 - named as SQL's functions are
    """A column of encoded comments as text, so that it can be searched."""

    type = sa.Text()
    inherit_cache = True


@compiles(as_text, "sqlite")
def _cast(element: as_text, compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **more)} AS TEXT)"


@compiles(as_text, "postgresql")
def _converted(element: as_text, compiler: SQLCompiler, **more: Any) -> str:
    return f"convert_from({compiler.process(element.clauses, **more)}, 'UTF8')"
