"""No namespace gets a certificate under a name by which another one is called."""

from typing import Any

import pytest

from governance.kernel.errors import Conflict, Invalid
from tests.fixtures.house import House
from tests.pki.conftest import seen, want


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
