import asyncio

import pytest

from ledger_client.http.breaker import Breaker, CircuitOpen, State


class Gone(Exception):  # noqa: N818
    pass


def fail(breaker: Breaker, error: type[BaseException] = Gone) -> None:
    with pytest.raises(error), breaker.call():
        raise error


def succeed(breaker: Breaker) -> None:
    with breaker.call():
        pass


def opened(open_s: float) -> Breaker:
    breaker = Breaker(2, open_s, Gone)
    fail(breaker)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.OPEN
    return breaker


def test_so_many_failures_in_a_row_open_it_and_nothing_is_tried() -> None:
    breaker = opened(open_s=3600)
    with pytest.raises(CircuitOpen), breaker.call():
        pytest.fail("it was tried")


def test_a_success_between_them_starts_the_count_anew() -> None:
    breaker = Breaker(2, 3600, Gone)
    for _ in range(5):
        fail(breaker)
        succeed(breaker)
    assert breaker.state is State.CLOSED


def test_when_its_time_is_over_one_call_tries_and_closes_it() -> None:
    breaker = opened(open_s=0)
    with breaker.call():
        assert breaker.state is State.HALF_OPEN
        with pytest.raises(CircuitOpen):  # one, not two
            succeed(breaker)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.CLOSED


def test_one_failure_of_the_call_that_tries_opens_it_again() -> None:
    breaker = opened(open_s=0)
    fail(breaker)
    assert breaker.state is State.OPEN


@pytest.mark.parametrize("error", [asyncio.CancelledError, ValueError])
def test_a_call_that_tries_and_does_not_end_leaves_the_place_to_another(error: type[BaseException]) -> None:
    breaker = opened(open_s=0)
    fail(breaker, error)
    assert breaker.state is State.OPEN
    succeed(breaker)
    assert breaker.state is State.CLOSED


def test_errors_that_say_nothing_of_the_other_side_are_not_counted() -> None:
    breaker = Breaker(1, 3600, Gone)
    fail(breaker, ValueError)
    assert breaker.state is State.CLOSED


def test_an_older_call_that_fails_does_not_decide() -> None:
    breaker = Breaker(1, 0, Gone)
    older = breaker.call()
    older.__enter__()
    fail(breaker)
    with breaker.call():
        assert not older.__exit__(Gone, Gone(), None)  # it raises on
        assert breaker.state is State.HALF_OPEN
    assert breaker.state is State.CLOSED
