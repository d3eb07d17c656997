"""Of a campaign in the queue, the first comment alone is looked up: the others need no bands."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Let bands be missing."""
    with op.batch_alter_table("queue") as queue:
        for place in range(4):
            queue.alter_column(f"band{place}", existing_type=sa.BigInteger, nullable=True)
