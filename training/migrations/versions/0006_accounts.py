"""Accounts of moderators, with their sites, sessions, invitations and failed sign-ins; the secret's fingerprint."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only this type counts up by itself in SQLite


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "account_sites",
        sa.Column("account", sa.String(64), sa.ForeignKey("accounts.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("site", sa.String(253), primary_key=True),
    )
    op.create_table(
        "sessions",
        sa.Column("token_digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("account", sa.String(64), sa.ForeignKey("accounts.name", ondelete="CASCADE"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("sessions_of_account", "sessions", ["account"])
    op.create_table(
        "invitations",
        sa.Column("token_digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("sites", sa.JSON, nullable=False),
        sa.Column("is_first", sa.Boolean, nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("attempts_of_digest", "sign_in_attempts", ["digest", "at"])
    op.create_table("secret_fingerprint", sa.Column("fingerprint", sa.LargeBinary(32), primary_key=True))
