"""The batch functions on a Dask cluster: each worker process opens the keys for itself.

Nothing that holds a key is sent: a task carries the path of the key file and the function that
reads it. The file must be where the worker looks for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sts.batch.source import map_batches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sts.batch.source import ModuleSource


def over_bag(bag: Any, *, source: ModuleSource, operation: str) -> Any:
    """Return a bag of the answers to a Dask bag of record batches, partition by partition.

    Nothing runs before the bag is computed. A row's error is in its row; ColumnsInvalid and the
    errors of the key file fail the task.
    """
    return bag.map_partitions(partial(_answers, source=source, operation=operation))


def _answers(batches: Iterable[Any], *, source: ModuleSource, operation: str) -> list[Any]:
    """Return the answers to a partition, in a list: workers send results, and send no generator."""
    return list(map_batches(batches, source=source, operation=operation))
