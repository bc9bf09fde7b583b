"""The whole codec over columns: Arrow tables in, Arrow tables out. Needs the extra `batch`."""

from __future__ import annotations

from importlib import import_module

from sts.errors import BatchExtraMissing

for _package in ("numpy", "numba", "pyarrow"):
    try:
        import_module(_package)
    except ImportError:
        raise BatchExtraMissing(_package) from None

from sts.batch.module import BatchSecurityModule  # noqa: E402 (what it needs is there now)

__all__ = ["BatchSecurityModule"]
