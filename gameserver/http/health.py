"""Health, readiness and metrics."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gameserver.http.forms import Health
from gameserver.records import database as record
from gameserver.store import redis as store

CHECK_SECONDS = 2.0


def health(database: record.Database, redis: store.Redis) -> APIRouter:
    """/healthz: the process turns; /readyz: it can serve; /metrics: Prometheus."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> Health:
        """The event loop turns."""
        return Health(status="ok")

    @router.get("/readyz", responses={503: {"model": Health}})
    async def readyz(response: Response) -> Health:
        """Redis and PostgreSQL answer."""
        checks = {
            "redis": await _check(store.answers(redis)),
            "database": await _check(record.answers(database)),
        }
        sound = set(checks.values()) == {"ok"}
        response.status_code = 200 if sound else 503
        return Health(status="ok" if sound else "not ready", checks=checks)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Prometheus text."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _check(answer: Awaitable[bool]) -> str:
    try:
        return "ok" if await asyncio.wait_for(answer, CHECK_SECONDS) else "does not answer"
    except TimeoutError:
        return "does not answer"
