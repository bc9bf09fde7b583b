"""Passwords are hashed, and a good check is remembered for seconds."""

from __future__ import annotations

import asyncio

import pytest

from vending_api.kit.credentials import CredentialMemory, hash_password, password_fits


class _Wrong(Exception):
    pass


class _Desk:
    """Counts slow checks; the right password is "right"."""

    def __init__(self) -> None:
        self.checks = 0
        self.seconds = 100.0
        self.memory = CredentialMemory(
            self._check, secret=b"s" * 32, monotonic_seconds=lambda: self.seconds
        )

    def _check(self, user_name: str, password: str) -> str:
        self.checks += 1
        if password != "right":
            raise _Wrong
        return user_name.upper()


def test_a_hash_fits_its_password_only() -> None:
    stored = hash_password("right")
    assert password_fits(stored, "right")
    assert not password_fits(stored, "wrong")
    assert "right" not in stored


def test_a_damaged_hash_fits_nothing() -> None:
    assert not password_fits("not a hash", "right")


def test_a_good_check_is_remembered_for_five_seconds() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert await desk.memory.verify("shop", "right") == "SHOP"
        desk.seconds += 4.9
        assert await desk.memory.verify("shop", "right") == "SHOP"
        assert desk.checks == 1
        desk.seconds += 0.1
        assert await desk.memory.verify("shop", "right") == "SHOP"
        assert desk.checks == 2

    asyncio.run(scenario())


def test_a_failed_check_is_never_remembered() -> None:
    async def scenario() -> None:
        desk = _Desk()
        for _ in range(2):
            with pytest.raises(_Wrong):
                await desk.memory.verify("shop", "wrong")
        assert desk.checks == 2
        assert await desk.memory.verify("shop", "right") == "SHOP"

    asyncio.run(scenario())


def test_user_and_password_are_not_run_together() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert await desk.memory.verify("shop", "right") == "SHOP"
        with pytest.raises(_Wrong):
            await desk.memory.verify("shopr", "ight")

    asyncio.run(scenario())


def test_requests_that_arrive_together_share_one_check() -> None:
    async def scenario() -> None:
        desk = _Desk()
        answers = await asyncio.gather(*(desk.memory.verify("shop", "right") for _ in range(32)))
        assert answers == ["SHOP"] * 32
        assert desk.checks == 1

    asyncio.run(scenario())


def test_a_caller_that_leaves_does_not_take_the_check_from_the_others() -> None:
    async def scenario() -> None:
        desk = _Desk()
        first = asyncio.ensure_future(desk.memory.verify("shop", "right"))
        second = asyncio.ensure_future(desk.memory.verify("shop", "right"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "SHOP"

    asyncio.run(scenario())
