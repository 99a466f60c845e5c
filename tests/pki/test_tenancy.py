"""No namespace gets a certificate under a name by which another one is called."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, GovernanceError, Invalid
from governance.ledger.execute import execute
from governance.pki.commands import DeleteCertificate
from governance.pki.commands.tenancy import check_free
from governance.pki.importing import imported_issuer
from governance.pki.keys import make_key, to_pem
from governance.pki.models import NameClaim
from governance.pki.names import Names
from governance.pki.pem import to_pem as pem_of
from governance.pki.requests import make_request
from governance.pki.signing import signed
from tests.fixtures.house import House
from tests.pki.conftest import asking, clock_at, of_namespace, seen, spec_of, want
from tests.pki.house import a_root


@pytest.mark.parametrize(
    "name", ["control-plane.governor.svc", "till.bank.svc", "*.bank.svc", "shop.svc", "a.b.shop.svc.svc"]
)
def test_names_of_servers_of_other_namespaces_are_refused(pki: House, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        want(dns_names=(name,))
    assert (refused.value.field, name in refused.value.message) == ("dns_names", True)


@pytest.mark.parametrize("values", [{"dns_names": ("localhost",)}, {"ip_addresses": ("127.0.0.1",)}])
def test_where_the_control_plane_answers_nobody_else_gets_a_certificate(pki: House, values: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="another namespace"):
        want(**values)


@pytest.mark.parametrize("name", ["pay.example.com", "*.example.com"])
def test_a_name_that_another_namespace_has_is_refused_whole_or_by_a_wildcard(pki: House, name: str) -> None:
    want(namespace="bank", dns_names=("pay.example.com",))
    with pytest.raises(Conflict, match="another namespace"):
        want(dns_names=(name,))
    want(dns_names=("pay.example.org", "pay.example.community"))  # which look like it, and are others
    want("more", namespace="bank", dns_names=(name,))  # one's own names are one's own
    assert seen("more", "bank").spec.dns_names == (name,)


def test_a_name_below_another_namespaces_wildcard_is_refused(pki: House) -> None:
    want(namespace="bank", dns_names=("*.example.com",))
    with pytest.raises(Conflict, match="another namespace"):
        want(dns_names=("pay.example.com",))
    want(dns_names=("deep.pay.example.com", "example.com"))  # a wildcard stands for one label


@pytest.mark.parametrize("dns_names", [("web.shop.svc", "*.shop.svc"), ("eu.web.shop.svc",)])
def test_the_names_of_ones_own_servers_are_granted(pki: House, dns_names: tuple[str, ...]) -> None:
    want(dns_names=dns_names)
    assert seen().spec.dns_names == dns_names


def test_a_wildcard_takes_no_name_two_labels_below_it(pki: House) -> None:
    want(namespace="bank", dns_names=("deep.pay.example.com", "example.com"))
    want(dns_names=("*.example.com",))
    assert seen().spec.dns_names == ("*.example.com",)


def test_what_is_not_wanted_any_more_is_free_for_others(pki: House) -> None:
    want(namespace="bank", dns_names=("pay.example.com", "www.example.com"), ip_addresses=("10.0.0.7",))
    want(namespace="bank", dns_names=("pay.example.com",))
    want(dns_names=("www.example.com",), ip_addresses=("10.0.0.7",))
    with pytest.raises(Conflict, match="another namespace"):
        want(dns_names=("pay.example.com",))
    execute(DeleteCertificate(namespace="bank", name="web"), by=SYSTEM)
    want(dns_names=("pay.example.com",))
    assert seen().spec.dns_names == ("pay.example.com",)


def test_what_is_refused_or_only_tried_out_claims_no_name(pki: House) -> None:
    want(namespace="bank", dns_names=("pay.example.com",))
    execute(asking(dns_names=("www.example.com",)), by=SYSTEM, validate_only=True)
    with pytest.raises(Conflict):
        want(dns_names=("api.example.com", "pay.example.com"))
    want(namespace="bank", dns_names=("www.example.com", "api.example.com"))
    assert seen("web", "bank").spec.dns_names == ("www.example.com", "api.example.com")


def _sign(namespace: str, *dns_names: str, duration_s: int = 86_400) -> None:
    spec = spec_of(dns_names=dns_names, duration_s=duration_s, renewal="Disabled")
    csr = make_request(make_key("ECDSA", 256), Names(dns=dns_names))
    execute(signed(csr, namespace=namespace, name="printer", spec=spec), by=SYSTEM)


def test_names_of_signed_requests_are_their_namespaces_until_they_end(pki: House) -> None:
    _sign("bank", "pay.example.com")
    _sign("bank", "www.example.com")  # a second one of the same holder leaves the first its name
    for name in ("pay.example.com", "*.example.com"):
        with pytest.raises(Conflict, match="another namespace"):
            _sign("shop", name)
        with pytest.raises(Conflict, match="another namespace"):
            want(dns_names=(name,))
    _sign("bank", "pay.example.com", duration_s=3600)
    with clock_at(now() + timedelta(hours=25)):
        want(dns_names=("pay.example.com",))
    assert seen().spec.dns_names == ("pay.example.com",)


def test_a_hundred_names_are_compared_with_all_others_in_one_query(pki: House) -> None:
    claims = [
        NameClaim(name=f"n{n}.shop.example", below="shop.example", namespace="shop", holder=f"certificate/shop/c{n}")
        for n in range(10_000)
    ]
    NameClaim.objects.bulk_create(claims, batch_size=1000)
    names = tuple(f"n{n}.bank.example" for n in range(100))
    with CaptureQueriesContext(connection) as asked:
        check_free("bank", spec_of(dns_names=names))
    assert len(asked) == 1
    with pytest.raises(Conflict, match=r"n9999\.shop\.example"):
        check_free("bank", spec_of(dns_names=(*names[:99], "n9999.shop.example")))


@pytest.mark.parametrize("name", ["till.bank.svc", "localhost", "pay.example.com"])
def test_a_common_name_opens_no_way_around_the_rules_for_names(pki: House, name: str) -> None:
    """Some verifiers take it for a host's name where a certificate has no DNS names."""
    want("theirs", namespace="bank", dns_names=("pay.example.com",))
    with pytest.raises(Invalid) as refused:
        want(dns_names=(), ip_addresses=("10.9.9.9",), common_name=name)
    assert refused.value.field == "common_name"
    with pytest.raises(GovernanceError) as refused_as_well:
        want(dns_names=(name,), common_name=name)
    assert refused_as_well.value.field == "dns_names"


def test_an_issuer_that_does_not_serve_a_namespace_is_as_if_it_were_not_there(pki: House) -> None:
    root = a_root("Partner", at=now())
    pem = pem_of(root.certificate).encode()
    execute(imported_issuer("partner", pem, to_pem(root.key), namespaces=("bank",)), by=SYSTEM)
    tim = of_namespace("tim", "operator")
    said = []
    for issuer in ("partner", "nobody"):
        with pytest.raises(GovernanceError) as refused:
            execute(asking(issuer=issuer), by=tim, validate_only=True)
        with pytest.raises(GovernanceError) as refused_to_sign:
            signed(b"", namespace="shop", name="printer", spec=spec_of(issuer=issuer))
        said += [(type(each.value), str(each.value).replace(issuer, "?")) for each in (refused, refused_to_sign)]
    assert len(set(said)) == 1
    assert want(namespace="bank", issuer="partner").changed
