"""That something was erased, when, by whom and how much; nothing of whose it was."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only this type counts up by itself in SQLite


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "erasures",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("site", sa.String(253), nullable=True),
        sa.Column("checks", sa.Integer, nullable=False),
        sa.Column("labels", sa.Integer, nullable=False),
        sa.Column("erased_by", sa.String(253), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
