"""A live quiz: everybody answers at once, then everybody is told."""

import time
from typing import Any, NamedTuple

from loadtests.meters import cpu_seconds, percentile
from loadtests.phases.phase import Bench
from loadtests.phones import Phone, Phones, phones, until
from loadtests.processes import free_port
from loadtests.rooms import NO_LIMIT, BenchRoom, in_room

PHONES = 2000
QUICK_PHONES = 500
QUESTIONS = 20
QUICK_QUESTIONS = 5
LEAD_MS = 2000

_QUESTION = {
    "kind": "single",
    "text": "Benchmark?",
    "options": ["one", "two", "three", "four"],
    "right": 0,
    "difficulty": 1,
}  # fmt: skip


class Round(NamedTuple):
    """One question: its answers, the seconds until all were answered, the server's CPU seconds in them, and
    the seconds from the host's reveal to the last phone that was told.
    """

    answers: int
    took: float
    cpu: float
    revealed: float


async def quiz(bench: Bench) -> dict[str, float]:
    """`quiz.*`."""
    questions = QUICK_QUESTIONS if bench.quick else QUESTIONS
    return await in_room(
        bench.stores, live(questions), lambda room: _conducted(bench, room, questions), "quiz"
    )


def live(questions: int) -> dict[str, Any]:
    """The config of a live quiz of so many questions, whose time never runs out before all have answered."""
    return {
        "title": "Benchmark",
        "mode": {"kind": "live", "seconds_per_question": 60, "scoring": "speed", "lead_ms": LEAD_MS},
        "questions": [{**_QUESTION, "text": f"Benchmark {number}?"} for number in range(questions)],
        "limits": NO_LIMIT,
    }


async def _conducted(bench: Bench, room: BenchRoom, questions: int) -> dict[str, float]:
    count = QUICK_PHONES if bench.quick else PHONES
    bench.say(f"quiz: {questions} questions to {count} phones")
    port = free_port()
    async with bench.programs.server(port) as pid, phones(room, port, count) as crowd:
        (host,) = await crowd.join(1, host=True)
        members = [phone for phone in crowd.all if phone is not host]
        rounds = [await _asked(crowd, host, members, number, pid) for number in range(questions)]
    answers = sum(one.answers for one in rounds)
    return {
        "quiz.answers_per_s": answers / sum(one.took for one in rounds),
        "quiz.server_us": 1_000_000 * sum(one.cpu for one in rounds) / answers,
        "quiz.reveal_to_last_phone_p99_ms": 1000 * percentile((one.revealed for one in rounds), 99),
    }


async def _asked(crowd: Phones, host: Phone, members: list[Phone], number: int, pid: int) -> Round:
    crowd.forget()
    asked = time.time()
    host.send({"op": "ask", "question": number})
    await crowd.came(b"question_opened", len(crowd.all))
    # the question is on every phone before its time starts
    await until(lambda: time.time() > asked + LEAD_MS / 1000 + 0.05)
    before, began = cpu_seconds(pid), time.perf_counter()
    for place, phone in enumerate(members):
        phone.send({"op": "answer", "question": number, "choices": [place % 4]})
    await crowd.came(b"answered", len(members))
    took, cpu = time.perf_counter() - began, cpu_seconds(pid) - before
    host.send({"op": "lock"})
    await crowd.came(b"question_locked", len(crowd.all))
    revealing = time.perf_counter()
    host.send({"op": "reveal"})
    await crowd.came(b"revealed", len(crowd.all))
    return Round(len(members), took, cpu, crowd.last[b"revealed"] - revealing)
