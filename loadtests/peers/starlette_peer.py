"""The usual Python way: a Starlette WebSocket, and one Redis call for each claim.

`python -m loadtests.peers.starlette_peer PORT REDIS_URL FUNCTION TAG EPOCH`. The n-th connection is
the n-th member of a room that the benchmark has joined and opened; what is called is the game server's
own library in Redis, with one command in each call, and the answer carries the same fields, the signed
receipt among them. Drops are not derived and frames not checked.
"""

import contextlib
import hmac
import itertools
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import orjson
import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from loadtests.seats import FOREVER_MS, PACKET, member, session

port, redis_url, function, tag = sys.argv[1:5]
EPOCH = int(sys.argv[5])
numbers = itertools.count(1)
# a socket waits for its own answer only: as many calls may be in flight as there are sockets
encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
redis = Redis.from_url(redis_url, max_connections=100_000)


async def play(socket: WebSocket) -> None:
    number = next(numbers)
    who, where = member(number), session(number)
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            command = orjson.loads(await socket.receive_text())
            ref, drop = command["ref"], command["drop"]
            grab = [who, where, ref, "grab", False, 0, drop, PACKET, 0, FOREVER_MS]
            reply = await redis.fcall(function, 1, tag, encode([EPOCH, [], [who], [len(grab), *grab]]))
            _, _, ((done, body, grants),) = decode(reply)
            await socket.send_text(orjson.dumps(answer(who, where, ref, done, body, grants)).decode())


def answer(who: str, where: str, ref: int, done: int, body: Any, grants: Any) -> dict[str, Any]:
    if not done:
        return {"ev": "refused", "re": ref, "code": body}
    drop, _, total, score = body
    prize, unit, amount, epoch = grants[0]
    grant = f"{tag}|{prize}|{unit}|{amount}|{who}|{where}|{ref}|{epoch}"
    receipt = hmac.digest(b"benchmark", grant.encode(), "sha256").hex()[:32]
    return {
        "ev": "grabbed", "re": ref, "drop": drop, "kind": "packet", "sum": total, "score": score,
        "amount": amount, "prize": prize, "unit": unit, "receipt": receipt,
    }  # fmt: skip


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    await redis.ping()
    yield
    await redis.aclose()


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[WebSocketRoute("/ws", play)], lifespan=lifespan), port=int(port), loop="uvloop",
        ws="websockets-sansio", log_level="error", access_log=False, backlog=4096,
    )  # fmt: skip
