import time
from typing import Any

import jwt
import pytest

from gameserver.errors import Refused
from gameserver.fairness import derive
from gameserver.http.tokens import DEMO_SECONDS, NAME_LENGTH, Member, Tokens
from tests.node import SECRET, member_token

TOKENS = Tokens(SECRET)
LATER = int(time.time()) + 60


def test_an_issued_token_speaks_for_its_member_and_no_other() -> None:
    (token, member), (other, _) = TOKENS.issue("小红"), TOKENS.issue("小红")
    assert TOKENS.verify(f"Bearer {token}") == member == Member(member.id, "小红", [], [])
    assert TOKENS.verify(f"Bearer {other}").id != member.id
    claims = jwt.decode(token, options={"verify_signature": False})
    assert time.time() < claims["exp"] <= time.time() + DEMO_SECONDS


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    assert TOKENS.verify(f"{scheme} {member_token()}").id == "m1"


def test_levels_and_tags_are_the_operators() -> None:
    token = member_token(name="小红", levels=["gold"], tags=["staff", "vip"])
    assert TOKENS.verify(f"Bearer {token}") == Member("m1", "小红", ["gold"], ["staff", "vip"])


def test_a_name_is_cut_to_what_pages_can_show() -> None:
    assert TOKENS.verify(f"Bearer {member_token(name='n' * 99)}").name == "n" * NAME_LENGTH


def with_public_key_trick() -> str:
    return jwt.encode({"sub": "m1", "exp": LATER}, derive(SECRET.encode(), "receipt"), "HS256")


FORGED = {
    "another key": member_token(key="another secret key of at least thirty-two"),
    "no algorithm": member_token(algorithm="none"),
    "another algorithm": member_token(algorithm="HS512"),
    "another purpose of the same key": with_public_key_trick(),
    "expired": member_token(exp=int(time.time()) - 1),
    "without end": jwt.encode({"sub": "m1"}, derive(SECRET.encode(), "member-token"), "HS256"),
    "end is no time": member_token(exp="later"),
    "no subject": jwt.encode({"exp": LATER}, derive(SECRET.encode(), "member-token"), "HS256"),
    "subject is a number": member_token(sub=7),
    "subject is null": member_token(sub=None),
    "subject is empty": member_token(sub=""),
    "not yet": member_token(nbf=LATER),
    "name is a list": member_token(name=["x"]),
    "levels are a number": member_token(levels=7),
    "levels hold a number": member_token(levels=[7]),
    "tags are null": member_token(tags=None),
    "cut": member_token()[:-1],
    "changed": member_token()[:-2] + "AA",
    "no token": "",
    "words": "not a token",
    "dots": "..",
    "not ASCII": "ключ.ключ.ключ",
}


@pytest.mark.parametrize("case", FORGED)
def test_a_token_that_does_not_hold_is_unauthorized(case: str) -> None:
    with pytest.raises(Refused) as refused:
        TOKENS.verify(f"Bearer {FORGED[case]}")
    assert refused.value.code == "unauthorized"
    assert SECRET not in refused.value.message


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", member_token(), f"Basic {member_token()}"])
def test_a_header_that_is_no_bearer_token_is_unauthorized(header: str | None) -> None:
    with pytest.raises(Refused) as refused:
        TOKENS.verify(header)
    assert refused.value.code == "unauthorized"


@pytest.mark.parametrize("claims", [{}, {"name": ""}, {"levels": [], "tags": []}])
def test_what_is_not_said_is_empty(claims: dict[str, Any]) -> None:
    assert TOKENS.verify(f"Bearer {member_token(**claims)}") == Member("m1", "", [], [])


def test_a_host_token_holds_for_its_room_and_its_time_and_is_no_members() -> None:
    tokens = Tokens(SECRET)
    token = tokens.issue_host("r1", 60)
    tokens.verify_host(token, "r1")
    for room, wrong in (
        ("r2", token),
        ("r1", tokens.issue_host("r1", -1)),
        ("r1", token[:-2] + "xx"),
        ("r1", ""),
    ):
        with pytest.raises(Refused, match="unauthorized"):
            tokens.verify_host(wrong, room)
    with pytest.raises(Refused, match="unauthorized"):
        tokens.verify(f"Bearer {token}")
    member, _ = tokens.issue("Ann")
    with pytest.raises(Refused, match="unauthorized"):
        tokens.verify_host(member, "r1")


def test_no_member_passes_for_a_host() -> None:
    with pytest.raises(Refused, match="unauthorized"):
        Tokens(SECRET).verify(f"Bearer {member_token(sub='!host')}")
