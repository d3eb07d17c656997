"""The moderators' queue: what is noted of each check that was held for review."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table. Only checks that are held for review have a row in it, and only while the check is remembered."""
    op.create_table(
        "queue",
        sa.Column("check_id", sa.String(32), sa.ForeignKey("checks.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site", sa.String(253), nullable=False),
        sa.Column("comment_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("urgency", sa.Float, nullable=False),
        sa.Column("campaign", sa.String(32), nullable=False),
        sa.Column("features", sa.String(255), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("reasons", sa.LargeBinary, nullable=False),
        sa.Column("sketch", sa.LargeBinary, nullable=False),
        *(sa.Column(f"band{place}", sa.BigInteger, nullable=False) for place in range(4)),
    )
    op.create_index("queue_by_urgency", "queue", ["urgency", "check_id"])
    op.create_index("queue_of_site_by_urgency", "queue", ["site", "urgency", "check_id"])
    op.create_index("queue_by_campaign", "queue", ["campaign"])
    for place in range(4):
        op.create_index(f"queue_by_band{place}", "queue", [f"band{place}"])
