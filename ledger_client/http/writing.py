"""The routes that change the books."""

from fastapi import APIRouter, Depends, Request, Response

from ledger_client.http.exchange import given, gives, taken, takes
from ledger_client.http.forms import Asks, Batch, Budget, Funded, Moment
from ledger_client.http.paths import Campaign, Letter
from ledger_client.http.problems import Refused
from ledger_client.http.tokens import Tokens
from ledger_client.ledger import Held, Ledger, Outcome, Upkept
from ledger_client.terms import Terms


def writing(ledger: Ledger, tokens: Tokens) -> APIRouter:
    """All that needs a token that may write."""
    router = APIRouter(prefix="/v1", tags=["writing"], dependencies=[Depends(tokens.may_write)])
    _add_movements(router, ledger)
    _add_campaigns(router, ledger)
    _add_letters(router, ledger)
    return router


def _add_movements(router: APIRouter, ledger: Ledger) -> None:
    @router.post("/batches", responses=gives(list[Outcome]), openapi_extra=takes(Batch))
    async def apply(request: Request) -> Response:
        """Applies entries in order, all or nothing; one outcome per entry.

        The same batch again changes nothing: repeat it, with the same ids, until it is answered.
        """
        batch = await taken(request, Batch)
        return given(await ledger.apply(batch.lane, batch.entries))

    @router.post("/holds", responses=gives(list[Held]), openapi_extra=takes(Asks))
    async def hold(request: Request) -> Response:
        """Opens and tops up purses; one answer per ask, and the same for the same (id, number)."""
        asked = await taken(request, Asks)
        return given(await ledger.hold(asked.lane, asked.asks))

    @router.post("/upkeep", responses=gives(Upkept), openapi_extra=takes(Moment))
    async def upkeep(request: Request) -> Response:
        """Releases purses and expires lots whose time is over, a bounded number of them; idempotent."""
        return given(await ledger.upkeep((await taken(request, Moment)).now))


def _add_campaigns(router: APIRouter, ledger: Ledger) -> None:
    @router.put("/campaigns/{campaign:path}/funding", responses=gives(Funded), openapi_extra=takes(Budget))
    async def fund(campaign: Campaign, request: Request) -> Response:
        """Brings what the campaign was funded with to `budget`; it only rises."""
        budget = (await taken(request, Budget)).budget
        return given(Funded(await ledger.fund(campaign, budget)))

    @router.put("/campaigns/{campaign:path}/terms", responses=gives(Terms), openapi_extra=takes(Terms))
    async def agree(campaign: Campaign, request: Request) -> Response:
        """Puts the campaign under terms, for entries that are applied from now on."""
        agreed = await taken(request, Terms)
        await ledger.agree(campaign, agreed)
        return given(agreed)


def _add_letters(router: APIRouter, ledger: Ledger) -> None:
    @router.post("/letters/{letter:path}/retry", responses=gives(list[Outcome]))
    async def retry(letter: Letter) -> Response:
        """Applies a dead entry again and, if it goes through, those parked behind it."""
        return given(await ledger.retry(_known(letter)))

    @router.post("/letters/{letter:path}/resolve", status_code=204)
    async def resolve(letter: Letter) -> None:
        """Marks a letter as dealt with otherwise."""
        await ledger.resolve(_known(letter))


def _known(letter: str) -> str:
    """A letter's id is hex; nothing else can be one."""
    try:
        bytes.fromhex(letter)
    except ValueError:
        raise Refused("unknown_letter") from None
    return letter
