import re
from pathlib import Path

import pytest

from gameserver.errors import REFUSALS, CloseCode, Refused, message_of, status_of
from gameserver.games import games

ROOT = Path(__file__).parents[1]
SOURCES = [path for path in (ROOT / "gameserver").rglob("*.py") if "static" not in path.parts]
LUA = [*(ROOT / "gameserver").rglob("*.lua")]
KNOWN = {*REFUSALS, *(code for game in games().values() for code in game.refusals)}
OF_STAFF = {
    "bad_config", "bad_state", "budget_too_small", "unknown_game", "pages_missing", "caller_exists",
    "reference_used", "ledger_refused", "bad_table", "too_few_codes", "already_redeemed", "no_secret_key",
    "bad_seal", "too_many_contestants",
}  # fmt: skip
OF_CALLERS = {"bad_signature", "stale_request", "not_allowed", "source_id_reused"}
# what a page can be told over the socket or by the calls that it makes itself
OF_PAGES = [code for code in REFUSALS if code not in OF_STAFF | OF_CALLERS]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_refusal_that_is_raised_is_in_the_table(path: Path) -> None:
    raised = set(re.findall(r"Refused\(\s*\"(\w+)\"", path.read_text()))
    assert raised <= KNOWN


@pytest.mark.parametrize("path", LUA, ids=lambda path: path.name)
def test_every_refusal_of_the_gate_and_the_rules_is_in_the_table(path: Path) -> None:
    text = path.read_text()
    known = r"[a-z]+_[a-z_]+|paused|closed|blocked|internal"
    codes = set(re.findall(rf"(?:return nil, |refusal\(|return )'({known})'", text))
    assert codes <= KNOWN
    if path.name == "deciding.lua":
        assert {"session_unknown", "ref_too_old", "paused", "closed", "not_open"} <= codes


def test_every_line_of_the_table_is_of_use() -> None:
    """No code that nothing can send."""
    text = "".join(path.read_text() for path in (*SOURCES, *LUA) if path.name != "errors.py")
    assert [code for code in REFUSALS if f'"{code}"' not in text and f"'{code}'" not in text] == []


def test_refusals_have_a_fitting_status_and_words() -> None:
    for code, refusal in REFUSALS.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert refusal.status in (400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 503), code
        assert refusal.message
        assert refusal.message[-1] not in ".!", code


def test_the_pages_have_words_for_everything_that_they_can_be_told() -> None:
    for language in ("zh-CN", "en"):
        said = (ROOT / f"h5/src/shell/messages/{language}.ts").read_text()
        assert [code for code in OF_PAGES if f"'refused.{code}'" not in said] == [], language


def test_close_codes_say_whether_to_come_back() -> None:
    values = [int(code) for code in CloseCode]
    assert len(set(values)) == len(values)
    assert all(4000 <= value < 4200 for value in values)
    again = {"RESTART", "TOO_SLOW", "HELLO_TIMEOUT", "NO_PONG", "NOT_READY"}
    assert {code.name for code in CloseCode if code < 4100} == again


def test_a_refusal_carries_its_code_words_and_when() -> None:
    plain = Refused("sold_out")
    assert (plain.code, plain.message, plain.retry_ms, plain.fields) == (
        "sold_out",
        "nothing is left",
        None,
        None,
    )
    told = Refused("bad_config", "title: too short", 5, {"title": "too short"})
    assert (told.message, told.retry_ms, told.fields) == ("title: too short", 5, {"title": "too short"})
    assert str(told) == "bad_config"


def test_a_games_own_code_explains_itself() -> None:
    assert (message_of("no_round"), status_of("no_round")) == ("no_round", 409)
    assert (message_of("sold_out"), status_of("bad_ticket")) == ("nothing is left", 401)
