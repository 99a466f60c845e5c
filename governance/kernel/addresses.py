"""IP addresses that mean something on one machine or one wire only, however they are written; pure."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
# RFC 6052, section 2.1: below it are all IPv4 addresses, and a gateway passes on to them.
_NAT64 = IPv6Network("64:ff9b::/96")


def is_here_only(address: Address) -> bool:
    """Whether an address is link-local, unspecified or multicast, or leads to an IPv4 address that is.

    Python looks into no address before 3.13: `::ffff:169.254.169.254` is link-local for the network and not for it.
    """
    return any(each.is_link_local or each.is_unspecified or each.is_multicast for each in (address, *_within(address)))


def _within(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, by NAT64, by 6to4, or by Teredo."""
    if isinstance(address, IPv4Address):
        return ()
    nat64 = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    found = (address.ipv4_mapped, nat64, address.sixtofour, *(address.teredo or ()))
    return tuple(each for each in found if each is not None)
