"""Labels that were withdrawn, all of one labeller at once, and by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only this type counts up by itself in SQLite


def upgrade() -> None:
    """Add the table, and to each label which withdrawal it fell under."""
    op.create_table(
        "withdrawals",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("labelled_by", sa.String(253), nullable=False),
        sa.Column("site", sa.String(253), nullable=True),
        sa.Column("withdrawn_by", sa.String(253), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.add_column("labels", sa.Column("withdrawal", NUMBER, nullable=True))
