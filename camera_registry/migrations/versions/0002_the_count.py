"""What leaves the count, incidents, rollups, closed months, custody."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CLOSED = ("closing", "closed_figure", "closed_point")


def upgrade() -> None:
    op.create_table(
        "closing",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("inputs_hash", sa.String(length=64), nullable=False),
        sa.Column("figures_hash", sa.String(length=64), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing")),
        sa.UniqueConstraint("month", "version", name=op.f("uq_closing_month_version")),
    )
    op.create_table(
        "incident",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ancestor_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_incident_started_at"), ["started_at"], unique=False)

    op.create_table(
        "maintenance",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recurrence", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.String(length=100), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=100), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
    )
    with op.batch_alter_table("maintenance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_maintenance_from_at"), ["from_at"], unique=False)

    op.create_table(
        "custody",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("manager", sa.String(length=200), nullable=False),
        sa.Column("electricity", sa.String(length=200), nullable=False),
        sa.Column("internet", sa.String(length=200), nullable=False),
        sa.Column("handed_over_on", sa.Date(), nullable=True),
        sa.Column("document", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["point_id"], ["point.id"], name=op.f("fk_custody_point_id_point"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody")),
        sa.UniqueConstraint("point_id", "valid_from", name=op.f("uq_custody_point_id_valid_from")),
    )
    op.create_table(
        "heartbeat",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("every_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_heartbeat_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
        sa.UniqueConstraint("site_id", "from_at", name=op.f("uq_heartbeat_site_id_from_at")),
    )
    op.create_table(
        "maintenance_scope",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("maintenance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["maintenance_id"],
            ["maintenance.id"],
            name=op.f("fk_maintenance_scope_maintenance_id_maintenance"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_scope")),
        sa.UniqueConstraint(
            "maintenance_id", "kind", "ref_id", name=op.f("uq_maintenance_scope_maintenance_id_kind_ref_id")
        ),
    )
    op.create_table(
        "closed_figure",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("closing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("eye_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("outages", sa.Integer(), nullable=False),
        sa.Column("ended_outages", sa.Integer(), nullable=False),
        sa.Column("ended_down", sa.BigInteger(), nullable=False),
        sa.Column("longest_down", sa.BigInteger(), nullable=False),
        sa.Column("blips", sa.Integer(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("degraded", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("maintenance", sa.BigInteger(), nullable=False),
        sa.Column("not_in_service", sa.BigInteger(), nullable=False),
        sa.Column("usable", sa.BigInteger(), nullable=False),
        sa.Column("unusable", sa.BigInteger(), nullable=False),
        sa.Column("down_judged", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_ok", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_failing", sa.BigInteger(), nullable=False),
        sa.Column("clock_ok", sa.BigInteger(), nullable=False),
        sa.Column("clock_failing", sa.BigInteger(), nullable=False),
        sa.Column("recording_ok", sa.BigInteger(), nullable=False),
        sa.Column("recording_failing", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["closing_id"], ["closing.id"], name=op.f("fk_closed_figure_closing_id_closing")
        ),
        sa.ForeignKeyConstraint(["eye_id"], ["eye.id"], name=op.f("fk_closed_figure_eye_id_eye")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_closed_figure_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_figure")),
    )
    with op.batch_alter_table("closed_figure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_closed_figure_closing_id"), ["closing_id"], unique=False)

    op.create_table(
        "closed_point",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("closing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.Column("not_served", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["closing_id"], ["closing.id"], name=op.f("fk_closed_point_closing_id_closing")
        ),
        sa.ForeignKeyConstraint(["point_id"], ["point.id"], name=op.f("fk_closed_point_point_id_point")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_closed_point_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_point")),
    )
    with op.batch_alter_table("closed_point", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_closed_point_closing_id"), ["closing_id"], unique=False)

    op.create_table(
        "incident_eye",
        sa.Column("incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("eye_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["eye_id"], ["eye.id"], name=op.f("fk_incident_eye_eye_id_eye"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incident.id"],
            name=op.f("fk_incident_eye_incident_id_incident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("incident_id", "eye_id", "from_at", name=op.f("pk_incident_eye")),
    )
    with op.batch_alter_table("incident_eye", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_eye_eye_id"), ["eye_id"], unique=False)

    op.create_table(
        "incident_due",
        sa.Column("eye_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["eye_id"], ["eye.id"], name=op.f("fk_incident_due_eye_id_eye"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("eye_id", name=op.f("pk_incident_due")),
    )
    op.create_table(
        "incident_fold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(length=32), nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_fold")),
    )
    op.create_table(
        "rollup",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("eye_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.BigInteger(), nullable=False),
        sa.Column("blips", sa.Integer(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("degraded", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.Column("maintenance", sa.BigInteger(), nullable=False),
        sa.Column("not_in_service", sa.BigInteger(), nullable=False),
        sa.Column("usable", sa.BigInteger(), nullable=False),
        sa.Column("unusable", sa.BigInteger(), nullable=False),
        sa.Column("down_judged", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_ok", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_failing", sa.BigInteger(), nullable=False),
        sa.Column("clock_ok", sa.BigInteger(), nullable=False),
        sa.Column("clock_failing", sa.BigInteger(), nullable=False),
        sa.Column("recording_ok", sa.BigInteger(), nullable=False),
        sa.Column("recording_failing", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["eye_id"], ["eye.id"], name=op.f("fk_rollup_eye_id_eye"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("month", "eye_id", "until", name=op.f("pk_rollup")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("rollup", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollup_eye_id_until"), ["eye_id", "until"], unique=False)

    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.add_column(sa.Column("canaries", sa.JSON(), server_default="[]", nullable=False))

    _freeze(op.get_bind().dialect.name)


def downgrade() -> None:
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_column("canaries")

    with op.batch_alter_table("rollup", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rollup_eye_id_until"))

    op.drop_table("rollup")
    with op.batch_alter_table("incident_eye", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_eye_eye_id"))

    op.drop_table("incident_eye")
    op.drop_table("incident_fold")
    op.drop_table("incident_due")
    with op.batch_alter_table("closed_figure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_closed_figure_closing_id"))

    with op.batch_alter_table("closed_point", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_closed_point_closing_id"))

    op.drop_table("closed_point")
    op.drop_table("closed_figure")
    op.drop_table("maintenance_scope")
    op.drop_table("heartbeat")
    op.drop_table("custody")
    with op.batch_alter_table("maintenance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_maintenance_from_at"))

    op.drop_table("maintenance")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_started_at"))
        batch_op.drop_index(batch_op.f("ix_incident_ended_at"))

    op.drop_table("incident")
    op.drop_table("closing")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION closed_is_final()")


def _freeze(dialect: str) -> None:
    """A closed month is never changed, not even by a hand in the database. Tables go with their triggers.

    A later revision that makes one of these tables anew (batch mode on SQLite) must make its triggers anew.
    """
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION closed_is_final() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'a closed month is final'; END $$"
        )
    for table in CLOSED:
        if dialect == "postgresql":
            op.execute(
                f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION closed_is_final()"
            )
        else:
            for deed in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_is_final_{deed.lower()} BEFORE {deed} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'a closed month is final'); END"
                )
