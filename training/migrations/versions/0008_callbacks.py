"""Where sites may be told that a verdict has changed, what they were told, and whose turn it is to tell them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables. What belongs to a site goes with it."""
    op.create_table(
        "callback_hosts",
        sa.Column("site", sa.String(253), sa.ForeignKey("sites.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("host", sa.String(260), primary_key=True),
        sa.Column("is_private", sa.Boolean, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "callback_keys",
        sa.Column("site", sa.String(253), sa.ForeignKey("sites.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("sealed_key", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "tellings",
        sa.Column("check_id", sa.String(32), primary_key=True),
        sa.Column("site", sa.String(253), nullable=False),
        sa.Column("callback", sa.Text, nullable=False),
        sa.Column("post_id", sa.String(20), nullable=False),
        sa.Column("parent_id", sa.String(20), nullable=False),
        sa.Column("reasons", sa.LargeBinary, nullable=False),
        sa.Column("is_spam", sa.Boolean, nullable=False),
        sa.Column("would_be_spam", sa.Boolean, nullable=True),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float, nullable=True),
    )
    op.create_index("tellings_of_site", "tellings", ["site", "check_id"])
    op.create_index("tellings_due", "tellings", ["due_at"])
    turn = op.create_table(
        "tellers_turn",
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("model", sa.String(16), nullable=True),
        sa.Column("withdrawal", sa.BigInteger, nullable=False),
        sa.Column("setting", sa.BigInteger, nullable=False),
        sa.Column("label", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(turn, [{"holder": "", "until": 0.0, "model": None, "withdrawal": 0, "setting": 0, "label": 0}])
