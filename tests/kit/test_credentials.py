"""Passwords are hashed, and a good check is remembered for seconds."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.support.hashes import IN_EARNEST
from vending_api.kit import credentials, threads
from vending_api.kit.credentials import Checked, CredentialMemory, hash_password, password_fits
from vending_api.kit.errors import DomainError, Fault, Overloaded, StorageUnavailable
from vending_api.kit.guesses import TooManyGuesses


class _Wrong(DomainError):
    fault = Fault.UNAUTHENTICATED
    code = "wrong"


class _Desk:
    """Counts slow checks; the right password is "right", until it is changed."""

    def __init__(self) -> None:
        self.checks = 0
        self.fitted: list[str | None] = []
        self.right = "right"
        self.seconds = 100.0
        self.trouble: Exception | None = None
        self.held: threading.Event | None = None
        self.is_holding = threading.Event()
        self.memory = CredentialMemory(
            self._check, secret=b"s" * 32, monotonic_seconds=lambda: self.seconds
        )

    def _check(self, user_name: str, password: str, fitted: str | None) -> Checked[str]:
        self.checks += 1
        self.fitted.append(fitted)
        if self.held is not None:
            self.is_holding.set()
            self.held.wait(10)
        if self.trouble is not None:
            raise self.trouble
        if password != self.right:
            raise _Wrong
        return Checked(user_name.upper(), f"hash {self.checks}")

    async def is_let_in(self) -> bool:
        """Tell whether "right" is let in, once what was begun then has ended."""
        try:
            await self.memory.verify("shop", "right", "10.0.0.1")
        except _Wrong:
            return False
        finally:
            await asyncio.gather(*self.memory._under_way.values(), return_exceptions=True)
        return True


def test_a_hash_fits_its_password_only() -> None:
    stored = hash_password("right")
    assert password_fits(stored, "right")
    assert not password_fits(stored, "wrong")
    assert "right" not in stored


def test_a_hash_costs_who_guesses_memory_and_time() -> None:
    assert IN_EARNEST.hash("right").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_damaged_hash_fits_nothing() -> None:
    assert not password_fits("not a hash", "right")


def test_a_good_check_is_remembered_for_five_seconds() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert await desk.is_let_in()
        desk.right = "changed"
        desk.seconds += 5
        assert not await desk.is_let_in()
        desk.right = "right"
        assert await desk.is_let_in()
        desk.right, desk.trouble = "changed", StorageUnavailable()
        desk.seconds += 4.9
        assert await desk.is_let_in()
        desk.seconds += 0.1
        with pytest.raises(StorageUnavailable):
            await desk.is_let_in()

    asyncio.run(scenario())


def test_who_keeps_asking_is_checked_again_and_does_not_wait_for_it() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert await desk.is_let_in()
        desk.seconds += 2.4
        assert await desk.is_let_in()
        assert desk.checks == 1
        desk.seconds += 0.1
        with pytest.raises(StopIteration) as answer:  # it ends without having waited
            desk.memory.verify("shop", "right", "10.0.0.1").send(None)
        assert answer.value.value == "SHOP"
        assert await desk.is_let_in()
        assert desk.checks == 2
        assert desk.fitted == [None, "hash 1"]
        desk.seconds += 4.9  # since the second check
        assert await desk.is_let_in()
        assert desk.fitted == [None, "hash 1", "hash 2"]

    asyncio.run(scenario())


def test_a_changed_password_counts_once_that_is_seen() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert await desk.is_let_in()
        desk.right = "changed"
        desk.seconds += 2.5
        assert await desk.is_let_in()  # the check that it begins sees the change
        assert not await desk.is_let_in()
        desk.right = "right"
        assert await desk.is_let_in()
        assert desk.fitted == [None, "hash 1", None, None]

    asyncio.run(scenario())


def test_a_failed_check_is_never_remembered() -> None:
    async def scenario() -> None:
        desk = _Desk()
        for _ in range(2):
            with pytest.raises(_Wrong):
                await desk.memory.verify("shop", "wrong", "10.0.0.1")
        assert desk.checks == 2
        assert await desk.memory.verify("shop", "right", "10.0.0.1") == "SHOP"

    asyncio.run(scenario())


def test_user_and_password_are_not_run_together() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert await desk.memory.verify("shop", "right", "10.0.0.1") == "SHOP"
        with pytest.raises(_Wrong):
            await desk.memory.verify("shopr", "ight", "10.0.0.1")

    asyncio.run(scenario())


def test_requests_that_arrive_together_share_one_check() -> None:
    async def scenario() -> None:
        desk = _Desk()
        answers = await asyncio.gather(
            *(desk.memory.verify("shop", "right", "10.0.0.1") for _ in range(32))
        )
        assert answers == ["SHOP"] * 32
        assert desk.checks == 1

    asyncio.run(scenario())


def test_a_caller_that_leaves_does_not_take_the_check_from_the_others() -> None:
    async def scenario() -> None:
        desk = _Desk()
        first = asyncio.ensure_future(desk.memory.verify("shop", "right", "10.0.0.1"))
        second = asyncio.ensure_future(desk.memory.verify("shop", "right", "10.0.0.1"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "SHOP"

    asyncio.run(scenario())


def test_who_waits_too_long_for_a_check_is_told_so_and_those_who_are_known_do_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credentials, "_CHECKS_AT_ONCE", 1)

    async def scenario() -> None:
        held = threading.Event()
        desk = _Desk()
        assert await desk.is_let_in()
        desk.held = held  # as by a database that has fallen silent
        other = asyncio.ensure_future(desk.memory.verify("other", "right", "10.0.0.2"))
        await asyncio.to_thread(desk.is_holding.wait, 10)
        with monkeypatch.context() as patch:
            patch.setattr(threads, "MOST_SECONDS_WAITING", 0.2)
            with pytest.raises(Overloaded):
                await desk.memory.verify("third", "right", "10.0.0.3")
        desk.seconds += 2.5
        assert await desk.memory.verify("shop", "right", "10.0.0.1") == "SHOP"
        held.set()
        assert await other == "OTHER"
        assert await desk.memory.verify("third", "right", "10.0.0.3") == "THIRD"

    asyncio.run(scenario())


def test_more_than_may_wait_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_CHECKS_AT_ONCE", 1)
    monkeypatch.setattr(credentials, "_CHECKS_WAITING", 1)
    monkeypatch.setattr(threads, "MOST_SECONDS_WAITING", 60)  # nobody is refused for time

    async def scenario() -> None:
        desk = _Desk()
        desk.held = threading.Event()
        told = [asyncio.ensure_future(desk.memory.verify(one, "right", one)) for one in ("a", "b")]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await desk.memory.verify("c", "right", "c")
        desk.held.set()
        assert await asyncio.gather(*told) == ["A", "B"]

    asyncio.run(scenario())


async def _guess(desk: _Desk, guess: str, *, address: str = "10.0.0.1") -> str:
    """Return "in", "wrong", or "locked"."""
    try:
        await desk.memory.verify("shop", guess, address)
    except TooManyGuesses:
        return "locked"
    except _Wrong:
        return "wrong"
    return "in"


def test_the_fifth_wrong_guess_locks_and_each_further_one_for_twice_as_long() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert [await _guess(desk, f"guess {one}") for one in range(6)] == [
            *["wrong"] * 5,
            "locked",
        ]
        checks = desk.checks
        assert await _guess(desk, "right") == "locked"
        assert desk.checks == checks
        desk.seconds += 1.9
        assert await _guess(desk, "another") == "locked"
        desk.seconds += 0.2
        assert await _guess(desk, "another") == "wrong"
        desk.seconds += 3.9
        assert await _guess(desk, "yet another") == "locked"
        desk.seconds += 0.2
        assert await _guess(desk, "right") == "in"
        assert [await _guess(desk, f"later {one}") for one in range(5)] == ["wrong"] * 5

    asyncio.run(scenario())


def test_no_lock_is_longer_than_a_quarter_of_an_hour_and_guesses_are_forgotten() -> None:
    async def scenario() -> None:
        desk = _Desk()
        for one in range(40):
            await _guess(desk, f"guess {one}")
            desk.seconds += 900.1
        assert await _guess(desk, "one more") == "wrong"
        desk.seconds += 899
        assert await _guess(desk, "right") == "locked"
        desk.seconds += 3_600
        assert [await _guess(desk, f"later {one}") for one in range(5)] == ["wrong"] * 5

    asyncio.run(scenario())


def test_who_guesses_locks_out_nobody_at_another_address() -> None:
    async def scenario() -> None:
        desk = _Desk()
        for one in range(9):
            await _guess(desk, f"guess {one}", address="2001:db8:1:2::1")
        # Who has an address of IPv6 has the network around it.
        assert await _guess(desk, "right", address="2001:db8:1:2::9") == "locked"
        assert await _guess(desk, "right", address="2001:db8:1:3::1") == "in"
        desk.seconds += 6
        assert await _guess(desk, "right", address="10.0.0.2") == "in"

    asyncio.run(scenario())


def test_a_till_that_goes_on_with_the_old_password_locks_nobody_out() -> None:
    async def scenario() -> None:
        desk = _Desk()
        assert [await _guess(desk, "old") for _ in range(20)] == ["wrong"] * 20
        assert await _guess(desk, "right") == "in"

    asyncio.run(scenario())


def test_strangers_without_number_are_not_all_remembered() -> None:
    async def scenario() -> None:
        desk = _Desk()
        for one in range(5):
            await _guess(desk, f"guess {one}")
        guesses = desk.memory._guesses
        for number in range(10_000):
            guesses.note_wrong(f"name {number}", "10.0.0.9", b"")
        assert len(guesses._wrong) == 10_000
        assert await _guess(desk, "right") == "in"

    asyncio.run(scenario())
