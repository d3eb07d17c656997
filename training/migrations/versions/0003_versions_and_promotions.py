"""Model versions, which never change, and who had which of them served when."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only this type counts up by itself in SQLite


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "versions",
        sa.Column("version", sa.String(16), primary_key=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(253), nullable=False),
        sa.Column("card", sa.LargeBinary, nullable=False),
        sa.Column("artefact", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "promotions",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("version", sa.String(16), sa.ForeignKey("versions.version"), nullable=True),
        sa.Column("is_rollback", sa.Boolean, nullable=False),
        sa.Column("is_forced", sa.Boolean, nullable=False),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promoted_by", sa.String(253), nullable=False),
        sqlite_autoincrement=True,
    )
