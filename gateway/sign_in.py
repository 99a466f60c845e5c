"""Signing in with a name and a password: who may, what is recorded, and under which addresses."""

from typing import Any

from allauth.account import views
from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ValidationError
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import path

from gateway import sessions
from governance.access import queries
from governance.access.commands import SetPassword
from governance.compliance.stream import calls
from governance.compliance.values import CallRecord, Outcome
from governance.ledger.execute import execute

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", views.password_change, name="account_change_password"),
]


class SignIn(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no type information
    """What allauth asks of this installation."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes themselves an account."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Record an attempt that is refused because there were too many; allauth itself tells nobody."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            _record(request, "access.session.open", credentials.get("username", ""), "refused", "too many attempts")
            raise

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: pages say by themselves what happened, and messages that nobody shows pile up in a cookie."""

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Where someone goes with the new password: to the dashboard."""
        return str(settings.LOGIN_REDIRECT_URL)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Change one's own password: a command like every other change."""
        command = SetPassword(username=user.get_username(), password_hash=make_password(password))
        execute(command, by=sessions.person_of(self.request, door="page"))
        user.refresh_from_db(fields=["password"])


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    sessions.begin(request.session)
    _record(request, "access.session.open", user.get_username(), "success", "")


@receiver(user_login_failed)
def _not_signed_in(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None:
        _record(request, "access.session.open", credentials.get("username", ""), "refused", "wrong name or password")


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:
        _record(request, "access.session.close", user.get_username(), "success", "")


def _record(request: HttpRequest, action: str, username: str, outcome: Outcome, message: str) -> None:
    """Name the person only where there is one: people type their password into the field for the name."""
    known = queries.person(username.lower()) is not None
    proven = known and outcome == "success"
    calls().record(
        CallRecord(
            action=action,
            thing=f"person/{username.lower()}" if known else "",
            actor=username.lower() if proven else "anonymous",
            actor_kind="person" if proven else "stranger",
            outcome=outcome,
            status="OK" if outcome == "success" else "UNAUTHENTICATED",
            message=message,
            door="page",
            address=request.META.get("REMOTE_ADDR", ""),
        )
    )
