"""Code pools, fulfilment of prizes, what members told for it."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP: Sequence[str] = (
    """
    create table game.code_pool (
        campaign text not null constraint code_pool_campaign_fkey references game.campaign (id),
        name text not null,
        created_at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        constraint code_pool_pkey primary key (campaign, name)
    )
    """,
    "create sequence game.code_number",
    """
    create table game.code (
        id bigint constraint code_pkey primary key default nextval('game.code_number'),
        campaign text not null,
        pool text not null,
        code text not null,
        expires_at bigint,
        room text,
        prize text,
        unit bigint,
        given_at bigint,
        voided_at bigint,
        staff text,
        reason text,
        constraint code_campaign_fkey foreign key (campaign, pool)
            references game.code_pool (campaign, name),
        constraint code_campaign_pool_code_key unique (campaign, pool, code),
        constraint code_place_check check (num_nulls(room, prize, unit) in (0, 3)),
        constraint code_given_check check (given_at is null or room is not null)
    ) with (fillfactor = 80)
    """,
    "create unique index code_place_idx on game.code (room, prize, unit) where voided_at is null",
    "create index code_free_idx on game.code (campaign, pool, id) where room is null and voided_at is null",
    """
    create table game.code_reservation (
        room text constraint code_reservation_pkey primary key
            constraint code_reservation_room_fkey references game.room (id),
        returned_at bigint
    )
    """,
    "create index code_reservation_held_idx on game.code_reservation (room) where returned_at is null",
    """
    create table game.fulfilment (
        room text not null,
        prize text not null,
        unit bigint not null,
        member text not null,
        state text not null constraint fulfilment_state_check check (state in (
            'address_needed', 'to_ship', 'shipped', 'received', 'to_redeem', 'redeemed', 'expired', 'canceled'
        )),
        claim_by bigint not null,
        redemption_code text constraint fulfilment_redemption_code_key unique,
        sealed bytea,
        phone_index bytea,
        carrier text,
        tracking text,
        staff text,
        reason text,
        address_at bigint,
        shipped_at bigint,
        ended_at bigint,
        constraint fulfilment_pkey primary key (room, prize, unit)
    )
    """,
    """
    create index fulfilment_claim_by_idx on game.fulfilment (claim_by)
        where state in ('address_needed', 'to_redeem')
    """,
    "create index fulfilment_phone_index_idx on game.fulfilment (phone_index) where phone_index is not null",
    "create sequence game.disclosure_number",
    """
    create table game.disclosure (
        id bigint constraint disclosure_pkey primary key default nextval('game.disclosure_number'),
        room text not null,
        staff text not null,
        reason text not null,
        at bigint not null
    )
    """,
)
# who got which code, and where goods went, is said nowhere else: with any of it there is no way back
LATER = """
    select (select count(*) from game.code_pool) + (select count(*) from game.fulfilment)
         + (select count(*) from game.disclosure)
"""
DOWN: Sequence[str] = (
    "drop table game.disclosure",
    "drop sequence game.disclosure_number",
    "drop table game.fulfilment",
    "drop table game.code_reservation",
    "drop table game.code",
    "drop sequence game.code_number",
    "drop table game.code_pool",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(text(statement))


def downgrade() -> None:
    if later := op.get_bind().execute(text(LATER)).scalar_one():
        raise RuntimeError(f"{later} lines of the record are of a kind that revision 0002 does not know")
    for statement in DOWN:
        op.execute(text(statement))
