"""The page that shows an OpenAPI document: Swagger UI, which browsers fetch from a CDN."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

from fastapi.openapi.docs import get_swagger_ui_html

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

PATH: Final = "/docs"
_CDN: Final = "https://cdn.jsdelivr.net"
_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; "
    f"script-src {_CDN} 'sha256-{{digest}}'; style-src {_CDN} 'unsafe-inline'; "
    "img-src data: https://fastapi.tiangolo.com; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets styles as it goes; of scripts, only its own and the one of the page run."""


def add_docs_page(app: FastAPI) -> None:
    """Serve the page at `PATH` of an application that was made with `docs_url=None`."""

    async def docs(request: Request) -> Response:
        base = str(request.scope.get("root_path", "")).rstrip("/")
        page = get_swagger_ui_html(
            openapi_url=f"{base}{app.openapi_url}", title=f"{app.title} - Swagger UI"
        )
        page.headers["Content-Security-Policy"] = _policy_for(bytes(page.body))
        return page

    app.add_route(PATH, docs, include_in_schema=False)


def _policy_for(page: bytes) -> str:
    """Return a policy under which the one script that stands in a page may run."""
    (script,) = _SCRIPT.findall(page)
    return _POLICY.format(digest=base64.b64encode(hashlib.sha256(script).digest()).decode())
