"""Readings of meters from afar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vending_api.domain.readings.items import ITEMS
from vending_api.surfaces.crestflow import forms, wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.readings.types import ReadingTask

_ITEMS_SINCE: Final = datetime(2019, 11, 11, 12, 17, 5, tzinfo=UTC)
"""When the contract's items were entered; they never change."""
_LABELS: Final = {item.id: item.label for item in ITEMS}


def data_items() -> list[wire.DataItem]:
    """Return all that a meter can be asked for."""
    since = forms.moment(_ITEMS_SINCE)
    return [
        wire.DataItem(
            id=item.id,
            label=item.label,
            task_group=item.task_group,
            created_at=since,
            updated_at=since,
        )
        for item in ITEMS
    ]


def reading_task(task: ReadingTask) -> wire.ReadingTask:
    """Return a request to read an item; one that is pending is dated as if it had just ended."""
    return wire.ReadingTask(
        id=task.key,
        meter_id=task.consumer_key,
        task_no=task.task_no,
        meter_no=task.meter_number,
        create_date=forms.local_iso(task.asked_at, task.time_zone),
        end_date=forms.local_iso(task.ended_at or task.asked_at, task.time_zone),
        status=task.state.value,
        data_item=_LABELS[task.item_id],
        created_at=forms.moment(task.created_at),
        updated_at=forms.moment(task.updated_at),
    )


def remote_reading_data(
    consumer: Consumer, read: Sequence[ReadingTask]
) -> wire.RemoteReadingData | None:
    """Return the newest values that were read, null for the others; None if there are none."""
    if not read:
        return None
    values = {task.item_id: task.value for task in read}
    return {
        "id": consumer.key,
        "meter_id": consumer.key,
        **{item.key: values.get(item.id) for item in ITEMS},
        "created_at": forms.moment(min(task.created_at for task in read)),
        "updated_at": forms.moment(max(task.read_at or task.updated_at for task in read)),
    }
