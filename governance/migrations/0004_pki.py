"""The tables of the public key infrastructure."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds them."""

    dependencies = [
        ("governance", "0003_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="Authority",
            fields=[
                ("id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("issuer", models.CharField(max_length=63)),
                ("kind", models.CharField(max_length=12)),
                ("parent", models.CharField(blank=True, max_length=36)),
                ("state", models.CharField(max_length=8)),
                ("common_name", models.CharField(max_length=64)),
                ("serial", models.CharField(max_length=40)),
                ("key_id", models.CharField(max_length=40)),
                ("not_before", models.DateTimeField()),
                ("not_after", models.DateTimeField()),
                ("pem", models.TextField()),
                ("cross_pem", models.TextField(blank=True)),
                ("sealed_key", models.BinaryField(null=True)),
                ("imported", models.BooleanField(default=False)),
                ("crl_number", models.PositiveBigIntegerField(default=0)),
                ("crl", models.BinaryField(null=True)),
                ("crl_next_at", models.DateTimeField(null=True)),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Issued",
            fields=[
                ("serial", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("authority", models.CharField(db_index=True, max_length=36)),
                ("holder", models.CharField(db_index=True, max_length=140)),
                ("number", models.PositiveIntegerField(default=0)),
                ("uris", models.JSONField(default=list)),
                ("dns_names", models.JSONField(default=list)),
                ("not_before", models.DateTimeField()),
                ("not_after", models.DateTimeField(db_index=True)),
                ("chain_pem", models.TextField()),
                ("key_id", models.CharField(blank=True, db_index=True, max_length=40)),
                ("renews", models.CharField(blank=True, db_index=True, max_length=40)),
                ("sealed_key", models.BinaryField(null=True)),
                ("spec", models.JSONField(null=True)),
                ("issued_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(db_index=True, null=True)),
                ("revoked_reason", models.CharField(blank=True, max_length=30)),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Issuer",
            fields=[
                ("name", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("signer", models.CharField(max_length=36)),
                ("namespaces", models.JSONField(default=list)),
                ("dns_names", models.JSONField(default=list)),
                ("max_duration_s", models.PositiveBigIntegerField()),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="JoinToken",
            fields=[
                ("id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("namespace", models.CharField(max_length=63)),
                ("workload", models.CharField(max_length=63)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="NameClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(db_index=True, max_length=253)),
                ("below", models.CharField(blank=True, db_index=True, max_length=253)),
                ("namespace", models.CharField(max_length=63)),
                ("holder", models.CharField(db_index=True, max_length=140)),
                ("until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RootRotation",
            fields=[
                ("id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("phase", models.CharField(max_length=12)),
                ("old_root", models.CharField(max_length=36)),
                ("new_root", models.CharField(max_length=36)),
                ("old_signer", models.CharField(max_length=36)),
                ("new_signer", models.CharField(max_length=36)),
                ("issuer", models.CharField(max_length=63)),
                ("began_at", models.DateTimeField()),
                ("phase_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("revision", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Certificate",
            fields=[
                ("uid", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("namespace", models.CharField(max_length=63)),
                ("name", models.CharField(max_length=63)),
                ("issuer", models.CharField(db_index=True, max_length=63)),
                ("secret_name", models.CharField(max_length=63)),
                ("spec", models.JSONField()),
                ("generation", models.PositiveIntegerField(default=1)),
                ("issued_generation", models.PositiveIntegerField(default=0)),
                ("number", models.PositiveIntegerField(default=0)),
                ("serial", models.CharField(blank=True, max_length=40)),
                ("not_before", models.DateTimeField(null=True)),
                ("not_after", models.DateTimeField(db_index=True, null=True)),
                ("renew_at", models.DateTimeField(db_index=True, null=True)),
                ("plan_warning", models.CharField(blank=True, max_length=300)),
                ("reason", models.CharField(max_length=30)),
                ("attempt_at", models.DateTimeField(db_index=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("last_failure_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                ("claim", models.CharField(blank=True, max_length=36)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("revision", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("namespace", "name"), name="certificate_name"),
                    models.UniqueConstraint(fields=("namespace", "secret_name"), name="certificate_secret"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Holding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("consumer", models.CharField(max_length=300)),
                ("process", models.CharField(max_length=120)),
                ("secret", models.CharField(max_length=140)),
                ("serial", models.CharField(blank=True, max_length=40)),
                ("roots", models.CharField(blank=True, max_length=64)),
                ("how", models.CharField(max_length=12)),
                ("seen_at", models.DateTimeField(db_index=True)),
                ("gone_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("consumer", "process", "secret"), name="holding_of")],
            },
        ),
        migrations.CreateModel(
            name="Transport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("namespace", models.CharField(max_length=63)),
                ("service", models.CharField(max_length=63)),
                ("mode", models.CharField(max_length=10)),
                ("server_uris", models.JSONField(default=list)),
                ("revision", models.BigIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("namespace", "service"), name="transport_service")],
            },
        ),
        migrations.CreateModel(
            name="Workload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("namespace", models.CharField(max_length=63)),
                ("name", models.CharField(max_length=63)),
                ("enabled", models.BooleanField(default=True)),
                ("serial", models.CharField(blank=True, max_length=40)),
                ("revision", models.BigIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("namespace", "name"), name="workload_name")],
            },
        ),
    ]
