"""The public list of logs: what its publisher signed is in force, and stays in force whatever comes after."""

import functools
import http.server
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from governance.environment import BadEnvironment, read_environment
from governance.kernel.clock import now
from governance.kernel.errors import Unavailable
from governance.pki.ct import loglist, publiclist
from governance.pki.ct.auditing import check_live
from governance.pki.ct.fetching import make_client
from governance.pki.ct.logset import all_logs, listed, public_list
from governance.pki.ct.own.log import own_log
from governance.pki.queries.logs import checks
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import DAY, clock_at, head, seen, want
from tests.pki.ct.promising import Wanted, authority
from tests.pki.ct.publishing import KEY, follow, publish, usable
from tests.pki.ct.tailed import alarms, the


def test_without_an_address_there_is_no_list_and_no_alarm(pki: House) -> None:
    publiclist.keep_list(now())
    assert (public_list(), alarms()) == (None, [])


def test_a_signed_list_is_put_in_force(place: Path) -> None:
    oak = usable()
    publish(place, oak)
    publiclist.keep_list(now())
    assert oak.log_id in listed()
    assert oak.log_id in all_logs()
    assert alarms() == []
    before = head()
    publiclist.keep_list(now())
    assert head() == before


def test_while_nothing_was_ever_fetched_that_is_an_alarm(place: Path) -> None:
    publiclist.keep_list(now())
    assert "there is none" in the("list_stale").message
    publish(place, usable())
    publiclist.keep_list(now())
    assert alarms() == []


def _unsigned(place: Path) -> None:
    publish(place, usable(description="Evil"), key=ec.generate_private_key(ec.SECP256R1()))


def _changed(place: Path) -> None:
    path = publish(place, usable(description="Evil"))
    path.write_text(path.read_text().replace("Evil", "Good"))


def _no_list(place: Path) -> None:
    path = publish(place)
    path.write_text("{}")
    path.with_suffix(".sig").write_bytes(KEY.sign(b"{}", padding.PKCS1v15(), hashes.SHA256()))


def _older(place: Path) -> None:
    publish(place, usable(description="Evil"), at=now() - DAY)


def _endless(place: Path) -> None:
    publish(place).write_bytes(b" " * (loglist.MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_unsigned, "not signed"),
        (_changed, "not signed"),
        (_no_list, "operators"),
        (_older, "older than"),
        (_endless, "more than"),
    ],
)
def test_a_bad_list_leaves_the_old_one_in_force_and_alarms(place: Path, spoil: Any, why: str) -> None:
    oak = usable()
    publish(place, oak)
    publiclist.keep_list(now())
    spoil(place)
    publiclist.keep_list(now())
    assert why in the("list_invalid").message
    assert set(listed()) == {oak.log_id}
    publish(place, oak)
    publiclist.keep_list(now())
    assert alarms() == []


def test_a_list_without_its_signature_is_not_taken_and_the_old_one_goes_on(place: Path) -> None:
    oak = usable()
    publish(place, oak)
    publiclist.keep_list(now())
    publish(place, usable()).with_suffix(".sig").unlink()
    publiclist.keep_list(now())
    assert set(listed()) == {oak.log_id}


def test_a_list_of_more_than_seventy_days_is_an_alarm_and_no_outage(place: Path) -> None:
    oak = usable()
    publish(place, oak)
    publiclist.keep_list(now())
    with clock_at(now() + 71 * DAY):
        publiclist.keep_list(now())
        assert "70 days" in the("list_stale").message
        assert set(listed()) == {oak.log_id}
        publish(place, oak)
        publiclist.keep_list(now())
        assert alarms() == []


def test_a_damaged_list_is_an_alarm_and_no_outage(place: Path) -> None:
    publish(place, usable())
    publiclist.keep_list(now())
    (Path(settings.DATA_DIR) / "ct" / "log_list.json").write_text("half of")
    publish(place).unlink()
    want()
    assert issue_due() == 1
    check_live(before=now() + DAY)
    assert set(all_logs()) == {own_log().log_id}
    assert checks([seen().serial])[seen().serial].state == "logged"
    publiclist.keep_list(now())
    assert "is damaged" in the("list_invalid").message
    publish(place, usable())
    publiclist.keep_list(now())
    assert alarms() == []


def test_a_damaged_file_is_replaced(place: Path) -> None:
    publish(place, usable())
    publiclist.keep_list(now())
    (Path(settings.DATA_DIR) / "ct" / "log_list.json").write_text("half of")
    with pytest.raises(Unavailable):
        public_list()
    publiclist.keep_list(now())
    assert public_list() is not None


def test_when_the_list_is_not_wanted_any_more_nothing_is_said_of_it(place: Path) -> None:
    publiclist.keep_list(now())
    assert alarms() == ["list_stale"]
    settings.GOV = settings.GOV.model_copy(update={"ct_log_list": ""})
    publiclist.keep_list(now())
    assert alarms() == []


def test_a_list_over_the_network_needs_tls_and_a_key() -> None:
    with pytest.raises(BadEnvironment, match="https"):
        read_environment({"GOV_CT_LOG_LIST": "http://example.com/log_list.json", "GOV_CT_LOG_LIST_KEY": "key.pem"})
    with pytest.raises(BadEnvironment, match="signature alone"):
        read_environment({"GOV_CT_LOG_LIST": "https://example.com/log_list.json"})


@pytest.fixture
def published(place: Path) -> Iterator[tuple[str, httpx.Client]]:
    """The same directory over HTTPS, and a client that knows its authority."""
    ca, pem = authority("Web"), place.parent / "server.pem"
    wanted = Wanted("localhost")
    certificate = wanted.certificate(ca)
    key = wanted.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(key + certificate.public_bytes(Encoding.PEM))
    handler = functools.partial(_Quiet, directory=str(place))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    trusting = ssl.create_default_context(cadata=_pem(ca.certificate))
    with make_client(verify=trusting) as client:
        yield f"https://localhost:{server.server_address[1]}/all_logs_list.json", client
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class names it
        pass


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def test_a_list_is_fetched_over_https_every_six_hours(place: Path, published: tuple[str, httpx.Client]) -> None:
    address, client = published
    follow(address)
    oak, elm = usable(), usable(description="Elm")
    publish(place, oak)
    publiclist.keep_list(now(), client=client)
    assert set(listed()) == {oak.log_id}
    publish(place, oak, elm)
    publiclist.keep_list(now(), client=client)
    assert set(listed()) == {oak.log_id}
    publiclist.keep_list(now() + timedelta(hours=7), client=client)
    assert set(listed()) == {oak.log_id, elm.log_id}


def test_an_address_that_answers_otherwise_changes_nothing(place: Path, published: tuple[str, httpx.Client]) -> None:
    address, client = published
    follow(address.replace("all_logs_list", "elsewhere"))
    publiclist.keep_list(now(), client=client)
    assert public_list() is None
    with pytest.raises(Unavailable, match="404"):
        publiclist.fetch(client=client)
