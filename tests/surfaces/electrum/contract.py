"""What holds for every answer of the surface: it is just what its model would write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import compile_path

from vending_api.surfaces.electrum.openapi import _MESSAGES
from vending_api.surfaces.electrum.wire.faults import ErrorDetail

if TYPE_CHECKING:
    import httpx2

    from vending_api.surfaces.electrum.wire.base import WireModel

_ADDRESSES: Final = [(compile_path(operation.path)[0], operation) for operation in _MESSAGES]


def require_contract(answer: httpx2.Response) -> None:
    """Fail unless a body says what its model says: no more, no less, in the same JSON types."""
    if answer.request.method != "POST":
        return
    answer.read()
    model = _model_of(answer)
    if model is None:
        assert answer.content == b""
        return
    parsed = model.model_validate_json(answer.content, by_alias=True, by_name=False)
    assert _exact(answer.content) == _exact(parsed.model_dump_json(exclude_none=True))


def _model_of(answer: httpx2.Response) -> type[WireModel] | None:
    """Return what the document of the surface promises for an answer; None is no body."""
    if not answer.is_success:
        return ErrorDetail
    path = answer.request.url.path
    (operation,) = [one for address, one in _ADDRESSES if address.match(path)]
    assert answer.status_code == operation.success
    return _MESSAGES[operation].response


def _exact(octets: bytes | str) -> str:
    """Return a text that is equal for the same JSON in any order; 15.0 is not 15."""
    return json.dumps(json.loads(octets, object_pairs_hook=_once), sort_keys=True)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a name stands twice"
    return dict(pairs)
