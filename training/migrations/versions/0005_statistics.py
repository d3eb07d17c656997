"""How many comments each site had checked and corrected, month by month."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "statistics",
        sa.Column("site", sa.String(253), primary_key=True),
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("total", sa.BigInteger, nullable=False),
    )
