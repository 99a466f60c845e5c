"""Which certificates the HTTPS port shows, whatever tenants have made of theirs."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from gateway import https
from gateway.https import Https
from gateway.tls import edge
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import IssueNow, RevokeCertificate
from governance.pki.queries.authorities import roots_pem
from governance.pki.setup import ensure_pki
from governance.pki.values import KeySpec
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.product import eventually
from tests.pki.conftest import DOMAIN, clock_at, seen, want
from tests.pki.spoiling import seal_otherwise, spoil_key

US = f"spiffe://{DOMAIN}/ns/governor/sa/control-plane"
NOBODY = ["nobody.invalid"]


@pytest.fixture
def pki(house: House) -> House:
    """A house after its first start, with the certificate of a tenant that is to be shown."""
    ensure_pki()
    tenant("good")
    return house


def tenant(name: str, namespace: str = "shop", **values: Any) -> None:
    """A certificate that the control plane is to show."""
    names = {"dns_names": (f"{name}.shop.example",)}
    want(name, namespace=namespace, **(names | {"consumers": (US,)} | values))
    assert issue_due() == 1


@pytest.fixture
def following() -> Iterator[Callable[[], Https]]:
    """Start what follows the ledger; it is stopped at the end."""
    started: list[Https] = []

    def start() -> Https:
        started.append(Https())
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


def shown(on: Https, name: str) -> list[str]:
    """The DNS names of the certificate that a real handshake gets which asks for `name`; none when it fails."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        plain, _ = door.accept()
        try:
            with on.edge.context.wrap_socket(plain, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            plain.close()

    server = threading.Thread(target=serve)
    server.start()
    context = ssl.create_default_context(cadata=roots_pem() or None)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # also a bad one is to be seen
    try:
        with (
            socket.create_connection(door.getsockname(), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
            secured.send(b".")
    except ssl.SSLError:
        return []
    finally:
        server.join()
        door.close()
    assert der is not None
    names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return list(names.value.get_values_for_type(x509.DNSName))


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]


def _without_names() -> None:
    tenant("bad", dns_names=(), uris=(f"spiffe://{DOMAIN}/ns/shop/sa/bad",))


def _with_names_twice() -> None:
    tenant("later", dns_names=("new.shop.example", "good.shop.example"))


def _with_an_altered_key() -> None:
    tenant("bad")
    spoil_key("bad")


def _with_another_key() -> None:
    tenant("bad")
    seal_otherwise("bad")


@pytest.mark.parametrize("spoil", [_without_names, _with_names_twice, _with_an_altered_key, _with_another_key])
def test_a_tenants_bad_certificate_keeps_nobody_elses_from_being_shown(
    pki: House, spoil: Callable[[], None], following: Callable[[], Https], caplog: pytest.LogCaptureFixture
) -> None:
    running = following()
    spoil()
    tenant("next")
    eventually(lambda: shown(running, "next.shop.example") == ["next.shop.example"], what="the good one after it")
    for each in (running, Https()):  # also at a start
        for name in ("good", "next"):
            assert shown(each, f"{name}.shop.example") == [f"{name}.shop.example"]
        assert "localhost" in shown(each, "localhost")
        assert shown(each, "new.shop.example") == NOBODY
    assert any("shop/bad" in each or "shop/later" in each for each in _errors(caplog))


def test_a_tenants_expired_certificate_keeps_nobody_elses_from_being_shown(
    pki: House, caplog: pytest.LogCaptureFixture
) -> None:
    tenant("short", duration_s=3600, renewal="Disabled")
    with clock_at(now() + timedelta(hours=2)):
        before = https.refused_total._value.get()
        started = Https()
        assert https.refused_total._value.get() == before + 1
    assert shown(started, "short.shop.example") == NOBODY
    assert shown(started, "good.shop.example") == ["good.shop.example"]
    assert "shop/short" in _errors(caplog)[0]
    assert "expired" in _errors(caplog)[0]


def test_one_that_expires_while_it_is_shown_does_not_keep_a_new_one_from_being_shown(pki: House) -> None:
    tenant("short", duration_s=3600, renewal="Disabled")
    running = Https()
    revision = ledger.head_revision()
    with clock_at(now() + timedelta(hours=2)):
        tenant("next")
        running._apply(ledger.after(revision))
    assert shown(running, "next.shop.example") == ["next.shop.example"]
    assert shown(running, "short.shop.example") == NOBODY


def test_a_key_that_does_not_open_any_more_leaves_what_was_shown(pki: House, following: Callable[[], Https]) -> None:
    running = following()
    spoil_key("good")
    want("good", dns_names=("good.shop.example",), consumers=(US,), revision_history_limit=2)
    tenant("next")
    eventually(lambda: shown(running, "next.shop.example") == ["next.shop.example"])
    assert shown(running, "good.shop.example") == ["good.shop.example"]


def test_a_revoked_one_is_shown_no_more(pki: House, following: Callable[[], Https]) -> None:
    running = following()
    assert shown(running, "good.shop.example") == ["good.shop.example"]
    command = RevokeCertificate(namespace="shop", serial=seen("good").serial, replace=False)
    execute(command, by=SYSTEM)
    eventually(lambda: shown(running, "good.shop.example") == NOBODY)


def test_a_certificate_of_which_it_is_no_consumer_is_not_shown(pki: House, following: Callable[[], Https]) -> None:
    running = following()
    tenant("other", consumers=(f"{US}-2",))
    tenant("next")
    eventually(lambda: shown(running, "next.shop.example") == ["next.shop.example"])
    assert shown(running, "other.shop.example") == NOBODY


def test_the_keys_of_others_certificates_are_not_opened(pki: House, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("other", "one"):
        tenant(name, consumers=(f"{US}-2",))
        spoil_key(name)
    running = Https()
    revision = ledger.head_revision()
    execute(IssueNow(namespace="shop", name="one"), by=SYSTEM)
    spoil_key("one")
    running._apply(ledger.after(revision))
    assert _errors(caplog) == []


def test_without_our_own_certificate_handshakes_fail_until_it_is_there(
    house: House, following: Callable[[], Https], caplog: pytest.LogCaptureFixture
) -> None:
    running = following()
    assert shown(running, "localhost") == []
    assert "governor/control-plane" in _errors(caplog)[0]
    ensure_pki()
    eventually(lambda: "localhost" in shown(running, "localhost"))
    assert shown(running, "gone.example") == NOBODY


def test_our_own_that_does_not_open_any_more_stays_as_it_was(pki: House, following: Callable[[], Https]) -> None:
    running = following()
    spoil_key("control-plane", "governor")
    execute(IssueNow(namespace="governor", name="nobody"), by=SYSTEM)
    issue_due()
    tenant("next")
    eventually(lambda: shown(running, "next.shop.example") == ["next.shop.example"])
    assert "localhost" in shown(running, "localhost")
    assert shown(Https(), "localhost") == [], "a start has none of before"


def test_one_that_openssl_does_not_take_is_passed_over(
    pki: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tenant("weak", private_key=KeySpec(algorithm="RSA", size=2048))
    monkeypatch.setattr(edge, "CIPHERS", f"{edge.CIPHERS}:@SECLEVEL=3")  # as hardened machines have it
    started = Https()
    assert shown(started, "weak.shop.example") == NOBODY
    assert "localhost" in shown(started, "localhost")
    assert "refused by OpenSSL" in _errors(caplog)[0]
