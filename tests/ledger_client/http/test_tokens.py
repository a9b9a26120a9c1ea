import pytest
from fastapi.security import HTTPAuthorizationCredentials

from ledger_client.http.problems import Refused
from ledger_client.http.tokens import Tokens

FIRST, SECOND, READS = "first" * 8, "second" * 8, "reads" * 8


def shown(token: str) -> HTTPAuthorizationCredentials:
    return HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)


def test_several_tokens_may_write_so_that_one_can_be_changed_for_another() -> None:
    tokens = Tokens.parse(f" {FIRST}, {SECOND},", READS)
    for token in (FIRST, SECOND):
        tokens.may_write(shown(token))
        tokens.may_read(shown(token))
    tokens.may_read(shown(READS))


@pytest.mark.parametrize(
    "token", ["", "x", FIRST[:-1], FIRST + "x", FIRST.upper(), f"{FIRST},{SECOND}", "é" * 40]
)
def test_any_other_is_refused(token: str) -> None:
    tokens = Tokens.parse(f"{FIRST},{SECOND}", READS)
    for may in (tokens.may_read, tokens.may_write):
        with pytest.raises(Refused, match="unauthorized"):
            may(shown(token))
        with pytest.raises(Refused, match="unauthorized"):
            may(None)


def test_a_token_that_reads_does_not_write() -> None:
    with pytest.raises(Refused, match="read_only"):
        Tokens.parse(FIRST, READS).may_write(shown(READS))


@pytest.mark.parametrize(("writing", "reading"), [("", ""), (" , ", READS), ("short", ""), (FIRST, "short")])
def test_a_ledger_is_not_served_without_tokens_that_nobody_guesses(writing: str, reading: str) -> None:
    with pytest.raises(ValueError, match="token"):
        Tokens.parse(writing, reading)
