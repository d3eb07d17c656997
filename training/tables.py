"""The tables that hold comments, and how a comment is written in them.

Leaves what is done with their rows to ``labels``.
"""

from __future__ import annotations

import json

import sqlalchemy as sa

from model.comment import FIELD_NAMES, Comment
from training.database import UtcDateTime

NAME_CHARACTERS = 253
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


def encoded(comment: Comment) -> bytes:
    """Return JSON in ASCII, which keeps lone surrogates and NUL, without the fields that are empty."""
    return json.dumps({name: value for name in sorted(FIELD_NAMES) if (value := getattr(comment, name))}).encode()


def decoded(written: bytes) -> Comment:
    """Read what ``encoded`` wrote."""
    return Comment.from_mapping(json.loads(written))
