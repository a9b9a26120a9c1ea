import asyncio

from gameserver.engines import Engines
from tests.cli.typed import run
from tests.node import environment, free_port


async def test_help_lists_the_commands_in_words(variables: dict[str, str]) -> None:
    helps = await asyncio.gather(*(run(variables, *words, "--help") for words in ([], ["room"], ["serve"])))
    assert {said.code for said in helps} == {0}
    whole, room, serve = (said.out for said in helps)
    for command in ("demo", "serve", "settle", "migrate", "room", "play", "verify"):
        assert f"│ {command} " in whole
    for command in ("schema", "create", "open", "pause", "resume", "close", "list", "show", "rebuild"):
        assert f"│ {command} " in room
    for variable in ("REDIS_URL", "DATABASE_URL", "SECRET_KEY", "--embedded", "--settle", "PORT"):
        assert variable in serve


async def test_without_a_running_server_every_command_says_so_in_one_line(engines: Engines) -> None:
    port = str(free_port())
    alone = {
        name: value
        for name, value in environment(engines, PORT=port).items()
        if name not in ("REDIS_URL", "DATABASE_URL", "SECRET_KEY")
    }
    commands = (["room", "list"], ["room", "open", "r1"], ["migrate"])
    for said in await asyncio.gather(*(run(alone, *words) for words in commands)):
        assert said.code == 1
        text = " ".join(said.err.split())
        assert text.startswith("error: the stores do not answer (")
        assert "Is the server running? See --port." in text
        assert said.out == ""


async def test_words_that_are_no_command_are_explained(variables: dict[str, str]) -> None:
    for said in await asyncio.gather(
        run(variables, "paly"), run(variables, "room", "create"), run(variables, "room", "open")
    ):
        assert said.code == 2
        assert "Usage: " in said.err
