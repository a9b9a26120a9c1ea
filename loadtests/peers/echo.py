"""The yardstick of the wire: picows inside uvicorn, and nothing behind it.

`python -m loadtests.peers.echo PORT`. A command is decoded and answered with as many bytes as `grabbed`
has. `{"op":"broadcast","times":k,"every_ms":n,"payload":"..."}` sends the payload k times to everybody
else, at that pace.
"""

import asyncio
import sys
from logging import getLogger
from typing import Any

import orjson
import uvicorn
from picows import WSAutoPingStrategy, WSFrame, WSListener, WSMsgType, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined] # its stub leaves it out

ANSWER = {
    "drop": 1017,
    "kind": "packet",
    "sum": 10_000,
    "score": 100,
    "amount": 100,
    "prize": "packet",
    "unit": 100_000,
    "receipt": "0123456789abcdef0123456789abcdef",
}
FRAME_BYTES = 64 * 1024
READ_BUFFER_BYTES = 2048

everybody: set[WSTransport] = set()
broadcasts: set[asyncio.Task[None]] = set()


class Echo(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        everybody.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        everybody.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        command = orjson.loads(frame.get_payload_as_memoryview())
        if command["op"] == "broadcast":
            task = asyncio.get_running_loop().create_task(broadcast(transport, command))
            broadcasts.add(task)
            task.add_done_callback(broadcasts.discard)
            return
        transport.send(WSMsgType.TEXT, orjson.dumps({"ev": "grabbed", "re": command["ref"], **ANSWER}))


async def broadcast(sender: WSTransport, command: dict[str, Any]) -> None:
    payload = command["payload"].encode()
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(command["times"]):
        await asyncio.sleep(began + number * command["every_ms"] / 1000 - loop.time())
        for transport in everybody:
            if transport is not sender:
                transport.send(WSMsgType.TEXT, payload)
    sender.send(WSMsgType.TEXT, orjson.dumps({"ev": "broadcasted", "re": command["ref"]}))


class Upgraded(WSProtocol):  # type: ignore[misc] # picows ships its classes compiled
    """The connection after uvicorn has read its upgrade request; see gameserver/websocket.py."""

    def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
        super().__init__(
            None, None, False, lambda request: Echo(), getLogger("picows"), True, 5, False, 20, 20,
            WSAutoPingStrategy.PING_WHEN_IDLE, True, FRAME_BYTES, None, READ_BUFFER_BYTES,
        )  # fmt: skip

    def data_received(self, data: bytes) -> None:
        room = self.get_buffer(len(data))
        room[: len(data)] = data
        self.buffer_updated(len(data))


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """No pages here."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body"})


if __name__ == "__main__":
    uvicorn.run(
        nothing, port=int(sys.argv[1]), ws=Upgraded, loop="uvloop", http="httptools", lifespan="off",
        log_level="error", access_log=False, backlog=4096,
    )  # fmt: skip
