"""What members do with goods that they won: say where they want them, say that they have them."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path

from gameserver.errors import Refused
from gameserver.games.game import MAX_REF, MemberId
from gameserver.http.forms import AddressForm, Kept
from gameserver.http.tokens import Member, Tokens
from gameserver.personal import Place, Seal, person_of
from gameserver.records.database import Database
from gameserver.records.fulfilment import Fulfilment, State, fulfilments_of_member, get_fulfilment
from gameserver.records.handover import give_address, receive
from gameserver.staff.fulfilment import receiver, with_redemption_code

Unit = Annotated[int, Path(ge=1, le=MAX_REF)]


def fulfilment_api(database: Database, tokens: Tokens, seal: Seal) -> APIRouter:
    """The routes under /api/me/prizes/{room}/{prize}/{unit}. What is another's is not found."""
    router = APIRouter(prefix="/api/me/prizes", tags=["member"])

    def member(authorization: Annotated[str | None, Header()] = None) -> Member:
        return tokens.verify(authorization)

    Caller = Annotated[Member, Depends(member)]  # noqa: N806 - a type

    @router.post("/{room}/{prize}/{unit}/address")
    async def address(room: str, prize: str, unit: Unit, form: AddressForm, caller: Caller) -> Kept:
        """Says where to send a prize; until it is shipped, and before `claim_by`, it may be said anew."""
        place, owner = Place(room, prize, unit), MemberId(caller.id)
        await get_fulfilment(database, place, owner)  # what is not theirs has no fields to be wrong
        person = person_of(form.name, form.phone, form.region, form.address)
        sealed, index = seal.seal(person, place), seal.index(person.phone)
        told = await give_address(database, place, owner, sealed, index, _now())
        return await kept(database, seal, told)

    @router.post("/{room}/{prize}/{unit}/received")
    async def received(room: str, prize: str, unit: Unit, caller: Caller) -> Kept:
        """Says that a shipped prize has come; to say so again changes nothing."""
        place = Place(room, prize, unit)
        return await kept(database, seal, await receive(database, place, MemberId(caller.id), _now()))

    return router


async def kept_of_member(database: Database, seal: Seal, member: MemberId) -> dict[Place, Kept]:
    """Where all goods and codes of a member are."""
    found = await fulfilments_of_member(database, member)
    return {place: await kept(database, seal, one) for place, one in found.items()}


async def kept(database: Database, seal: Seal, one: Fulfilment) -> Kept:
    """A prize as its member may see it."""
    try:
        person = receiver(seal, one)
    except Refused as refused:  # sealed under a key that is no more: the list is shown all the same
        if refused.code != "bad_seal":
            raise
        person = None
    return Kept(
        state=one.state,
        code=one.code,
        code_expires_at=one.code_expires_at,
        redemption_code=await with_redemption_code(database, seal, one),
        claim_by=one.claim_by,
        carrier=one.carrier,
        tracking=one.tracking,
        address_masked=" ".join((person.name, person.phone, person.region, person.address))
        if person
        else None,
        reason=one.reason if one.state is State.CANCELED else None,
    )


def _now() -> int:
    return time.time_ns() // 1_000_000
