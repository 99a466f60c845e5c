"""The tables of certificate transparency: gates, proofs, findings, what is known of logs and seen on ports."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds them."""

    dependencies = [
        ("governance", "0005_ct_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=200, unique=True)),
                ("kind", models.CharField(max_length=24)),
                ("namespace", models.CharField(db_index=True, max_length=63)),
                ("subject", models.CharField(max_length=300)),
                ("message", models.CharField(max_length=500)),
                ("detail", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(db_index=True, null=True)),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="KnownLog",
            fields=[
                ("log_id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("checkpoint", models.TextField(blank=True)),
                ("size", models.BigIntegerField(default=0)),
                ("root", models.BinaryField(default=b"")),
                ("checkpoint_at", models.DateTimeField(null=True)),
                ("believed_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("next_index", models.BigIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("failing_since", models.DateTimeField(null=True)),
                ("lie", models.CharField(blank=True, max_length=20)),
                ("lie_message", models.CharField(blank=True, max_length=500)),
                ("lie_evidence", models.JSONField(default=dict)),
                ("lie_at", models.DateTimeField(null=True)),
                ("claim", models.CharField(blank=True, max_length=36)),
                ("claimed_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="LogProof",
            fields=[
                ("serial", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("proofs", models.JSONField()),
                ("proven_at", models.DateTimeField()),
                ("revision", models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="PendingIssue",
            fields=[
                ("uid", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("namespace", models.CharField(max_length=63)),
                ("name", models.CharField(max_length=63)),
                ("serial", models.CharField(max_length=40, unique=True)),
                ("number", models.PositiveIntegerField()),
                ("generation", models.PositiveIntegerField()),
                ("since", models.DateTimeField()),
                ("why", models.CharField(max_length=500)),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="TransparencyCheck",
            fields=[
                ("serial", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=10)),
                ("why", models.CharField(blank=True, max_length=500)),
                ("checked_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="TransparencyGate",
            fields=[
                ("issuer", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("mode", models.CharField(max_length=6)),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Listener",
            fields=[
                ("id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("namespace", models.CharField(max_length=63)),
                ("address", models.CharField(max_length=260)),
                ("server_name", models.CharField(blank=True, max_length=253)),
                ("revision", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("namespace", "address", "server_name"), name="listener_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ServedCertificate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=260)),
                ("server_name", models.CharField(blank=True, max_length=253)),
                ("namespace", models.CharField(max_length=63)),
                ("service", models.CharField(blank=True, max_length=63)),
                ("serial", models.CharField(blank=True, max_length=40)),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                ("chain_pem", models.TextField(blank=True)),
                ("since", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField(db_index=True)),
                ("error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("namespace", "service", "address", "server_name"), name="served_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WatchedNames",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("names", models.JSONField(default=list)),
                ("revision", models.BigIntegerField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_row_of_watched_names")],
            },
        ),
    ]
