"""The security module of an audit. Whoever imports this first hears in one line what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sts.batch import BatchSecurityModule

if TYPE_CHECKING:
    from sts.keys.key_file import KeyStore
    from sts.keys.sta_tables import StaTables


def module_of(keys: KeyStore, sta_tables: StaTables) -> BatchSecurityModule:
    """Return a module over columns with the keys of an installation; an audit makes no tokens."""
    return BatchSecurityModule(keys, sta_tables)
