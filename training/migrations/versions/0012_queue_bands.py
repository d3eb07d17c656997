"""Of a campaign in the queue, the first comment alone is looked up: the others need no bands."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Let bands be missing, and leave out of their indexes what has none."""
    for place in range(4):
        op.drop_index(f"queue_by_band{place}", "queue")
    with op.batch_alter_table("queue") as queue:
        for place in range(4):
            queue.alter_column(f"band{place}", existing_type=sa.BigInteger, nullable=True)
    for place in range(4):
        has_band = sa.text(f"band{place} IS NOT NULL")
        op.create_index(
            f"queue_by_band{place}", "queue", [f"band{place}"], sqlite_where=has_band, postgresql_where=has_band
        )
