"""People, beside Django's users."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the table of people."""

    dependencies = [("governance", "0002_heads_and_triggers")]
    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("username", models.CharField(max_length=150, primary_key=True, serialize=False)),
                ("must_change_password", models.BooleanField(default=False)),
                ("password_set_at", models.DateTimeField()),
                ("revision", models.BigIntegerField()),
            ],
        ),
    ]
