"""What strangers get of the log, and what they may hand in."""

import base64
import gzip
import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from gateway import ct
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, TooMany, Unavailable
from governance.ledger import proofs
from governance.pki.authority import Authority
from governance.pki.ct import loglist
from governance.pki.ct.check import check_sct
from governance.pki.ct.entry import leaf_hash, timestamped
from governance.pki.ct.http import StaticView, submit
from governance.pki.ct.logs import Log
from governance.pki.ct.models import CtEntry
from governance.pki.ct.own import submission
from governance.pki.ct.own.draft import entry_of
from governance.pki.ct.own.sequencer import append
from governance.pki.ct.own.view import OwnView
from governance.pki.ct.tile_leaf import read_all
from governance.pki.leaf import Draft, draft
from governance.pki.names import Names
from governance.pki.pem import chain_from_pem
from governance.pki.queries.authorities import roots_pem, signer_of
from tests.pki.ct.own import several
from tests.pki.forge import DAY
from tests.pki.house import founded, key


def drafted(name: str, *, by: Authority | None = None) -> Draft:
    signer = by or signer_of("internal")[1]
    return draft(signer, key("leaf").public_key(), Names(dns=(f"{name}.shop.svc",)), life=DAY, at=now())


def der(*certificates: x509.Certificate) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in certificates]


def posted(log: Log, body: Any, *, verb: str = "add-chain") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(f"{log.submission_url}ct/v1/{verb}", content=content)


def as_chain(*certificates: x509.Certificate) -> dict[str, list[str]]:
    return {"chain": [base64.b64encode(each).decode() for each in der(*certificates)]}


@pytest.mark.parametrize("more", [0, 254, 600])
def test_a_client_of_logs_reads_it_whole_and_is_shown_the_proofs(log: Log, client: httpx.Client, more: int) -> None:
    first = StaticView(log, client).head()
    append(several(more))
    view = StaticView(log, client)
    head = view.head()
    assert head == OwnView().head()
    view.consistency(first, head)
    entries = list(view.entries(0, head.size, head))
    assert entries == list(OwnView().entries(0, head.size, head))
    for entry in (entries[0], entries[-1], entries[len(entries) // 2]):
        place, path = view.inclusion(entry.leaf_hash, entry.index, head)
        assert proofs.check_inclusion(entry.leaf_hash, place, head.size, path, head.root)
    assert list(StaticView(log, client).entries(0, first.size, first)) == entries[: first.size], "an older head too"


@pytest.mark.parametrize("pre", [True, False])
def test_what_a_root_of_ours_led_to_is_taken_from_anybody(log: Log, client: httpx.Client, pre: bool) -> None:
    made = drafted("stranger")
    certificate = made.precertificate() if pre else made.plain()
    chain = der(certificate, *made.authority.chain)
    sct = submit(log, chain, client, pre=pre)
    entry = entry_of(chain[0], chain[1:])
    assert check_sct(sct, entry, {log.log_id: log}, at=now(), not_after=now() + DAY).state == "valid"
    leaf = leaf_hash(timestamped(entry, timestamp_ms=sct.timestamp_ms, extensions=sct.extensions))
    view = StaticView(log, client)
    head = view.head()
    assert view.inclusion(leaf, sct.leaf_index, head)[0] == head.size - 1
    (logged,) = view.entries(head.size - 1, head.size, head)
    (root,) = chain_from_pem(roots_pem(), field="roots")
    assert logged.chain == (*chain[1:], *der(root)), "up to the root, which was left out"
    assert submit(log, [*chain, *der(root)], client, pre=pre) == sct
    row = CtEntry.objects.get(index=head.size - 1)
    assert (row.source, row.holder, row.serial) == ("submitted", "", f"{certificate.serial_number:x}")


def test_what_does_not_lead_to_a_root_of_ours_is_refused(log: Log, client: httpx.Client) -> None:
    made, strangers = drafted("web"), founded(at=now())
    signer, plain, before = made.authority.chain[0], made.plain(), OwnView().head()
    other = drafted("web", by=strangers.middle).plain()
    for said, chain in {
        "does not lead to a root": (other, strangers.middle.certificate, strangers.root.certificate),
        "did not sign certificate 1": (other, signer),
        "is not an authority's": (plain, plain),
        "is a precertificate: use add-pre-chain": (made.precertificate(), signer),
        "1 to 10 are taken": (plain, *[signer] * 10),
    }.items():
        answer = posted(log, as_chain(*chain))
        assert (answer.status_code, said in answer.text) == (400, True), answer.text
    answer = posted(log, as_chain(plain, signer), verb="add-pre-chain")
    assert (answer.status_code, "hand it in by add-chain" in answer.text) == (400, True)
    with pytest.raises(Unavailable, match="does not lead to a root"):
        submit(log, der(other), client, pre=False)
    assert OwnView().head() == before


def test_nonsense_is_refused_in_a_sentence(log: Log) -> None:
    nonsense = (
        *(b"", b"x", b"[]", b"{}", b"\xff", b'{"chain": null}', b'{"chain": "MA=="}', b'{"chain": [1]}'),
        *(b'{"chain": []}', b'{"chain": ["?"]}', b'{"chain": ["MA=="]}'),
        *(b"[" * 100_000, b'{"chain": ["' + b"A" * 200_000),
    )
    for body in nonsense:
        answer = posted(log, body)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8"), body[:30]
        assert len(answer.text) < 200
    assert httpx.get(f"{log.submission_url}ct/v1/add-chain").status_code == 405


def test_who_hands_in_too_much_at_once_has_to_wait(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ct, "RATE", 0.0)
    answers = [posted(log, {}) for _ in range(int(ct.BURST) + 1)]
    assert [each.status_code for each in answers] == [400] * int(ct.BURST) + [429]
    assert answers[-1].headers["retry-after"] == "5"


def test_who_has_many_addresses_is_one_client_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ct, "RATE", 0.0)
    pace, others = ct.Pace(), ("2001:db8:0:8::1", "192.0.2.1", "::ffff:192.0.2.2", "2001:db8:1:7::1")
    for n in range(int(ct.BURST)):
        pace.admit(f"2001:db8:0:7::{n:x}")
    for address in ("2001:db8:0:7:ffff::1", "2001:db8:0:7::1%eth0"):
        with pytest.raises(TooMany, match="from one client"):
            pace.admit(address)
    for address in others:
        pace.admit(address)
    for _ in range(int(ct.BURST) - 1):
        pace.admit("192.0.2.2")
    with pytest.raises(TooMany, match="from one client"):
        pace.admit("::ffff:192.0.2.2")


def test_all_clients_together_hand_in_no_more_than_the_log_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ct, "ALL_RATE", 0.0)
    pace = ct.Pace()
    for n in range(int(ct.ALL_BURST)):
        pace.admit(f"192.0.{n // 256}.{n % 256}")
    with pytest.raises(TooMany, match=r"only 0 chains a second are taken$"):
        pace.admit("198.51.100.1")


def test_a_chain_of_which_the_library_makes_nothing_is_refused_in_a_sentence(log: Log) -> None:
    """A version that there is not is an error of its own kind, and no reason to answer 500."""
    made = drafted("web")
    plain, *above = der(made.plain(), *made.authority.chain)
    version = b"\xa0\x03\x02\x01"
    fourth = [each.replace(version + b"\x02", version + b"\x03", 1) for each in (plain, *above)]
    for place, chain in enumerate(([fourth[0], *above], [plain, *fourth[1:]]), 1):
        answer = posted(log, {"chain": [base64.b64encode(each).decode() for each in chain]})
        assert (answer.status_code, answer.text) == (400, f"chain: certificate {place} is none in DER\n")


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_no_change_of_a_byte_in_a_chain_is_too_much_for_the_log(log: Log) -> None:
    made = drafted("web")
    certificate, *above = der(made.precertificate(), *made.authority.chain)
    for place in range(len(certificate)):
        for value in {certificate[place] ^ 1, certificate[place] ^ 0x80, 0xFF}:
            changed = certificate[:place] + bytes([value]) + certificate[place + 1 :]
            with suppress(GovernanceError):
                submission.take([changed, *above], pre=True)


def test_answers_say_how_long_they_may_be_kept(log: Log) -> None:
    append(several(300))
    here, forever = log.monitoring_url, "public, max-age=31536000, immutable"
    root = chain_from_pem(roots_pem(), field="roots")[0]
    (leaf,) = several(1)
    issuer = leaf.fingerprints[0].hex()
    expected = {
        "checkpoint": ("text/plain; charset=utf-8", "public, max-age=1"),
        "tile/0/000": ("application/octet-stream", forever),
        "tile/0/000.p/255": ("application/octet-stream", forever),
        "tile/0/001.p/9": ("application/octet-stream", forever),
        "tile/1/000.p/1": ("application/octet-stream", forever),
        "tile/data/000": ("application/octet-stream", forever),
        "tile/data/000.p/3": ("application/octet-stream", forever),
        f"issuer/{issuer}": ("application/pkix-cert", forever),
        "log.v3.json": ("application/json", "public, max-age=300"),
        "log.pem": ("application/x-pem-file", "public, max-age=300"),
        "ct/v1/get-roots": ("application/json", "public, max-age=300"),
    }
    for path, headers in expected.items():
        answer = httpx.get(here + path)
        assert answer.status_code == 200, path
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == headers, path
        assert "set-cookie" not in answer.headers
        assert httpx.head(here + path).status_code == 200
    assert httpx.get(here + "ct/v1/get-roots").json() == {"certificates": as_chain(root)["chain"]}
    (listed,) = loglist.read(httpx.get(here + "log.v3.json").content, source="pinned").logs
    assert (listed.log_id, listed.submission_url, listed.monitoring_url) == (log.log_id, log.submission_url, here)
    assert load_pem_public_key(httpx.get(here + "log.pem").content) == log.public_key()


def test_entries_are_packed_whatever_was_asked_for(log: Log) -> None:
    size, plain = OwnView().head().size, {"accept-encoding": "identity"}
    with httpx.stream("GET", f"{log.monitoring_url}tile/data/000.p/{size}", headers=plain) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert len(read_all(gzip.decompress(b"".join(answer.iter_raw())))) == size


def test_what_is_not_there_is_not_found(log: Log) -> None:
    size = OwnView().head().size
    absent = (
        *(f"tile/0/000.p/{size + 1}", f"tile/data/000.p/{size + 1}", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"),
        *(
            "tile/6/000",
            "tile/0/0",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/00/000",
            "tile/..%2fcheckpoint",
        ),
        *("tile/0/x000/000", "issuer/" + "0" * 64, "issuer/x", "ct/v1/get-sth", "tile/0/000.p/01", "tile/data"),
    )
    for path in absent:
        assert httpx.get(log.monitoring_url + path).status_code == 404, path
    assert httpx.get(log.monitoring_url.replace("internal", "other") + "checkpoint").status_code == 404
