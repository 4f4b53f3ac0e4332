"""Money, repairs, reports: the funding ledger, its papers, repairs and proposals, letterheads, schedules."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FINAL = ("money_share", "repair_step")  # their rows are never changed and never deleted


def _number(name: str, *, null: bool = False, own: bool = False) -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, number, nullable=null, autoincrement=True if own else "auto")


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "document",
        _number("id", own=True),
        _text("kind", 16),
        _text("number", 100),
        sa.Column("dated", sa.Date(), nullable=True),
        _text("issuer", 200),
        _text("title", 300),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _text("media_type", 50),
        sa.Column("size", sa.Integer(), nullable=True),
        _text("sha256", 64),
        _moment("made_at"),
        _text("made_by", 100),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_table(
        "asset",
        sa.Column("point_id", sa.Integer(), autoincrement=False, nullable=False),
        _text("number", 64),
        sa.Column("in_use_on", sa.Date(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        _text("ownership", 300),
        _moment("made_at"),
        _text("made_by", 100),
        _of("asset", "point_id", "point"),
        sa.PrimaryKeyConstraint("point_id", name=op.f("pk_asset")),
    )
    op.create_table(
        "contributor",
        _number("id", own=True),
        _text("kind", 16),
        _text("name", 200),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        _text("residential_group", 200),
        sa.Column("consent_on", sa.Date(), nullable=True),
        _text("consent", 300),
        _moment("made_at"),
        _text("made_by", 100),
        _of("contributor", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contributor")),
    )
    op.create_index(op.f("ix_contributor_unit_id"), "contributor", ["unit_id"])

    op.create_table(
        "letterhead",
        _number("id", own=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        _text("parent", 200),
        _text("body", 200),
        _text("symbol", 64),
        _text("place", 100),
        _text("authority", 200),
        _text("signer_title", 200),
        _text("signer", 200),
        sa.Column("recipients", sa.Text(), nullable=False),
        _moment("made_at"),
        _text("made_by", 100),
        _of("letterhead", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letterhead")),
        sa.UniqueConstraint("unit_id", name=op.f("uq_letterhead_unit_id")),
    )
    op.create_table(
        "programme",
        _number("id", own=True),
        _text("code", 64),
        _text("name", 300),
        _text("decision", 300),
        sa.Column("decided_on", sa.Date(), nullable=True),
        _text("levels", 300),
        sa.Column("first_year", sa.Integer(), nullable=True),
        sa.Column("last_year", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        _moment("made_at"),
        _text("made_by", 100),
        _of("programme", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("code", name=op.f("uq_programme_code")),
    )
    op.create_table(
        "proposal",
        _number("id", own=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        _text("addressee", 200),
        _text("title", 300),
        sa.Column("text", sa.Text(), nullable=False),
        _moment("made_at"),
        _text("made_by", 100),
        sa.Column("sent_on", sa.Date(), nullable=True),
        _text("number", 64),
        _of("proposal", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_table(
        "repair",
        _number("id", own=True),
        sa.Column("point_id", sa.Integer(), nullable=False),
        _number("incident_id", null=True),
        _text("state", 20),
        _text("component", 16),
        sa.Column("fault", sa.Text(), nullable=False),
        _text("payer", 16),
        _text("grounds", 300),
        _moment("opened_at"),
        _text("opened_by", 100),
        _of("repair", "incident_id", "incident"),
        _of("repair", "point_id", "point"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair")),
    )
    op.create_index(op.f("ix_repair_incident_id"), "repair", ["incident_id"])
    op.create_index(op.f("ix_repair_point_id"), "repair", ["point_id"])
    op.create_index(op.f("ix_repair_state_opened_at"), "repair", ["state", "opened_at"])

    op.create_table(
        "upkeep",
        _number("id", own=True),
        sa.Column("point_id", sa.Integer(), nullable=False),
        _text("kind", 16),
        _text("party", 200),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        _text("document", 300),
        _text("phone", 50),
        _moment("made_at"),
        _text("made_by", 100),
        _moment("ended_at", null=True),
        _of("upkeep", "point_id", "point"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upkeep")),
    )
    op.create_index(op.f("ix_upkeep_point_id"), "upkeep", ["point_id"])

    op.create_table(
        "money_entry",
        _number("id", own=True),
        _text("kind", 16),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("budget_year", sa.Integer(), nullable=False),
        _number("programme_id", null=True),
        _number("contributor_id", null=True),
        sa.Column("givers", sa.Integer(), nullable=True),
        _text("form", 16),
        _text("component", 16),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        _text("payee", 200),
        sa.Column("text", sa.Text(), nullable=False),
        _number("repair_id", null=True),
        _number("reverses_id", null=True),
        _text("brought_by", 300),
        _text("state", 16),
        _moment("made_at"),
        _text("made_by", 100),
        _moment("decided_at", null=True),
        _text("decided_by", 100),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state <> 'approved' OR (decided_by <> '' AND decided_by <> made_by)",
            name=op.f("ck_money_entry_two_people"),
        ),
        _of("money_entry", "contributor_id", "contributor"),
        _of("money_entry", "programme_id", "programme"),
        _of("money_entry", "repair_id", "repair"),
        _of("money_entry", "reverses_id", "money_entry"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_entry")),
    )
    op.create_index(op.f("ix_money_entry_contributor_id"), "money_entry", ["contributor_id"])
    op.create_index(op.f("ix_money_entry_programme_id"), "money_entry", ["programme_id"])
    op.create_index(op.f("ix_money_entry_repair_id"), "money_entry", ["repair_id"])
    op.create_index(op.f("ix_money_entry_state_dated"), "money_entry", ["state", "dated"])
    not_refused = sa.text("state <> 'refused'")
    op.create_index(
        op.f("uq_money_entry_reversed"),
        "money_entry",
        ["reverses_id"],
        unique=True,
        sqlite_where=not_refused,
        postgresql_where=not_refused,
    )

    op.create_table(
        "proposal_repair",
        _number("proposal_id"),
        _number("repair_id"),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        _text("missing", 200),
        _of("proposal_repair", "proposal_id", "proposal"),
        _of("proposal_repair", "repair_id", "repair"),
        sa.PrimaryKeyConstraint("proposal_id", "repair_id", name=op.f("pk_proposal_repair")),
    )
    op.create_table(
        "quotation",
        _number("id", own=True),
        _number("repair_id"),
        _text("party", 200),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        _number("document_id", null=True),
        _text("text", 300),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        _moment("made_at"),
        _text("made_by", 100),
        _of("quotation", "document_id", "document"),
        _of("quotation", "repair_id", "repair"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotation")),
    )
    op.create_index(op.f("ix_quotation_repair_id"), "quotation", ["repair_id"])

    op.create_table(
        "repair_step",
        _number("id", own=True),
        _number("repair_id"),
        _moment("at"),
        _text("state", 20),
        sa.Column("text", sa.Text(), nullable=False),
        _moment("made_at"),
        _text("made_by", 100),
        _of("repair_step", "repair_id", "repair"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_step")),
    )
    op.create_index(op.f("ix_repair_step_repair_id"), "repair_step", ["repair_id"])

    op.create_table(
        "report_schedule",
        _number("id", own=True),
        _text("kind", 24),
        sa.Column("asked", sa.JSON(), nullable=False),
        _text("format", 8),
        _text("language", 2),
        _text("every", 8),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        _number("channel_id", null=True),
        _moment("made_at"),
        _text("made_by", 100),
        _moment("ended_at", null=True),
        sa.Column("made_until", sa.Date(), nullable=True),
        _of("report_schedule", "channel_id", "alert_channel"),
        _of("report_schedule", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedule")),
    )
    op.create_table(
        "document_use",
        _number("id", own=True),
        _number("document_id"),
        _number("programme_id", null=True),
        sa.Column("point_id", sa.Integer(), nullable=True),
        _number("entry_id", null=True),
        _number("repair_id", null=True),
        _of("document_use", "document_id", "document"),
        _of("document_use", "entry_id", "money_entry"),
        _of("document_use", "point_id", "point"),
        _of("document_use", "programme_id", "programme"),
        _of("document_use", "repair_id", "repair"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_use")),
    )
    op.create_index(op.f("ix_document_use_document_id"), "document_use", ["document_id"])
    op.create_index(op.f("ix_document_use_entry_id"), "document_use", ["entry_id"])
    op.create_index(op.f("ix_document_use_point_id"), "document_use", ["point_id"])
    op.create_index(op.f("ix_document_use_programme_id"), "document_use", ["programme_id"])
    op.create_index(op.f("ix_document_use_repair_id"), "document_use", ["repair_id"])

    op.create_table(
        "made_report",
        _number("id", own=True),
        _number("schedule_id", null=True),
        _text("kind", 24),
        sa.Column("asked", sa.JSON(), nullable=False),
        _text("format", 8),
        _text("language", 2),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        _text("state", 16),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _moment("made_at"),
        _text("made_by", 100),
        _moment("began_at", null=True),
        _moment("ended_at", null=True),
        _moment("leased_until", null=True),
        _moment("expires_at", null=True),
        _text("name", 200),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        _text("sha256", 64),
        _text("error", 300),
        _of("made_report", "schedule_id", "report_schedule"),
        _of("made_report", "unit_id", "unit"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_made_report")),
    )
    op.create_index(op.f("ix_made_report_schedule_id"), "made_report", ["schedule_id"])
    op.create_index(op.f("ix_made_report_state_made_at"), "made_report", ["state", "made_at"])

    op.create_table(
        "money_share",
        _number("id", own=True),
        _number("entry_id"),
        sa.Column("point_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        _of("money_share", "entry_id", "money_entry"),
        _of("money_share", "point_id", "point"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_share")),
        sa.UniqueConstraint("entry_id", "point_id", name=op.f("uq_money_share_entry_id_point_id")),
    )
    op.create_index(op.f("ix_money_share_point_id"), "money_share", ["point_id"])

    op.create_table(
        "repair_eye",
        _number("repair_id"),
        sa.Column("eye_id", sa.Integer(), nullable=False),
        _of("repair_eye", "eye_id", "eye"),
        _of("repair_eye", "repair_id", "repair"),
        sa.PrimaryKeyConstraint("repair_id", "eye_id", name=op.f("pk_repair_eye")),
    )
    # Not as a batch: that makes the table anew on SQLite, and who refers to it would be deleted with the old.
    number = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    op.execute(
        f"ALTER TABLE message ADD COLUMN report_id {number} "
        "CONSTRAINT fk_message_report_id_made_report REFERENCES made_report (id)"
    )
    op.execute("INSERT INTO topic_version (topic, version) VALUES ('money', 0)")
    _make_final(op.get_bind().dialect.name)


def _make_final(dialect: str) -> None:
    """What was decided of money, and what was done when about a repair, stays as it was written."""
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION written_is_final() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'what was decided of money, or done about a repair, is final'; END $$"
        )
        op.execute(
            "CREATE TRIGGER money_entry_is_final_update BEFORE UPDATE ON money_entry "
            "FOR EACH ROW WHEN (OLD.state <> 'waiting') EXECUTE FUNCTION written_is_final()"
        )
        op.execute(
            "CREATE TRIGGER money_entry_is_final BEFORE DELETE OR TRUNCATE ON money_entry "
            "FOR EACH STATEMENT EXECUTE FUNCTION written_is_final()"
        )
        for table in FINAL:
            op.execute(
                f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION written_is_final()"
            )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'what was decided of money, or done about a repair, is final'); END"
    op.execute(
        "CREATE TRIGGER money_entry_is_final_update BEFORE UPDATE ON money_entry "
        f"WHEN OLD.state <> 'waiting' {refuse}"
    )
    op.execute(f"CREATE TRIGGER money_entry_is_final_delete BEFORE DELETE ON money_entry {refuse}")
    for table in FINAL:
        for deed in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_is_final_{deed.lower()} BEFORE {deed} ON {table} {refuse}")


def downgrade() -> None:
    op.execute("DELETE FROM topic_version WHERE topic = 'money'")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_column("message", "report_id")
    else:
        with op.batch_alter_table("message") as message:
            message.drop_column("report_id")
    for table in (
        "repair_eye",
        "money_share",
        "made_report",
        "document_use",
        "report_schedule",
        "repair_step",
        "quotation",
        "proposal_repair",
        "money_entry",
        "upkeep",
        "repair",
        "proposal",
        "programme",
        "letterhead",
        "contributor",
        "asset",
        "document",
    ):
        op.drop_table(table)  # its triggers go with it
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION written_is_final()")
