"""What may be asked of a certificate, and that what was asked is kept as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.pki.commands.certificates import anew
from governance.pki.issue import names_of
from governance.pki.values import (
    MAX_CONSUMERS,
    MAX_DURATION_S,
    MAX_HISTORY,
    MAX_NAMES,
    CertificateSpec,
    KeySpec,
    spec_from,
)
from governance.pki.windows import Window
from tests.pki.conftest import DOMAIN, spec_of

WEB = f"spiffe://{DOMAIN}/ns/shop/sa/web"
labels = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)
hosts = st.lists(labels, min_size=2, max_size=4).map(".".join)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"secret_name": "Web TLS"}, "secret_name"),
        ({"issuer": ""}, "issuer"),
        ({"duration_s": 3599}, "duration_s"),
        ({"duration_s": MAX_DURATION_S + 1}, "duration_s"),
        ({"renew_before_s": 299}, "renew_before_s"),
        ({"renew_before_s": 90 * 86_400}, "renew_before_s"),
        ({"renew_before_s": 3600, "renew_before_pct": 10}, "renew_before_pct"),
        ({"renew_before_pct": 0}, "renew_before_pct"),
        ({"renew_before_pct": 100}, "renew_before_pct"),
        ({"duration_s": 3600, "renew_before_pct": 5}, "renew_before_pct"),
        ({"renewal": "Never"}, "renewal"),
        ({"dns_names": ()}, "dns_names"),
        ({"dns_names": tuple(f"n{n}.shop.svc" for n in range(MAX_NAMES + 1))}, "dns_names"),
        ({"dns_names": ("a.shop.svc", "a.shop.svc")}, "dns_names"),
        ({"dns_names": ("Web.shop.svc",)}, "dns_names"),
        ({"dns_names": ("*",)}, "dns_names"),
        ({"dns_names": ("web.shop.svc\x00.evil.org",)}, "dns_names"),
        ({"dns_names": ("10.0.0.7",)}, "dns_names"),
        ({"ip_addresses": ("10.0.0",)}, "ip_addresses"),
        ({"ip_addresses": ("0.0.0.0",)}, "ip_addresses"),
        ({"ip_addresses": ("2001:DB8::7",)}, "ip_addresses"),
        ({"uris": ("https://shop.example.com",)}, "uris"),
        ({"uris": (f"{WEB}?x=1",)}, "uris"),
        ({"uris": (WEB, f"{WEB}2")}, "uris"),
        ({"common_name": "x" * 65}, "common_name"),
        ({"common_name": "a\nb"}, "common_name"),
        ({"common_name": "till.bank.svc"}, "common_name"),
        ({"common_name": "*.shop.svc"}, "common_name"),
        ({"common_name": "WEB.shop.svc"}, "common_name"),
        ({"common_name": "localhost"}, "common_name"),
        ({"common_name": "10.0.0.7"}, "common_name"),
        ({"usages": ("code signing",)}, "usages"),
        ({"usages": ("digital signature",)}, "usages"),
        ({"revision_history_limit": 0}, "revision_history_limit"),
        ({"revision_history_limit": MAX_HISTORY + 1}, "revision_history_limit"),
        ({"consumers": ("web",)}, "consumers"),
        ({"consumers": (WEB, WEB)}, "consumers"),
        ({"consumers": tuple(f"{WEB}{n}" for n in range(MAX_CONSUMERS + 1))}, "consumers"),
        ({"windows": (Window(cron="0 2 * * *", duration_s=3600),) * 21}, "windows"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        spec_of(**values)
    assert refusal.value.field == field
    assert refusal.value.message


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"algorithm": "Ed25519"}, "private_key.algorithm"),
        ({"algorithm": "DSA"}, "private_key.algorithm"),
        ({"size": 521}, "private_key.size"),
        ({"algorithm": "RSA", "size": 1024}, "private_key.size"),
        ({"rotation_policy": "Sometimes"}, "private_key.rotation_policy"),
    ],
)
def test_a_key_that_would_not_be_accepted_is_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        KeySpec(**values)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "values",
    [
        {"dns_names": ("*.shop.svc",)},
        {"dns_names": (), "common_name": "web of the shop"},
        {"common_name": "web.shop.svc"},
        {"ip_addresses": ("10.0.0.7",), "common_name": "10.0.0.7"},
        {"dns_names": (), "uris": (WEB,)},
        {"dns_names": (), "ip_addresses": ("10.0.0.7", "2001:db8::7")},
        {"usages": ("client auth",)},
        {"renew_before_pct": 50},
        {"duration_s": MAX_DURATION_S},
    ],
)
def test_what_can_be_is_taken(values: dict[str, Any]) -> None:
    spec = spec_of(**values)
    assert spec_from(spec.as_json()) == spec


def _taken(**values: Any) -> CertificateSpec | None:
    """The spec, or None when it is refused."""
    try:
        return spec_of(**values)
    except Invalid:
        return None


@given(text=st.text(max_size=70))
def test_a_common_name_that_is_taken_can_be_issued(text: str) -> None:
    spec = _taken(common_name=text)
    assert spec is None or names_of(spec).common_name == text


@given(host=st.text(alphabet="abcxyz019.-*_A", max_size=20) | hosts, address=st.ip_addresses().map(str))
def test_names_that_are_taken_can_be_issued(host: str, address: str) -> None:
    spec = _taken(dns_names=(host,), ip_addresses=(address,))
    assert spec is None or (names_of(spec).dns, names_of(spec).ips) == ((host,), (address,))


@st.composite
def specs(draw: st.DrawFn) -> CertificateSpec:
    names = draw(st.lists(hosts, min_size=1, max_size=4, unique=True))
    before = draw(st.sampled_from([{}, {"renew_before_s": 600}, {"renew_before_pct": 40}]))
    return spec_of(
        **before,
        dns_names=tuple(names),
        duration_s=draw(st.integers(3600, MAX_DURATION_S)),
        common_name=draw(st.sampled_from(["", "web of the shop", names[0]])),
        uris=draw(st.sampled_from([(), (WEB,)])),
        private_key=draw(st.sampled_from([KeySpec(), KeySpec(algorithm="RSA", size=3072, rotation_policy="Never")])),
        revision_history_limit=draw(st.integers(1, MAX_HISTORY)),
        windows=tuple(draw(st.lists(st.just(Window(cron="0 2 * * 6", duration_s=600, timezone="UTC")), max_size=2))),
        consumers=draw(st.sampled_from([(), (WEB,)])),
        renewal=draw(st.sampled_from(["RenewBefore", "Disabled"])),
    )


@given(specs())
def test_what_is_kept_as_json_reads_as_the_same_spec(spec: CertificateSpec) -> None:
    assert spec_from(json.loads(json.dumps(spec.as_json()))) == spec


@given(specs(), specs())
def test_only_what_stands_in_the_certificate_makes_it_another_one(
    first: CertificateSpec, second: CertificateSpec
) -> None:
    stands = ("issuer", "duration_s", "common_name", "dns_names", "uris", "ip_addresses", "usages", "private_key")
    differs = any(getattr(first, name) != getattr(second, name) for name in stands)
    assert anew(first, second) == anew(second, first) == differs
    assert not anew(first, first)


def test_a_spec_is_made_of_what_a_form_leaves_out_as_well() -> None:
    spec = spec_from({"secret_name": "web", "issuer": "internal", "dns_names": ["web.shop.svc"]})
    assert spec == spec_of()
    assert (spec.duration_s, spec.renewal, spec.private_key) == (90 * 86_400, "RenewBefore", KeySpec())
