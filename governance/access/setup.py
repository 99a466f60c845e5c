"""The first admin, made at the first start."""

import secrets

from django.conf import settings
from django.contrib.auth.hashers import make_password

from governance.access import queries
from governance.access.commands import CreatePerson, GrantRole, SetPassword
from governance.kernel.actor import SYSTEM
from governance.kernel.errors import Invalid
from governance.ledger.execute import execute

ADMIN = "admin"
MIN_PASSWORD = 12


def ensure_admin() -> str | None:
    """Make the person `admin` with the role admin unless someone holds it; return a password that was made up.

    The caller prints that password once: it is kept nowhere, and must be changed at the first sign-in. With
    GOV_ADMIN_PASSWORD(_FILE) nothing is made up. After a crash half-way the next start finishes the work.
    """
    if queries.admins():
        return None
    given = settings.GOV.admin_password
    if given and len(given) < MIN_PASSWORD:
        raise Invalid(f"has {len(given)} characters; at least {MIN_PASSWORD} are needed", field="GOV_ADMIN_PASSWORD")
    password = given or one_time_password()
    kind = CreatePerson if queries.person(ADMIN) is None else SetPassword
    execute(
        kind(username=ADMIN, password_hash=make_password(password), must_change_password=not given),
        by=SYSTEM,
        reason="first start",
    )
    execute(GrantRole(username=ADMIN, role="admin"), by=SYSTEM, reason="first start")
    return None if given else password


def one_time_password() -> str:
    """A new password of 144 random bits."""
    return secrets.token_urlsafe(18)
