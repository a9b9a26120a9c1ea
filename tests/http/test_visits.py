import pytest
from starlette.requests import Request

from gameserver.http.visits import Visits


def request(address: str | None, agent: str = "") -> Request:
    headers = [(b"user-agent", agent.encode()), (b"x-forwarded-for", b"9.9.9.9")]
    client = (address, 1) if address else None
    return Request({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.1.2.3", "10.1.2.250", True),
        ("10.1.2.3", "10.1.3.3", False),
        ("::ffff:10.1.2.3", "10.1.2.9", True),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
    ],
)
def test_addresses_of_a_network_are_one_group(one: str, other: str, same: bool) -> None:
    visits = Visits("secret")
    assert (visits.network(one) == visits.network(other)) is same
    assert visits.network(one) != Visits("another").network(one)
    assert len(visits.network(one)) == 8


def test_what_is_no_address_is_in_no_group_and_headers_say_nothing() -> None:
    visits = Visits("secret")
    assert visits.of(request(None), embed=False) == ("browser", "")
    assert visits.of(request("testclient"), embed=False).network == ""
    assert visits.of(request("10.1.2.3"), embed=False).network == visits.network("10.1.2.3")


@pytest.mark.parametrize(
    ("agent", "embed", "channel"),
    [
        ("Mozilla/5.0 (iPhone) MicroMessenger/8.0", False, "wechat"),
        ("Mozilla/5.0 (iPhone) MicroMessenger/8.0", True, "embed"),
        ("Mozilla/5.0 Chrome", False, "browser"),
    ],
)
def test_channels(agent: str, embed: bool, channel: str) -> None:
    assert Visits("secret").of(request("10.1.2.3", agent), embed=embed).channel == channel
