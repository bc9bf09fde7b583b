"""The doors of the service: which application serves which addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send


class Doors:
    """An application of several: one for all below each path, and one for everything else.

    Starlette's `Mount` in an application around all would do the same, for 7 % of the time that
    the web spends on a sale. Each application answers its own errors.
    """

    def __init__(self, surfaces: Mapping[str, ASGIApp], elsewhere: ASGIApp) -> None:
        """Look for the paths in their order; `elsewhere` also hears of begin and end."""
        self._surfaces = [(f"{path}/", path, surface) for path, surface in surfaces.items()]
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or live through a lifespan, which has no path."""
        asked = scope.get("path", "")
        for beginning, path, surface in self._surfaces:
            if asked.startswith(beginning):
                scope["root_path"] = path
                await surface(scope, receive, send)
                return
        await self._elsewhere(scope, receive, send)
