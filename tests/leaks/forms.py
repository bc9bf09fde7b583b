"""Secrets, the forms in which they could be written, and a search for them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHORTEST = 8
_TOKEN_GROUP = 4


@dataclass(frozen=True)
class Secret:
    """Something that must not be found, by all that it could look like."""

    name: str
    forms: frozenset[bytes]

    def __post_init__(self) -> None:
        # What is shorter is found by chance.
        assert self.forms
        assert all(len(form) >= _SHORTEST for form in self.forms)


def octets(name: str, value: bytes) -> Secret:
    """Return a key: raw, in hexadecimal, in base64, as Python and JSON write octets."""
    return Secret(
        name,
        frozenset(
            {
                value,
                value.hex().encode(),
                value.hex().upper().encode(),
                value.hex(" ").encode(),
                base64.b64encode(value).rstrip(b"="),
                base64.urlsafe_b64encode(value).rstrip(b"="),
                repr(value)[2:-1].encode(),
                repr(list(value)).encode(),
                json.dumps(value.decode("latin-1"))[1:-1].encode(),
            }
        ),
    )


def text(name: str, value: str) -> Secret:
    """Return a password or the like: as it is, in an address, and as `octets`."""
    forms = octets(name, value.encode()).forms
    return Secret(name, forms | {quote(value, safe="").encode()})


def credentials(name: str, user: str, password: str) -> list[Secret]:
    """Return a password, and the header that carries it (RFC 7617)."""
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    return [text(f"password of {name}", password), text(f"Basic credentials of {name}", basic)]


def token(digits: str) -> Secret:
    """Return a token: 20 digits, also in groups of four."""
    groups = [digits[at : at + _TOKEN_GROUP] for at in range(0, len(digits), _TOKEN_GROUP)]
    return Secret(
        "token", frozenset(separator.join(groups).encode() for separator in ("", " ", "-"))
    )


def found(secrets: Iterable[Secret], places: Mapping[str, bytes]) -> list[str]:
    """Return where secrets are, by their names: never the secrets themselves."""
    secrets = list(secrets)
    return sorted(
        {
            f"{secret.name} in {place}"
            for place, written in places.items()
            for secret in secrets
            if any(form in written for form in secret.forms)
        }
    )
