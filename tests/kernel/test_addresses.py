"""Addresses that must not be asked are recognised in every way of writing them."""

from ipaddress import ip_address

import pytest

from governance.kernel.addresses import is_here_only
from governance.kernel.errors import Invalid
from governance.registry.values import check_host

HERE = [
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "::",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2002:a9fe:a9fe::1",
    "2002::1",
    "2001:0:a9fe:a9fe::",
]


@pytest.mark.parametrize("address", HERE)
def test_an_address_of_this_machine_or_wire_is_recognised(address: str) -> None:
    assert is_here_only(ip_address(address))


@pytest.mark.parametrize("address", HERE)
def test_no_endpoint_is_there(address: str) -> None:
    with pytest.raises(Invalid):
        check_host(address)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "2001:db8::1"],
)
def test_any_other_address_is_an_address(address: str) -> None:
    assert not is_here_only(ip_address(address))
    check_host(address)
