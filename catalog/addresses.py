"""Whose an address is, for what is counted by address: of IPv6 every customer has a whole network."""

from __future__ import annotations

import ipaddress

# A customer gets at least this network, of 2**64 addresses, and devices change theirs within it by themselves.
ONE_CUSTOMERS_BITS = 64


def customer(address: str) -> str:
    """What stands for all addresses of whoever has this one: an IPv6 network, or the address itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:  # as a socket for both kinds names a visitor by IPv4
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), ONE_CUSTOMERS_BITS), strict=False))
