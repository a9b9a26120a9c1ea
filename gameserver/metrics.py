"""What /metrics tells. Counters move per tick or per event, never per command."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("gameserver_connections", "Open sockets of this process")
SESSIONS = Gauge("gameserver_sessions", "Sessions of this process", ["room"])
COMMANDS = Counter("gameserver_commands_total", "Commands executed or refused by the rule", ["room"])
REFUSALS = Counter("gameserver_refusals_total", "Refusals by code", ["code"])
FRAME_ERRORS = Counter("gameserver_frame_errors_total", "Frames that could not be read, by code", ["code"])
CLOSES = Counter("gameserver_closes_total", "Sockets closed by the server, by close code", ["code"])
TICK_SECONDS = Histogram(
    "gameserver_tick_seconds",
    "One call of a lane, round trip",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
TICK_COMMANDS = Histogram(
    "gameserver_tick_commands", "Commands in one call", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
DROPPED = Counter("gameserver_dropped_total", "Events not sent to slow readers, by class", ["event_class"])
