"""Bodies read up to a size only, so that a stranger cannot fill the memory."""

from fastapi import Request

from gameserver.errors import Refused


async def body_up_to(request: Request, most: int) -> bytes:
    """The whole body, of at most `most` bytes. Raises Refused("too_large")."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told) > most:
        raise _too_large(most)
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


def _too_large(most: int) -> Refused:
    return Refused("too_large", f"at most {most} bytes a request")
