"""Pages of records, in the form of the contract."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from vending_api.domain.receipts.types import PAGE_SIZE
from vending_api.surfaces.crestflow import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from vending_api.domain.receipts.types import Page

PARAMETER: Final = "page"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,14}")
_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]+")


def page_number(text: str | None) -> int:
    """Return which page is asked for; the first if that is no whole number from 1 on."""
    return int(text) if text is not None and _NUMBER.fullmatch(text) else 1


def to_page(
    page: Page[Any], records: Sequence[Any], *, path: str, kept: Sequence[tuple[str, str]] = ()
) -> wire.Page:
    """Return a page with links to others; `records` are its items in their words.

    `path` is the address without its query; `kept` are the parameters that other pages need, too.
    """
    number, last = page.number, max(1, -(-page.total // PAGE_SIZE))

    def link(to: int) -> str:
        return f"{path}?{urlencode([*kept, (PARAMETER, to)])}"

    before = (number - 1) * PAGE_SIZE
    return wire.Page(
        data=records,
        links=wire.PageLinks(
            first=link(1),
            last=link(last),
            prev=link(number - 1) if number > 1 else None,
            next=link(number + 1) if number < last else None,
        ),
        meta=wire.PageMeta(
            current_page=number,
            from_=before + 1 if records else None,
            last_page=last,
            path=path,
            per_page=PAGE_SIZE,
            to=before + len(records) if records else None,
            total=page.total,
        ),
    )


def path_of(request: Request, public_url: str | None) -> str:
    """Return the address of a request without its query, as its sender reaches it."""
    return (public_url or _own_url(request)) + str(request.scope["path"])


def _own_url(request: Request) -> str:
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        name, port = request.scope.get("server") or ("localhost", None)
        host = name if port is None else f"{name}:{port}"
    return f"{request.scope['scheme']}://{host}"
