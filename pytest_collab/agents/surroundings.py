"""What the environment says of the way to a provider: proxies and certificate files, by their variables."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def broken_surroundings(address: str) -> str | None:
    """Why no call to `address` can come through, naming the variable; None when nothing speaks for it."""
    for variable in _CERTIFICATES:
        place = os.environ.get(variable)
        if place and not Path(place).exists():
            return (
                f"{variable}={place}: there is no such file, so no secure connection can be made. Mend or unset it."
            )
    variable, proxy = proxy_for(address)
    if proxy and urlsplit(proxy).scheme.startswith("socks") and find_spec("socksio") is None:
        return f"{variable} names a SOCKS proxy, which needs the package socksio: pip install socksio"
    return None


def proxy_for(address: str) -> tuple[str, str]:
    """The variable that sends calls to `address` to a proxy, and its value; empty where they go straight."""
    parts = urlsplit(address)
    if proxy_bypass(parts.netloc):
        return "", ""
    found = getproxies()
    for scheme in (parts.scheme, "all"):
        if proxy := found.get(scheme):
            named = f"{scheme}_proxy"
            return (named if named in os.environ else named.upper()), proxy
    return "", ""


def by_proxy(address: str) -> str:
    """A sentence about the proxy that calls to `address` go through; empty where they go straight."""
    variable, _ = proxy_for(address)
    if not variable:
        return ""
    host = urlsplit(address).hostname
    return f". Calls go through the proxy of {variable}; if they should not, put {host} into NO_PROXY."
