"""Lists of logs are read whole or not at all, and are believed only with the right signature."""

import base64
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.kernel.errors import Invalid
from governance.pki.ct.check import check_sct
from governance.pki.ct.entry import Entry
from governance.pki.ct.loglist import MIMICS, check_signature, openssl_conf, read, to_json
from governance.pki.ct.logs import LogState, PreviousOperator
from tests.pki.ct.promising import AT, DAY, NOT_AFTER, Signer, signer
from tests.pki.ct.real import ICARUS
from tests.pki.ct.test_checking import MIMIC_KEYS

MADE = datetime(2026, 4, 18, tzinfo=UTC)
SYCAMORE = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfEEe0JZknA91/c6eNl1aexgeKzuGQUMvRCXPXg9L227O5I4Pi++Abcpq6qxlVUKPYafAJelAnMfG"
    "zv3lHCc8gA=="
)


# A list as Chrome publishes it, with two logs that exist or did, and fields that nobody here knows.
PUBLISHED: dict[str, Any] = {
    "version": "85.48",
    "log_list_timestamp": "2026-04-18T00:00:00Z",
    "of_the_future": {"any": "thing"},
    "operators": [
        {
            "name": "Let's Encrypt",
            "email": ["sre@letsencrypt.org"],
            "logs": [],
            "tiled_logs": [
                {
                    "description": "Let's Encrypt 'Sycamore2026h1'",
                    "log_id": "pcl4kl1XRheChw3YiWYLXFVki30AQPLsB2hR0YhpGfc=",
                    "key": SYCAMORE,
                    "submission_url": "https://log.sycamore.ct.letsencrypt.org/2026h1/",
                    "monitoring_url": "https://mon.sycamore.ct.letsencrypt.org/2026h1/",
                    "mmd": 60,
                    "state": {"usable": {"timestamp": "2024-09-30T22:19:27Z"}},
                    "temporal_interval": {
                        "start_inclusive": "2025-12-18T00:00:00Z",
                        "end_exclusive": "2026-06-18T00:00:00+00:00",
                    },
                    "of_the_future": 1,
                }
            ],
        },
        {
            "name": "Google",
            "logs": [
                {
                    "description": "Google 'Icarus' log",
                    "log_id": "KTxRllTIOWW6qlD8WAfUt2+/WHopctykwwz05UVH9Hg=",
                    "key": ICARUS,
                    "url": "https://ct.googleapis.com/icarus/",
                    "mmd": 86400,
                    "log_type": "prod",
                    "state": {
                        "readonly": {
                            "timestamp": "2021-09-10T00:00:00Z",
                            "final_tree_head": {
                                "sha256_root_hash": base64.b64encode(bytes(32)).decode(),
                                "tree_size": 765,
                            },
                        }
                    },
                    "previous_operators": [{"name": "Somebody", "end_time": "2017-01-01T00:00:00Z"}],
                }
            ],
        },
    ],
}


def published() -> dict[str, Any]:
    """That list, to be altered."""
    return copy.deepcopy(PUBLISHED)


def test_what_a_list_says_of_its_logs() -> None:
    listed = read(json.dumps(published()).encode(), source="listed")
    assert (listed.version, listed.at) == ("85.48", MADE)
    sycamore, icarus = listed.logs
    assert (sycamore.kind, sycamore.operator, sycamore.mmd_s) == ("static", "Let's Encrypt", 60)
    assert sycamore.origin == "log.sycamore.ct.letsencrypt.org/2026h1"
    assert sycamore.monitoring_url == "https://mon.sycamore.ct.letsencrypt.org/2026h1/"
    assert sycamore.states == (LogState("usable", datetime(2024, 9, 30, 22, 19, 27, tzinfo=UTC)),)
    assert sycamore.interval == (datetime(2025, 12, 18, tzinfo=UTC), datetime(2026, 6, 18, tzinfo=UTC))
    assert (icarus.kind, icarus.submission_url) == ("rfc6962", "https://ct.googleapis.com/icarus/")
    assert (icarus.final_size, icarus.final_root) == (765, bytes(32))
    assert icarus.previous_operators == (PreviousOperator("Somebody", datetime(2017, 1, 1, tzinfo=UTC)),)
    assert not any(log.is_denied for log in listed.logs)


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda whole, log: whole.pop("operators"), "the list has no operators"),
        (lambda whole, log: whole.pop("log_list_timestamp"), "the list has no log_list_timestamp"),
        (lambda whole, log: whole.update(log_list_timestamp="2026-04-18T00:00:00"), "without a time zone"),
        (lambda whole, log: whole.update(operators={}), "operators is not a list"),
        (lambda whole, log: whole["operators"].append(7), r"operators\[2\] is not an object"),
        (lambda whole, log: whole["operators"][0].pop("name"), r"operators\[0\] has no name"),
        (lambda whole, log: whole["operators"].append(whole["operators"][0]), "Sycamore2026h1' twice"),
        (lambda whole, log: log.pop("key"), r"operators\[0\].tiled_logs\[0\] has no key"),
        (lambda whole, log: log.update(key=ICARUS), r"tiled_logs\[0\].log_id: is not the SHA-256 of the log's key"),
        (lambda whole, log: log.update(log_id="AAAA"), r"tiled_logs\[0\].log_id: is not the SHA-256"),
        (lambda whole, log: log.update(log_id="%"), r"tiled_logs\[0\].log_id is not base64"),
        (lambda whole, log: log.update(mmd="60"), r"tiled_logs\[0\].mmd is not a whole number"),
        (lambda whole, log: log.update(mmd=True), r"tiled_logs\[0\].mmd is not a whole number"),
        (lambda whole, log: log.update(mmd=2**53 - 1), r"tiled_logs\[0\].mmd is more than 2592000 s"),
        (lambda whole, log: log.update(mmd=2_592_001), r"tiled_logs\[0\].mmd is more than 2592000 s"),
        (lambda whole, log: log.update(mmd=-1), r"tiled_logs\[0\].mmd is not a whole number"),
        (lambda whole, log: log.pop("monitoring_url"), r"tiled_logs\[0\] has no monitoring_url"),
        (lambda whole, log: log.update(submission_url=1), r"tiled_logs\[0\].submission_url is not a text"),
        (lambda whole, log: log.update(state={"good": {}}), r"tiled_logs\[0\].state is none of pending, "),
        (lambda whole, log: log.update(state={"usable": {}}), r"tiled_logs\[0\].state.usable has no timestamp"),
        (lambda whole, log: log.update(state={"usable": {"timestamp": "soon"}}), "usable.timestamp is not a time"),
        (lambda whole, log: log.update(state={"usable": {"timestamp": "0001-01-01T00:00:00+23:59"}}), "is not a time"),
        (lambda whole, log: log.update(state=[]), r"tiled_logs\[0\].state is not an object"),
        (lambda whole, log: log["temporal_interval"].pop("end_exclusive"), "temporal_interval has no end_exclusive"),
        (
            lambda whole, log: log["temporal_interval"].update(end_exclusive="2025-01-01T00:00:00Z"),
            r"tiled_logs\[0\].interval: ends before it starts",
        ),
        (lambda whole, log: log.update(previous_operators=[{"name": "A"}]), r"previous_operators\[0\] has no end_time"),
        (
            lambda whole, log: whole["operators"][1]["logs"][0]["state"]["readonly"]["final_tree_head"].update(
                sha256_root_hash="AAAA"
            ),
            r"operators\[1\].logs\[0\].state.readonly.final_tree_head.sha256_root_hash is not a hash",
        ),
    ],
)
def test_a_malformed_list_is_refused_and_the_place_named(
    spoil: Callable[[dict[str, Any], dict[str, Any]], object], place: str
) -> None:
    whole = published()
    spoil(whole, whole["operators"][0]["tiled_logs"][0])
    with pytest.raises(Invalid, match=place):
        read(json.dumps(whole).encode(), source="listed")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"null", b"[" * 100_000, b" " * 5_000_000])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        read(data, source="listed")


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 1024)])
def test_a_list_with_a_key_that_no_log_may_have_is_refused(key: Any) -> None:
    with pytest.raises(Invalid, match=r"operators\[0\].tiled_logs\[0\].key: is no key for a log"):
        read(to_json([signer(key=key).log]).encode(), source="listed")


def test_mimics_and_test_logs_are_denied_although_the_list_says_usable() -> None:
    usable = (LogState("usable", AT - DAY),)
    mimics = [signer(f"Mimic {number}", key=key, states=usable) for number, key in enumerate(MIMIC_KEYS)]
    trial = signer("Trial", states=usable, is_test=True)
    listed = read(to_json([one.log for one in (*mimics, trial)]).encode(), source="listed")
    assert {log.log_id for log in listed.logs[:2]} == MIMICS
    entry = Entry("x509", b"", b"certificate")
    by_id = {log.log_id: log for log in listed.logs}
    for one, log in zip((*mimics, trial), listed.logs, strict=True):
        assert log.state_at(AT) == "usable"
        verdict = check_sct(one.promise(entry), entry, by_id, at=AT, not_after=NOT_AFTER)
        assert verdict.state == "denied_log"


def test_our_own_logs_are_listed_as_they_are() -> None:
    logs = [
        signer("Ours", kind="static", submission_url="https://a/", monitoring_url="https://b/", source="own").log,
        signer(
            "Old",
            operator="Ours people",
            kind="rfc6962",
            submission_url="https://c/",
            monitoring_url="https://c/",
            mmd_s=86400,
            states=(LogState("readonly", AT),),
            final_size=9,
            final_root=bytes(32),
            interval=(AT, AT + DAY),
            previous_operators=(PreviousOperator("Them", AT - DAY),),
            source="own",
        ).log,
    ]
    listed = read(to_json(logs, at=AT, version="7").encode(), source="own")
    assert (listed.version, listed.at, set(listed.logs)) == ("7", AT, set(logs))


def test_a_list_is_stale_after_70_days() -> None:
    listed = read(json.dumps(published()).encode(), source="listed")
    assert not listed.is_stale(MADE + timedelta(days=70))
    assert listed.is_stale(MADE + timedelta(days=70, seconds=1))


@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        (rsa.generate_private_key(65537, 2048), (padding.PKCS1v15(), hashes.SHA256())),
        (ec.generate_private_key(ec.SECP256R1()), (ec.ECDSA(hashes.SHA256()),)),
    ],
    ids=["RSA", "ECDSA"],
)
def test_a_list_is_believed_only_as_it_was_signed(key: Any, scheme: tuple[Any, ...]) -> None:
    data = json.dumps(published()).encode()
    signature = key.sign(data, *scheme)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    check_signature(data, signature, pem)
    check_signature(data, signature, pem.decode())
    for tampered in (data + b" ", data.replace(b"usable", b"retired")):
        with pytest.raises(Invalid, match="is not signed by the key that is pinned for it"):
            check_signature(tampered, signature, pem)
    with pytest.raises(Invalid, match="is not signed"):
        check_signature(data, signature[:-1] + bytes([signature[-1] ^ 1]), pem)


def test_a_list_is_not_believed_under_a_key_of_another_kind() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(Invalid, match="neither an RSA nor an EC key"):
        check_signature(b"list", key.sign(b"list"), pem)
    with pytest.raises(Invalid, match="is not a public key in PEM"):
        check_signature(b"list", b"", "key")


def test_openssl_is_told_of_the_logs_that_are_believed() -> None:
    believed: Signer = signer("Ours\n[2026]")
    text = openssl_conf([believed.log, signer("Trial", is_test=True).log])
    key = base64.b64encode(believed.log.key_der).decode()
    assert text == f"enabled_logs = log1\n\n[log1]\ndescription = Ours2026\nkey = {key}\n"
