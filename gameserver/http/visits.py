"""By which channel and from which network a page comes: what reports group visits by."""

import hmac
import ipaddress
from typing import NamedTuple

from fastapi import Request

from gameserver.fairness import derive

NETWORK_HEX = 8
_WECHAT = "micromessenger"


class Visit(NamedTuple):
    """`channel`: browser, wechat or embed. `network`: a keyed hash of the network, never an address."""

    channel: str
    network: str


class Visits:
    """Tells visits apart.

    Args:
        secret: the server's secret key; without it nobody finds an address by trying them all.
    """

    def __init__(self, secret: str) -> None:
        self._key = derive(secret.encode(), "network")

    def of(self, request: Request, *, embed: bool) -> Visit:
        """The visit of a request; the address is the socket's, not what a header says."""
        agent = request.headers.get("user-agent", "").lower()
        channel = "embed" if embed else "wechat" if _WECHAT in agent else "browser"
        return Visit(channel, self.network(request.client.host if request.client else ""))

    def network(self, address: str) -> str:
        """Eight hex digits of the /24 of an IPv4 address or the /48 of an IPv6 one; "" of what is neither."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return ""
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        network = ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False)
        return hmac.digest(self._key, str(network).encode(), "sha256").hex()[:NETWORK_HEX]
