"""The tables of the certificate log, and the triggers that keep it append-only."""

from typing import Any

from django.db import migrations, models

_GUARDED = ("governance_ctentry", "governance_ctissuer")


def _sqlite(table: str) -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
    ]


def _postgresql(table: str) -> list[str]:
    return [
        f"""CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$""",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    ]


def guard(apps: Any, schema_editor: Any) -> None:
    """Create the triggers of the tables that live in this database."""
    from django.db import router

    connection = schema_editor.connection
    make = _sqlite if connection.vendor == "sqlite" else _postgresql
    for table in _GUARDED:
        if router.allow_migrate(connection.alias, "governance", model_name=table.removeprefix("governance_")):
            for statement in make(table):
                schema_editor.execute(statement)


class Migration(migrations.Migration):
    """Runs in every database; each does what concerns its own tables."""

    dependencies = [("governance", "0004_pki")]
    operations = [
        migrations.CreateModel(
            name="CtEntry",
            fields=[
                ("index", models.BigIntegerField(primary_key=True, serialize=False)),
                ("timestamp_ms", models.BigIntegerField()),
                ("kind", models.CharField(max_length=7)),
                ("leaf", models.BinaryField()),
                ("tile_leaf", models.BinaryField()),
                ("sct", models.BinaryField()),
                ("identity", models.CharField(max_length=64, unique=True)),
                ("serial", models.CharField(db_index=True, max_length=40)),
                ("authority", models.CharField(max_length=64)),
                ("holder", models.CharField(blank=True, max_length=140)),
                ("source", models.CharField(max_length=9)),
            ],
        ),
        migrations.CreateModel(
            name="CtIssuer",
            fields=[
                ("fingerprint", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("der", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="CtLog",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=63, unique=True)),
                ("log_id", models.CharField(max_length=64)),
                ("public_key", models.BinaryField()),
                ("sealed_key", models.BinaryField()),
                ("submission_url", models.CharField(max_length=500)),
                ("size", models.BigIntegerField(default=0)),
                ("frontier", models.BinaryField(default=b"")),
                ("checkpoint", models.TextField()),
                ("checkpoint_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_ct_log")],
            },
        ),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
