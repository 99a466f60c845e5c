"""The board over what is logged: issued and not logged, logged and not issued, logged and then given up."""

from dataclasses import replace

import pytest
from cryptography import x509

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Unavailable
from governance.ledger.execute import execute
from governance.pki.commands import SetTransparency
from governance.pki.ct.content import content_of
from governance.pki.ct.entry import entry_of_certificate
from governance.pki.ct.own import sequencer
from governance.pki.ct.reporting import report
from governance.pki.ct.standing import Checked, Noticed
from governance.pki.ct.submitting import log_and_sign
from governance.pki.enrolment import join
from governance.pki.keys import make_key
from governance.pki.leaf import Draft, draft
from governance.pki.models import Certificate, Issued, LogProof
from governance.pki.names import Names
from governance.pki.observe.checks import checked
from governance.pki.pem import chain_from_pem
from governance.pki.queries.accepted import accepted_roots
from governance.pki.queries.authorities import signer_of
from tests.fixtures.house import House
from tests.pki.conftest import chain_of, seen
from tests.pki.ct.own import as_draft
from tests.pki.ct.ports import Identity
from tests.pki.ct.watched import DAYS, MINUTES, board_now, forged, issued, later, numbered, rows
from tests.pki.joining import HERE, csr, token


@pytest.fixture(autouse=True)
def house_of_ours(pki: House) -> House:
    return pki


def unissued() -> Draft:
    """A leaf that our issuer is about to sign."""
    _, signer = signer_of("internal")
    names = Names(dns=("web.shop.svc",))
    return draft(signer, make_key("ECDSA", 256).public_key(), names, life=30 * DAYS, at=now())


def handed_in(of: Identity | list[x509.Certificate]) -> int:
    """Let somebody hand a certificate in to our log; where it stands there."""
    leaf, *above = list(chain_from_pem(of.chain_pem, field="chain_pem")) if isinstance(of, Identity) else of
    made = as_draft(leaf, [*above, *_roots()])
    (told,) = sequencer.append([replace(made, source="submitted")])
    return told.index


def _roots() -> list[x509.Certificate]:
    return list(accepted_roots())


def test_where_all_is_logged_the_board_is_empty() -> None:
    issued("web")
    join(token(), csr(), origin=HERE)
    assert board_now().rows == ()


def test_what_is_handed_in_and_was_not_issued_is_named_at_once() -> None:
    rogue = forged()
    index = handed_in(rogue)
    (row,) = rows("logged_not_issued")
    assert (row.subject, row.serial, row.namespace) == ("web.shop.svc", rogue.serial, "*")
    assert row.target == ("entry", "internal", str(index))
    assert "is the key of an authority in other hands?" in row.sentence
    assert rows("logged_not_issued", "shop") == [], "it is the installation's business"


def test_with_the_serial_number_of_an_honest_one_it_is_named_all_the_same() -> None:
    honest = issued()
    bad = numbered(honest.leaf.serial_number)
    _, signer = signer_of("internal")
    handed_in([bad.leaf, signer.certificate])
    (row,) = rows("logged_not_issued")
    assert row.serial == honest.serial


def test_an_honest_certificate_may_be_handed_in_by_anybody() -> None:
    issued()
    handed_in(chain_of())
    assert board_now().rows == ()


def test_so_may_the_certificate_of_an_authority() -> None:
    _, signer = signer_of("internal")
    handed_in([signer.certificate])
    assert board_now().rows == ()


def test_what_was_logged_and_then_not_issued_is_abandoned_after_a_while() -> None:
    (logged,) = log_and_sign([(unissued(), "certificate/shop/web")], required=True)
    assert not isinstance(logged, Unavailable)
    assert board_now().rows == (), "it may still be on its way"
    with later(3 * MINUTES):
        (row,) = board_now().rows
        assert (row.kind, row.namespace, row.subject) == ("abandoned", "shop", "shop/web")
        assert row.key == "", "nobody is told of it"
        assert [each.kind for each in board_now("shop").rows] == ["abandoned"]
        assert board_now("bank").rows == ()
    with later(31 * DAYS):
        assert rows("abandoned") == [], "it would have expired"


def test_what_the_reading_of_logs_found_is_a_row_once() -> None:
    rogue = forged()
    handed_in(rogue)
    (row,) = rows("logged_not_issued")
    content = content_of(entry_of_certificate(rogue.leaf))
    noticed = Noticed(
        key=f"not_issued:{content}",
        kind="not_issued",
        namespace="*",
        subject="web.shop.svc",
        message="a certificate is logged that was not issued here",
        detail={"content": content, "serial": rogue.serial},
    )
    report([noticed])
    (again,) = rows("logged_not_issued")
    assert (again.serial, again.target[0], row.target[0]) == (rogue.serial, "finding", "entry")


def without_proof(serial: str) -> None:
    LogProof.objects.filter(serial=serial).delete()


def test_what_is_in_no_log_is_named() -> None:
    issued()
    serial = seen().serial
    without_proof(serial)
    assert rows("issued_not_logged") == [], "there is an entry, and nobody looked at it yet"
    Issued.objects.filter(serial=serial).update(serial="abc")
    Certificate.objects.filter(name="web").update(serial="abc")
    (row,) = rows("issued_not_logged", "shop")
    assert (row.state, row.subject, row.serial, row.service) == ("so", "shop/web", "abc", "web")
    assert row.sentence == "there is no entry for it in our own log"


@pytest.mark.parametrize(("state", "said"), [("not_logged", "so"), ("unknown", "unknown")])
def test_what_the_last_check_found_is_what_is_said(state: str, said: str) -> None:
    issued()
    serial = seen().serial
    checked([Checked(serial=serial, state=state, why="the log does not have it", checked_at=now())])  # type: ignore[arg-type]
    (row,) = rows("issued_not_logged")
    assert (row.state, row.sentence, row.target) == (said, "the log does not have it", ("issued", serial))
    assert board_now("bank").rows == ()
    execute(SetTransparency(issuer="internal", mode="off"), by=SYSTEM, reason="a test")
    assert rows("issued_not_logged") == []


def test_counts_are_by_kind_tenant_and_service() -> None:
    issued()
    checked([Checked(serial=seen().serial, state="not_logged", why="it is not there", checked_at=now())])
    handed_in(forged())
    there = board_now()
    assert {kind: count for kind, count in there.counts.items() if count} == {
        "issued_not_logged": 1,
        "logged_not_issued": 1,
    }
    assert there.tenants["shop"]["issued_not_logged"] == there.tenants["*"]["logged_not_issued"] == 1
    assert there.services == {("shop", "web"): there.tenants["shop"]}
    assert [row.kind for row in there.rows] == ["logged_not_issued", "issued_not_logged"]
