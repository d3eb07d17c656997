"""One deadline for all that is awaited at once."""

from __future__ import annotations

import asyncio

import pytest

from service.deadline import Deadline


def test_what_is_late_is_given_up_and_what_comes_in_time_is_not() -> None:
    async def both() -> list[object]:
        deadline = Deadline(0.1)
        waits = asyncio.sleep(60, "late"), asyncio.sleep(0.01, "early"), asyncio.sleep(60, "late")
        return await asyncio.gather(*map(deadline.keep, waits), return_exceptions=True)

    first, second, third = asyncio.run(both())
    assert second == "early"
    assert isinstance(first, TimeoutError)
    assert isinstance(third, TimeoutError)


def test_what_begins_later_has_as_long() -> None:
    async def one_after_the_other() -> float:
        deadline, loop = Deadline(0.2), asyncio.get_running_loop()
        early = asyncio.ensure_future(deadline.keep(asyncio.sleep(60)))
        await asyncio.sleep(0.15)
        began = loop.time()
        with pytest.raises(TimeoutError):
            await deadline.keep(asyncio.sleep(60))
        assert isinstance(early.exception(), TimeoutError)
        return loop.time() - began

    assert asyncio.run(one_after_the_other()) >= 0.19


def test_a_deadline_can_be_missed_again_after_all_was_quiet() -> None:
    async def twice() -> None:
        deadline = Deadline(0.02)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await deadline.keep(asyncio.sleep(60))
            await asyncio.sleep(0.05)

    asyncio.run(twice())


def test_who_is_cancelled_for_another_reason_is_not_late() -> None:
    async def cancelled() -> None:
        waiting = asyncio.ensure_future(Deadline(60).keep(asyncio.sleep(60)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancelled())


def test_errors_of_what_is_awaited_are_passed_on() -> None:
    async def fails() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(Deadline(60).keep(fails()))
