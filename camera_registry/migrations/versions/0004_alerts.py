"""Alerts: channels, who is told what, the outbox, links, replies; telephones of offices; tokens of sites."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _number(name: str, *, null: bool = False, own: bool = False) -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, number, nullable=null, autoincrement=True if own else "auto")


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _of(table: str, column: str, other: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "alert_cursor",
        sa.Column("id", sa.Integer(), nullable=False),
        _moment("began_at"),
        _moment("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_cursor")),
    )
    op.create_table(
        "alert_channel",
        _number("id", own=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("shown", sa.String(length=200), nullable=False),
        _moment("made_at"),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        _moment("stopped_at", null=True),
        _moment("failing_since", null=True),
        sa.Column("error", sa.String(length=200), nullable=False),
        _of("alert_channel", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_channel")),
        sa.UniqueConstraint("name", name=op.f("uq_alert_channel_name")),
    )
    op.create_table(
        "link_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        _number("channel_id"),
        _moment("made_at"),
        _moment("expires_at"),
        _moment("used_at", null=True),
        _of("link_code", "channel_id", "alert_channel", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_link_code")),
    )
    op.create_index(op.f("ix_link_code_channel_id"), "link_code", ["channel_id"])
    op.create_table(
        "reply",
        _number("id", own=True),
        sa.Column("key", sa.String(length=100), nullable=False),
        _number("channel_id", null=True),
        _moment("at"),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        _of("reply", "channel_id", "alert_channel"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("key", name=op.f("uq_reply_key")),
    )
    op.create_table(
        "subscription",
        _number("id", own=True),
        _number("channel_id"),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("rules", sa.JSON(), nullable=False),
        _moment("made_at"),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        _moment("ended_at", null=True),
        _of("subscription", "channel_id", "alert_channel"),
        _of("subscription", "unit_id", "unit"),
        _of("subscription", "site_id", "site"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
    )
    op.create_index(op.f("ix_subscription_channel_id"), "subscription", ["channel_id"])
    op.create_table(
        "message",
        _number("id", own=True),
        _number("channel_id"),
        _number("subscription_id", null=True),
        sa.Column("occasion", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        _number("incident_id", null=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        _moment("made_at"),
        _moment("due_at"),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _moment("leased_until", null=True),
        _moment("sent_at", null=True),
        sa.Column("error", sa.String(length=200), nullable=False),
        _of("message", "channel_id", "alert_channel"),
        _of("message", "subscription_id", "subscription"),
        _of("message", "incident_id", "incident"),
        _of("message", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "channel_id", "occasion", "kind", name=op.f("uq_message_channel_id_occasion_kind")
        ),
    )
    op.create_index(op.f("ix_message_incident_id"), "message", ["incident_id"])
    op.create_index(op.f("ix_message_made_at"), "message", ["made_at"])
    op.create_index(op.f("ix_message_state_due_at"), "message", ["state", "due_at"])
    op.create_index(op.f("ix_message_channel_id_id"), "message", ["channel_id", "id"])
    op.create_table(
        "incident_link",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        _number("message_id"),
        _number("incident_id"),
        _moment("made_at"),
        _moment("expires_at"),
        _moment("opened_at", null=True),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        _of("incident_link", "incident_id", "incident"),
        _of("incident_link", "message_id", "message", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_incident_link")),
    )
    op.create_index(op.f("ix_incident_link_expires_at"), "incident_link", ["expires_at"])
    op.create_index(op.f("ix_incident_link_message_id"), "incident_link", ["message_id"])
    with op.batch_alter_table("api_token") as api_token:
        api_token.add_column(sa.Column("site_id", sa.Integer(), nullable=True))
        api_token.create_foreign_key(op.f("fk_api_token_site_id_site"), "site", ["site_id"], ["id"])
    op.add_column("site", sa.Column("delivered", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "courier",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("machine", sa.String(length=32), nullable=False),
        _moment("heard_at"),
        _of("courier", "site_id", "site", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_courier")),
    )
    op.add_column("incident", _moment("changed_at", null=True))
    op.create_index(op.f("ix_incident_changed_at"), "incident", ["changed_at"])
    op.add_column("custody", sa.Column("phone", sa.String(length=50), server_default="", nullable=False))
    op.execute("INSERT INTO topic_version (topic, version) VALUES ('messages', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM topic_version WHERE topic = 'messages'")
    op.drop_column("custody", "phone")
    op.drop_index(op.f("ix_incident_changed_at"), "incident")
    op.drop_column("incident", "changed_at")
    op.drop_table("courier")
    op.drop_column("site", "delivered")
    with op.batch_alter_table("api_token") as api_token:
        api_token.drop_constraint(op.f("fk_api_token_site_id_site"), type_="foreignkey")
        api_token.drop_column("site_id")
    for table in (
        "incident_link",
        "message",
        "subscription",
        "reply",
        "link_code",
        "alert_channel",
        "alert_cursor",
    ):
        op.drop_table(table)
