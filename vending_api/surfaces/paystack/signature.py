"""Who delivers a webhook: proven by a signature over the octets, before anything reads them."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

SIGNATURE_HEADER: Final = "x-paystack-signature"


def is_signed(body: bytes, signatures: Sequence[str], *, secret_key: str) -> bool:
    """Tell whether a body carries one signature, the right one.

    That is HMAC with SHA-512 of the octets as they came, in lower-case hexadecimal.
    """
    right = hmac.new(secret_key.encode(), body, hashlib.sha512).hexdigest().encode()
    told = signatures[0].encode("latin-1", "replace") if len(signatures) == 1 else b""
    return hmac.compare_digest(right, told)


def is_allowed(address: str | None, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Tell whether who calls may deliver webhooks; without a list everybody may."""
    if not networks:
        return True
    try:
        peer = ip_address(address or "")
    except ValueError:
        return False
    # A socket for both families tells of an IPv4 address in the clothes of IPv6.
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
        peer = peer.ipv4_mapped
    return any(peer in network for network in networks)
