"""Checks, remembered for a while so that they can be labelled by id, and labels, kept for good."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only this type counts up by itself in SQLite


def upgrade() -> None:
    """Add both tables.

    Times of checks are seconds since 1970, for they are written thousands of times a second;
    so the ids, which ascend, are the one index.
    """
    op.create_table(
        "checks",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("site", sa.String(253), nullable=False),
        sa.Column("checked_at", sa.Float, nullable=False),
        sa.Column("comment", sa.LargeBinary, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("model", sa.String(16), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "labels",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("site", sa.String(253), nullable=False),
        sa.Column("comment_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("comment", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.String(4), nullable=False),
        sa.Column("labelled_by", sa.String(253), nullable=False),
        sa.Column("labelled_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("labels_of_comment", "labels", ["site", "comment_digest", "number"])
