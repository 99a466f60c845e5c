"""The two heads, and the triggers that keep both streams append-only."""

from typing import Any

from django.db import migrations

# table -> the head that belongs to it
_GUARDED = {
    "governance_fact": "Head",
    "governance_callevent": "CallHead",
    "governance_checkpoint": "Head",
    "governance_callcheckpoint": "CallHead",
}


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
    """Create each head, and the triggers of the tables that live in this database."""
    from django.db import router

    connection = schema_editor.connection
    make = _sqlite if connection.vendor == "sqlite" else _postgresql
    for table, head in _GUARDED.items():
        model = table.removeprefix("governance_")
        if not router.allow_migrate(connection.alias, "governance", model_name=model):
            continue
        apps.get_model("governance", head).objects.using(connection.alias).get_or_create(pk=1)
        for statement in make(table):
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    """Runs in every database; each does what concerns its own tables."""

    dependencies = [("governance", "0001_initial")]
    operations = [migrations.RunPython(guard, migrations.RunPython.noop)]
