"""Sites and their keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Databases from before there were migrations have this table already."""
    op.create_table(
        "sites",
        sa.Column("name", sa.String(253), primary_key=True),
        sa.Column("key_digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_made_at", sa.DateTime(timezone=True), nullable=False),
        if_not_exists=True,
    )
