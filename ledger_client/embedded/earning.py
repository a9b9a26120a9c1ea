"""Batches in which members do nothing but earn, as nearly all are: written as hoped for.

No account is locked before, so that lanes do not wait for each other. Hoped is that budgets will do, caps
leave room and nobody has a debt. The writes look (see `Raced`), in the one order of locks: members, what
they used of caps, budgets. Where it was hoped in vain the batch is decided in order instead, with
everything locked (deciding.py).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.calendar import day_of, expiry_of
from ledger_client.embedded.arrays import numbers, texts, unnest, uuids
from ledger_client.embedded.chain import Chain, Hashed, link
from ledger_client.embedded.counters import Cap, Counters, Key
from ledger_client.embedded.races import Raced
from ledger_client.entry import Entry, Kind
from ledger_client.ledger import LaneAt, Outcome, Status
from ledger_client.terms import Terms, decode_terms

_CAMPAIGNS = text("""
    select wanted.campaign, coalesce(posted - min_balance, 0), body
    from unnest(cast(:campaigns as text[])) as wanted (campaign)
    left join ledger.account on account.id = 'campaign:' || wanted.campaign
    left join ledger.terms on terms.campaign = wanted.campaign
""")
_LINE = {
    "id": "uuid", "member": "text", "amount": "bigint", "occurred_at": "bigint", "shared": "integer",
}  # fmt: skip
_WRITE = text(f"""
    with line as (
        select line.*, cast(n * 32 - 31 as integer) as place, (cast(:campaign as text[]))[shared] as campaign
        from {unnest(**_LINE)} with ordinality as line ({", ".join(_LINE)}, n)
    ), entries as (
        insert into ledger.entry (id, payload_hash, kind, member, campaign, room, amount, credited, status,
            occurred_at, rule_version, source, seq, link)
        select id, substr(cast(:hashes as bytea), place, 32), 'earn', member, campaign,
            (cast(:room as text[]))[shared], amount, amount, 'applied', occurred_at,
            (cast(:rule_version as integer[]))[shared], :source, :seq + n,
            substr(cast(:links as bytea), place, 32)
        from line
    ), lots as (
        insert into ledger.lot (id, member, campaign, expires_at, remaining)
        select id, member, campaign, (cast(:expires_at as bigint[]))[shared], amount from line
    )
    insert into ledger.posting (entry_id, account, amount)
    select id, 'campaign:' || campaign, -amount from line
    union all
    select id, 'member:' || member, amount from line
""")
_GIVE = text(f"""
    insert into ledger.account (id, posted, min_balance)
    select id, points, 0 from {unnest(ids="text", points="bigint")} as given (id, points) order by id
    on conflict (id) do update set posted = account.posted + excluded.posted
    where account.posted >= 0 and account.min_balance >= 0
""")
_TAKE = text(f"""
    update ledger.account set posted = account.posted - taken.points
    from (
        select id, points from {unnest(ids="text", points="bigint")} as taken (id, points) order by id
    ) as taken
    where account.id = taken.id and account.posted - taken.points >= account.min_balance
""")


class _Campaign(NamedTuple):
    """What is left of a budget, and the terms."""

    left: int
    terms: Terms


class _Shared(NamedTuple):
    """What many entries of a batch have in common: few differ, so a line only numbers its own."""

    campaign: str
    room: str
    rule_version: int
    expires_at: int | None


def only_earns(lines: Sequence[Hashed]) -> bool:
    """Whether nothing else is in the batch."""
    return all(
        entry.kind is Kind.EARN and entry.member and entry.amount > 0
        and (entry.reverses, entry.about, entry.until, entry.to) == _NOTHING
        for entry, _ in lines
    )  # fmt: skip


async def earn(
    connection: AsyncConnection, lane: LaneAt, chain: Chain, fresh: Sequence[Hashed]
) -> tuple[list[Outcome], Chain]:
    """Writes earns whole; the lane's chain goes on from `chain`. Raises Raced where it was hoped in vain."""
    entries = [line.entry for line in fresh]
    campaigns = await _campaigns(connection, entries)
    given, taken = _sums(entries)
    if any(points > campaigns[campaign].left for campaign, points in taken.items()):
        raise Raced("a budget that is running out has to be locked")
    outcomes = [Outcome(entry.id, Status.APPLIED, None, entry.amount) for entry in entries]
    head, links = chain.head, []
    for outcome, (entry, hash_) in zip(outcomes, fresh, strict=True):
        head = link(head, outcome, hash_, entry.amount)
        links.append(head)
    await _insert(connection, lane, chain, fresh, links, campaigns)
    await _move(connection, _GIVE, {"member:" + member: points for member, points in given.items()})
    await _counted(entries, campaigns).write(connection)
    await _move(connection, _TAKE, {"campaign:" + campaign: points for campaign, points in taken.items()})
    return outcomes, Chain(chain.entries + len(entries), head)


async def _campaigns(connection: AsyncConnection, entries: Sequence[Entry]) -> dict[str, _Campaign]:
    wanted = {"campaigns": list({entry.campaign for entry in entries})}
    return {
        campaign: _Campaign(left, decode_terms(body) if body else _DEFAULT)
        for campaign, left, body in await connection.execute(_CAMPAIGNS, wanted)
    }


def _sums(entries: Sequence[Entry]) -> tuple[dict[str, int], dict[str, int]]:
    """Points by member, and by campaign."""
    given: dict[str, int] = {}
    taken: dict[str, int] = {}
    for entry in entries:
        member, campaign, amount = entry.member, entry.campaign, entry.amount
        given[member] = given.get(member, 0) + amount
        taken[campaign] = taken.get(campaign, 0) + amount
    return given, taken


def _counted(entries: Sequence[Entry], campaigns: Mapping[str, _Campaign]) -> Counters:
    """What is hoped to be left of caps."""
    counters = Counters()
    capped = {name: campaign.terms for name, campaign in campaigns.items() if campaign.terms.caps.any}
    for entry in entries if capped else ():
        if terms := capped.get(entry.campaign):
            day = day_of(terms.timezone, entry.occurred_at)
            counters.hope(
                Key(Cap.EARN, entry.campaign, entry.member, day.year), day, entry.amount, terms.caps
            )
    return counters


async def _insert(
    connection: AsyncConnection,
    lane: LaneAt,
    chain: Chain,
    fresh: Sequence[Hashed],
    links: Sequence[bytes],
    campaigns: Mapping[str, _Campaign],
) -> None:
    numbered: dict[_Shared, int] = {}
    shared = []
    for entry, _ in fresh:
        expires_at = expiry_of(campaigns[entry.campaign].terms, entry.occurred_at)
        one = _Shared(entry.campaign, entry.room, entry.rule_version, expires_at)
        shared.append(numbered.setdefault(one, len(numbered) + 1))
    await connection.execute(
        _WRITE,
        {
            **dict(zip(_Shared._fields, map(list, zip(*numbered, strict=True)), strict=True)),
            "source": lane.id,
            "seq": chain.entries,
            "id": uuids([entry.id for entry, _ in fresh]),
            "member": texts([entry.member for entry, _ in fresh]),
            "amount": numbers([entry.amount for entry, _ in fresh]),
            "occurred_at": numbers([entry.occurred_at for entry, _ in fresh]),
            "shared": numbers(shared),
            "hashes": b"".join([hash_ for _, hash_ in fresh]),
            "links": b"".join(links),
        },
    )


async def _move(connection: AsyncConnection, statement: TextClause, points: Mapping[str, int]) -> None:
    values = {"ids": texts(points), "points": numbers(points.values())}
    if (await connection.execute(statement, values)).rowcount < len(points):
        raise Raced("a member has a debt, or a budget will not do")


_NOTHING = (None, None, None, None)
_DEFAULT = Terms()
