"""People, their roles, and tokens."""

from typing import Any

from django.contrib.auth.hashers import make_password
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import PAGE, etag, page_size, position, terms_of, token
from gateway.rest.declare import changes, reads
from gateway.rest.scope import visible
from gateway.rest.shapes import access as shapes
from gateway.rest.view import GovernedView
from governance.access import commands, queries, tokens
from governance.access.setup import one_time_password
from governance.access.values import Person, RoleGrant, TokenSpec
from governance.kernel.errors import NotFound


class Me(GovernedView):
    """The caller."""

    topic = "me"

    @reads("access.self", shapes.Me)
    def get(self, request: Request) -> Response:
        """Say who is calling, and what they may do."""
        held = {space: sorted(permissions) for space, permissions in self.actor.grants.items()}
        return Response(shapes.Me({"name": self.actor.name, "kind": self.actor.kind, "permissions": held}).data)


class Tokens(GovernedView):
    """The caller's own tokens."""

    topic = "tokens"

    @reads("access.self", shapes.TokenPage, query=PAGE)
    def get(self, request: Request) -> Response:
        """List one's own tokens, those that ended included."""
        size, place = page_size(request), position(request, str)
        owner = self.actor.name.partition("/")[0]
        found = queries.owned_tokens(owner, after=place[0] if place else "", limit=size + 1)
        answer = {"tokens": found[:size], "next_page_token": token(found[size - 1].id) if len(found) > size else ""}
        return Response(shapes.TokenPage(answer).data)

    @changes("access.self", form=forms.NewToken, shape=shapes.MadeToken, status=201)
    def post(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else: a replayed answer does not hold it."""
        body = self.body(request)
        secret = tokens.make()
        spec = TokenSpec(
            name=body["name"],
            grants=tuple(RoleGrant(**each) for each in body["roles"]),
            lifetime_s=body["lifetime_s"],
        )
        command = commands.CreateToken(owner=self.actor.name, spec=spec, digest=tokens.digest(secret))
        response = self.execute(request, command, reason=body["reason"], created=201)
        response.data["token"] = secret if response.status_code == 201 else ""
        return response


class OneToken(GovernedView):
    """One token."""

    topic = "token"

    @changes("access.self")
    def delete(self, request: Request, token_id: str) -> Response:
        """Revoke a token: one's own, or with access.write anyone's."""
        return self.execute(request, commands.RevokeToken(id=token_id))


class People(GovernedView):
    """Who there is."""

    topic = "people"

    @reads("access.read", shapes.PersonPage, query=PAGE)
    def get(self, request: Request) -> Response:
        """List people by name, with the roles they hold in the namespaces that the caller may read."""
        size, place = page_size(request), position(request, str)
        spaces = visible(self.actor, "access.read")
        found = queries.people(namespaces=spaces, after=place[0] if place else "", limit=size + 1)
        answer = {
            "people": found[:size],
            "next_page_token": token(found[size - 1].username) if len(found) > size else "",
        }
        return Response(shapes.PersonPage(answer).data)

    @changes("access.write", form=forms.NewPerson, shape=shapes.OneTimePassword, status=201)
    def post(self, request: Request) -> Response:
        """Add someone without any role; the one-time password is in this answer and nowhere else."""
        body = self.body(request)
        password = one_time_password()
        command = commands.CreatePerson(username=body["username"], password_hash=make_password(password))
        response = self.execute(request, command, reason=body["reason"], created=201)
        response.data["one_time_password"] = password if response.status_code == 201 else ""
        return response


class OnePerson(GovernedView):
    """One person."""

    topic = "person"

    @reads("access.read", shapes.Person)
    def get(self, request: Request, username: str) -> Response:
        """Read a person's roles and state."""
        person = self._visible(username)
        return Response(shapes.Person(person).data, headers={"ETag": etag(person.revision)})

    def _visible(self, username: str) -> Person:
        found = queries.people(namespaces=visible(self.actor, "access.read"), name=username)
        if not found:
            raise NotFound(f"there is no person {username}", field="username")
        return found[0]


class DisablePerson(GovernedView):
    """Someone's way in, closed."""

    topic = "person_disabling"

    @changes("access.write")
    def post(self, request: Request, username: str) -> Response:
        """Keep someone from signing in, and stop their tokens."""
        return self.execute(request, commands.DisablePerson(username=username))


class EnablePerson(GovernedView):
    """Someone's way in, opened again."""

    topic = "person_enabling"

    @changes("access.write")
    def post(self, request: Request, username: str) -> Response:
        """Let someone sign in again."""
        return self.execute(request, commands.EnablePerson(username=username))


class ResetPassword(GovernedView):
    """Someone's password."""

    topic = "password"

    @changes("access.write", shape=shapes.OneTimePassword)
    def post(self, request: Request, username: str) -> Response:
        """Replace it by a one-time password, which is in this answer and nowhere else."""
        password, terms = one_time_password(), terms_of(request)
        command = commands.SetPassword(
            username=username, password_hash=make_password(password), must_change_password=True
        )
        response = self.execute(request, command, terms=terms)
        shown: dict[str, Any] = response.data
        shown["one_time_password"] = "" if shown["replayed"] or terms.validate_only else password
        return response


class Roles(GovernedView):
    """The roles of one person."""

    topic = "roles"

    @changes("access.write", form=forms.RoleForm)
    def post(self, request: Request, username: str) -> Response:
        """Grant a role that the caller holds too."""
        body = self.body(request)
        reason = body.pop("reason")
        return self.execute(request, commands.GrantRole(username=username, **body), reason=reason)


class OneRole(GovernedView):
    """One role of one person in one namespace."""

    topic = "role"

    @changes("access.write")
    def delete(self, request: Request, username: str, namespace: str, role: str) -> Response:
        """Withdraw it."""
        return self.execute(request, commands.WithdrawRole(username=username, namespace=namespace, role=role))
