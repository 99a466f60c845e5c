"""Only names that mean one thing to everybody stand in a certificate."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.pki.names import (
    Names,
    check_dns_name,
    check_spiffe,
    check_trust_domain,
    workload_of,
    workload_uri,
)
from tests.pki.forge import SPIFFE

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    "names",
    [
        Names,
        lambda: Names(dns=("a.example", "a.example")),
        lambda: Names(dns=("Shop.example.com",)),
        lambda: Names(dns=("shop.example.com.",)),
        lambda: Names(dns=("shop\x00.example.com",)),
        lambda: Names(dns=("shop\n",)),
        lambda: Names(dns=("",)),
        lambda: Names(dns=("-shop.example",)),
        lambda: Names(dns=("x" * 64 + ".example",)),
        lambda: Names(dns=("x." * 127 + "example",)),
        lambda: Names(dns=("münchen.example",)),
        lambda: Names(dns=("10.0.0.7",)),
        lambda: Names(dns=("0x7f.0x1",)),
        lambda: Names(dns=("*",)),
        lambda: Names(dns=("*.com",)),
        lambda: Names(dns=("a.*.example.com",)),
        lambda: Names(dns=("a*.example.com",)),
        lambda: Names(uris=("https://example.com",)),
        lambda: Names(uris=(SPIFFE, SPIFFE + "2")),
        lambda: Names(ips=("10.0.0.07",)),
        lambda: Names(ips=("2001:DB8::7",)),
        lambda: Names(ips=("fe80::1%eth0",)),
        lambda: Names(ips=("0.0.0.0",)),
        lambda: Names(ips=("10.0.0.0/8",)),
        lambda: Names(dns=("a.example",), common_name="x" * 65),
        lambda: Names(common_name="two\nlines"),
        lambda: Names(dns=tuple(f"n{n}.example" for n in range(101))),
    ],
)
def test_names_that_cannot_stand_in_a_certificate_are_refused(names: Callable[[], Names]) -> None:
    with pytest.raises(Invalid) as refusal:
        names()
    assert refusal.value.field


def test_wildcards_are_refused_where_they_are_not_allowed() -> None:
    check_dns_name("*.example.com", field="name", wildcard=True)
    with pytest.raises(Invalid, match="a wildcard, which is not allowed here"):
        check_dns_name("*.example.com", field="name", wildcard=False)


@pytest.mark.parametrize("uri", [SPIFFE, "spiffe://mesh.example/x", "spiffe://mesh.example/A.b_c-d/1/..."])
def test_a_spiffe_id_of_the_trust_domain_is_taken(uri: str) -> None:
    check_spiffe(uri, trust_domain="mesh.example", field="uri")


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://other.example/ns/a/sa/b",
        "spiffe://mesh.example",
        "spiffe://mesh.example/",
        "spiffe://mesh.example/a/",
        "spiffe://mesh.example//a",
        "spiffe://mesh.example/a/../b",
        "spiffe://mesh.example/./a",
        "spiffe://mesh.example/a?b=c",
        "spiffe://mesh.example/a#b",
        "spiffe://mesh.example/%61",
        "spiffe://mesh.example/ä",
        "spiffe://mesh.example/a\n",
        "spiffe://mesh.example:443/a",
        "spiffe://me@mesh.example/a",
        "spiffe://Mesh.example/a",
        "spiffe://mesh.example.evil/a",
        "SPIFFE://mesh.example/a",
        "https://mesh.example/a",
        "spiffe://mesh.example/" + "a" * 2048,
        "",
    ],
)
def test_what_is_no_spiffe_id_of_the_trust_domain_is_refused(uri: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_spiffe(uri, trust_domain="mesh.example", field="uri")
    assert refusal.value.field == "uri"
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("text", ["", "Mesh", "mesh example", "mesh/", "x" * 256, "méshe", "mesh\n"])
def test_what_is_no_trust_domain_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        check_trust_domain(text, field="trust_domain")


@given(namespace=LABELS, name=LABELS)
def test_a_workload_is_found_by_its_spiffe_id(namespace: str, name: str) -> None:
    uri = workload_uri("mesh.example", namespace, name)
    check_spiffe(uri, trust_domain="mesh.example", field="uri")
    assert workload_of(uri, "mesh.example") == (namespace, name)
    assert workload_of(uri, "mesh") is None


@given(st.text(max_size=40))
def test_no_other_text_names_a_workload(tail: str) -> None:
    uri = f"spiffe://mesh.example/ns/{tail}"
    found = workload_of(uri, "mesh.example")
    assert found is None or workload_uri("mesh.example", *found) == uri
