"""The list of what a meter may be asked for is that of the consumer interface."""

from __future__ import annotations

import pytest

from vending_api.domain.readings.items import ITEMS, item_by_label, item_of, nth_last


def test_there_are_76_items_numbered_by_their_place() -> None:
    assert [item.id for item in ITEMS] == list(range(1, 77))
    assert len({item.key for item in ITEMS}) == len({item.label for item in ITEMS}) == 76


@pytest.mark.parametrize(
    ("number", "key", "label"),
    [
        (1, "Cumulative_kWh_consumption", "Cumulative kWh consumption"),
        (2, "Power_consumption_of_last_month", "Power consumption of last month"),
        (3, "Power_consumption_of_last_2nd_month", "Power consumption of last 2nd month"),
        (13, "Power_consumption_of_last_12th_month", "Power consumption of last 12th month"),
        (14, "The_number_of_cover_meter_open", "The number of cover meter open"),
        (15, "The_last_cover_open_time", "The last cover open time"),
        (24, "The_last_10th_cover_open_time", "The last 10th cover open time"),
        (25, "The_number_of_power_down", "The number of power down"),
        (26, "The_last_power_down_time", "The last power down time"),
        (35, "The_last_10th_power_down_time", "The last 10th power down time"),
        (36, "Voltage", "Voltage"),
        (37, "Current", "Current"),
        (38, "Power", "Power"),
        (39, "Date", "Date"),
        (40, "Time", "Time"),
        (41, "The_number_of_credit", "The number of credit"),
        (42, "Current_Credit_Register", "Current Credit Register"),
        (43, "The_last_credit_amount", "The last credit amount"),
        (52, "The_last_10th_credit_amount", "The last 10th credit amount"),
        (53, "The_last_credit_token", "The last credit token"),
        (62, "The_last_10th_credit_token", "The last 10th credit token"),
        (63, "The_last_management_token", "The last management token"),
        (72, "The_last_10th_management_token", "The last 10th management token"),
        (73, "Protocol_version_number", "Protocol version number"),
        (74, "Dual_source_rate", "Dual-source rate"),
        (75, "Clear_tampered", "Clear tampered"),
        (76, "Clear_credit", "Clear credit"),
    ],
)
def test_each_item_has_its_key_and_its_label(number: int, key: str, label: str) -> None:
    item = item_of(number)
    assert (item.id, item.key, item.label) == (number, key, label)
    assert item_by_label(label) is item


@pytest.mark.parametrize("label", ["", "power", "Power ", "Dual source rate", "Voltage_", "1"])
def test_a_label_counts_as_it_is_written(label: str) -> None:
    assert item_by_label(label) is None


def test_the_last_two_alone_would_change_the_meter() -> None:
    assert [item.id for item in ITEMS if item.is_command] == [75, 76]


def test_task_groups_begin_as_documented_and_go_on_by_block() -> None:
    assert [item.task_group for item in ITEMS[:5]] == [1, 2, 2, 2, 2]
    groups = [item.task_group for item in ITEMS]
    assert groups == sorted(groups)
    assert {item.task_group for item in ITEMS if item.is_command} == {groups[-1]}


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "last"),
        (2, "last 2nd"),
        (3, "last 3rd"),
        (4, "last 4th"),
        (10, "last 10th"),
        (11, "last 11th"),
        (12, "last 12th"),
        (13, "last 13th"),
        (14, "last 14th"),
        (21, "last 21st"),
    ],
)
def test_older_ones_are_counted_in_english(count: int, words: str) -> None:
    assert nth_last(count) == words
