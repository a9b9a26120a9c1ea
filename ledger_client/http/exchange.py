"""Between HTTP bodies and structs: reading what is asked, writing answers, describing both for OpenAPI."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import msgspec
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from ledger_client.http import forms
from ledger_client.http.problems import Problem, Refused
from ledger_client.ledger import (
    Balance,
    BrokenLink,
    DeadLetter,
    Drift,
    Held,
    Liability,
    Outcome,
    Purse,
    Ranked,
    Reminder,
    StatementLine,
    Suspended,
    Totals,
    Upkept,
)
from ledger_client.terms import Terms

_T = TypeVar("_T")
_JSON = "application/json"
_REF = "#/components/schemas/{name}"
_CHUNK = 16 * 1024
# an account's points are for its owner, and change
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_STRUCTS = (
    forms.Batch, forms.Asks, forms.Budget, forms.Moment, forms.Funded, forms.Owned, forms.Health, Terms,
    Problem, Balance, BrokenLink, DeadLetter, Drift, Held, Liability, Outcome, Purse, Ranked, Reminder,
    StatementLine, Suspended, Totals, Upkept,
)  # fmt: skip
_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_FIELD = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)


async def taken(request: Request, type_: type[_T]) -> _T:
    """The body of a request as a struct. Raises Refused, naming the field that does not fit."""
    body = await _body(request)
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise Refused("bad_request", fields=_fields(str(error))) from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > forms.MAX_BODY:
            raise Refused("too_large")
    return bytes(body)


def _fields(text: str) -> dict[str, str]:
    """What msgspec says, such as "Expected `int`, got `str` - at `$.entries[3].amount`", by dotted path."""
    found = _WHERE.match(text)
    what, path = (found["what"], found["path"] or "") if found else (text, "")
    steps = re.findall(r"\w+|\.\.\.", path)
    if named := _FIELD.match(what):
        steps.append(named["name"])
    return {".".join(steps) or "body": what}


def given(answer: object) -> Response:
    """A struct, or a list of them, as an answer."""
    return Response(msgspec.json.encode(answer), media_type=_JSON, headers=HEADERS)


async def streamed(
    lines: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Lines as an answer, sent as they come. What goes wrong before the first is a problem of its own;
    later the answer breaks off, which a reader sees.
    """
    first = await anext(lines, b"")
    return StreamingResponse(
        _chunks(first, lines), media_type=media_type, headers={**HEADERS, **(headers or {})}
    )


async def _chunks(first: bytes, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    chunk = bytearray(first)
    async for line in lines:
        chunk += line
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def takes(type_: type) -> dict[str, Any]:
    """OpenAPI's words for a body."""
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": _schema(type_)}}}}


def gives(type_: Any) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's words for an answer."""
    return {200: {"content": {_JSON: {"schema": _schema(type_)}}}}


def gives_text(media_type: str, schema: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's words for a streamed answer."""
    return {200: {"content": {media_type: {"schema": schema}}}}


def _schema(type_: Any) -> dict[str, Any]:
    return msgspec.json.schema_components([type_], ref_template=_REF)[0][0]


def components() -> dict[str, Any]:
    """The schemas of all structs, for OpenAPI."""
    return msgspec.json.schema_components(_STRUCTS, ref_template=_REF)[1]
