"""What operators set for single sites: every change, and the lines of allow and deny lists; a site's checks by time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only this type counts up by itself in SQLite


def upgrade() -> None:
    """Add both tables, and the index that finds one site's checks among all."""
    op.create_table(
        "setting_changes",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("site", sa.String(253), nullable=False),
        sa.Column("setting", sa.String(32), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("changed_by", sa.String(253), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("changes_of_setting", "setting_changes", ["site", "setting", "number"])
    op.create_table(
        "list_lines",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("site", sa.String(253), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("added_by", sa.String(253), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_by", sa.String(253), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("matches", sa.BigInteger, nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("lines_of_site", "list_lines", ["site", "removed_at", "number"])
    op.create_index("checks_of_site", "checks", ["site", "id"])
