"""People, roles and tokens over REST, by session and by token."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from governance.access.queries import actor_of_token, actor_of_user
from tests.gateway.rest.conftest import PASSWORD, Enrol, Program, Recorded

SignIn = Callable[[str], Client]


@pytest.fixture
def sign_in(enrol: Enrol) -> SignIn:
    """A browser of someone of that role, signed in; CSRF tokens are checked as in the product."""

    def browse(role: str) -> Client:
        enrol(role, password=PASSWORD)
        client = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
        client.get("/accounts/login/")
        token = client.cookies["governor_csrf"].value
        body = {"login": f"{role}-all", "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert client.post("/accounts/login/", body).status_code == 302
        return client

    return browse


def _post(client: Client, path: str, body: dict[str, object], **headers: str) -> tuple[int, dict[str, object]]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.post(path, body, content_type="application/json", headers=sent)
    return answer.status_code, answer.json()


def test_a_session_needs_its_csrf_token_to_change_something(sign_in: SignIn, recorded: Recorded) -> None:
    client = sign_in("operator")
    body: dict[str, object] = {"namespace": "shop", "name": "cart"}
    assert client.get("/api/v1/services").status_code == 200
    assert _post(client, "/api/v1/services", body)[0] == 403
    assert _post(client, "/api/v1/services", body, x_csrftoken="x" * 64)[0] == 403
    token = client.cookies["governor_csrf"].value
    evil = {"x_csrftoken": token, "origin": "https://evil.example"}
    assert _post(client, "/api/v1/services", body, **evil)[0] == 403
    assert _post(client, "/api/v1/services", body, x_csrftoken=token)[0] == 201


def test_a_person_makes_a_token_that_is_shown_once(sign_in: SignIn, recorded: Recorded) -> None:
    client = sign_in("operator")
    headers = {"x_csrftoken": client.cookies["governor_csrf"].value, "idempotency_key": "k1"}
    body: dict[str, object] = {"name": "deploy", "roles": [{"role": "operator", "namespace": "shop"}]}
    status, answer = _post(client, "/api/v1/tokens", body, **headers)
    assert status == 201
    assert actor_of_token(str(answer["token"])).may("traffic.write", "shop")
    status, again = _post(client, "/api/v1/tokens", body, **headers)
    assert (status, again["token"], again["replayed"]) == (200, "", True)
    found = {each["name"]: each for each in client.get("/api/v1/tokens").json()["tokens"]}
    assert "digest" not in found["deploy"]
    assert str(answer["token"]) not in str(recorded())


def test_a_token_cannot_make_tokens_but_can_end(operator: Program, recorded: Recorded) -> None:
    made = operator.ask("POST", "/api/v1/tokens", {"name": "more", "roles": [{"role": "viewer"}]})
    assert made.status == 403
    (own,) = operator.ask("GET", "/api/v1/tokens").body["tokens"]
    assert operator.ask("DELETE", f"/api/v1/tokens/{own['id']}").status == 200
    assert operator.ask("GET", "/api/v1/me").status == 401


def test_one_does_not_see_or_end_the_tokens_of_others(enrol: Enrol, operator: Program, recorded: Recorded) -> None:
    (foreign,) = operator.ask("GET", "/api/v1/tokens").body["tokens"]
    viewer = enrol("viewer")
    assert foreign["id"] not in str(viewer.ask("GET", "/api/v1/tokens").body)
    assert viewer.ask("DELETE", f"/api/v1/tokens/{foreign['id']}").status == 404


def test_security_adds_someone_who_then_has_a_one_time_password(enrol: Enrol, recorded: Recorded) -> None:
    security = enrol("security")
    made = security.ask("POST", "/api/v1/people", {"username": "erin"})
    assert made.status == 201
    assert len(made.body["one_time_password"]) == 24
    assert security.ask("POST", "/api/v1/people/erin/roles", {"role": "viewer"}).status == 200
    assert security.ask("GET", "/api/v1/people/erin").body["must_change_password"] is True
    assert not actor_of_user("erin").may("registry.read")
    assert made.body["one_time_password"] not in str(recorded())


def test_a_password_is_reset_by_a_person_never_by_a_token(
    sign_in: SignIn, enrol: Enrol, operator: Program, recorded: Recorded
) -> None:
    client, _ = sign_in("security"), enrol("viewer")
    path, csrf = "/api/v1/people/viewer-all:reset-password", client.cookies["governor_csrf"].value
    assert operator.ask("POST", path).status == 403
    status, answer = _post(client, path, {}, x_csrftoken=csrf)
    assert (status, answer["detail"]) == (400, "no body is taken here")
    done = client.generic("POST", path, headers={"x-csrftoken": csrf})
    assert len(json.loads(done.content)["one_time_password"]) == 24
    assert not actor_of_user("viewer-all").may("registry.read")


def test_roles_are_withdrawn_and_people_disabled(enrol: Enrol, recorded: Recorded) -> None:
    security, _ = enrol("security"), enrol("viewer")
    person = "/api/v1/people/viewer-all"
    assert security.ask("POST", f"{person}:reset-password").status == 403
    assert security.ask("POST", f"{person}:disable").body["after"]["active"] is False
    assert security.ask("POST", f"{person}:enable").body["after"]["active"] is True
    assert security.ask("DELETE", f"{person}/roles/*/viewer").status == 200
    assert security.ask("GET", person).body["roles"] == []


@pytest.mark.parametrize("role", ["operator", "admin"])
def test_security_grants_no_more_than_it_holds(enrol: Enrol, recorded: Recorded, role: str) -> None:
    security, _ = enrol("security"), enrol("viewer")
    answer = security.ask("POST", "/api/v1/people/viewer-all/roles", {"role": role})
    assert (answer.status, answer.fields) == (403, ["role"])


def test_everyone_learns_who_they_are(enrol: Enrol, recorded: Recorded) -> None:
    me = enrol("viewer", namespace="shop").ask("GET", "/api/v1/me").body
    assert (me["name"], me["kind"]) == ("viewer-shop/ci", "token")
    assert "registry.read" in me["permissions"]["shop"]
