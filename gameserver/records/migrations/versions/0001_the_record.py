"""The record: campaigns, rooms, lanes and leases, grants, facts, dead letters."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "create sequence game.campaign_number",
    "create sequence game.room_number",
    """
    create table game.campaign (
        id text constraint campaign_pkey primary key default 'c' || nextval('game.campaign_number'),
        name text not null,
        budget bigint not null constraint campaign_budget_check check (budget >= 0),
        created_at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint
    )
    """,
    """
    create table game.room (
        id text constraint room_pkey primary key default 'r' || nextval('game.room_number'),
        campaign text not null constraint room_campaign_fkey references game.campaign (id),
        game text not null,
        config jsonb not null,
        state text not null default 'draft'
            constraint room_state_check check (state in ('draft', 'open', 'paused', 'closed')),
        points bigint not null default 0 constraint room_points_check check (points >= 0),
        rule_version integer not null,
        rule_hash text not null,
        commitment text not null,
        seed bytea not null,
        created_at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        opened_at bigint,
        closed_at bigint
    )
    """,
    "create index room_campaign_idx on game.room (campaign)",
    "create index room_state_created_at_idx on game.room (state, created_at)",
    """
    create table game.lane (
        room text not null constraint lane_room_fkey references game.room (id),
        lane integer not null,
        epoch integer not null,
        applied_id text,
        constraint lane_pkey primary key (room, lane)
    )
    """,
    """
    create table game.lease (
        room text not null,
        lane integer not null,
        epoch integer not null,
        prize text not null,
        first_unit bigint not null,
        last_unit bigint not null,
        constraint lease_pkey primary key (room, lane, epoch, prize, first_unit),
        constraint lease_room_fkey foreign key (room, lane) references game.lane (room, lane),
        constraint lease_units_check check (first_unit >= 1 and last_unit >= first_unit)
    )
    """,
    """
    create table game.grants (
        room text not null,
        prize text not null,
        unit bigint not null,
        session text not null,
        ref bigint not null,
        line integer not null,
        member text not null,
        amount bigint not null constraint grants_amount_check check (amount >= 0),
        epoch integer not null,
        at bigint not null,
        entry_id uuid,
        settled_at bigint,
        refused text,
        constraint grants_pkey primary key (room, prize, unit),
        constraint grants_room_session_ref_line_key unique (room, session, ref, line)
    ) with (fillfactor = 80)
    """,
    "create index grants_member_at_idx on game.grants (member, at)",
    """
    create table game.facts (
        room text not null,
        session text not null,
        ref bigint not null,
        lane integer not null,
        member text not null,
        at bigint not null,
        kind text not null,
        body bytea not null,
        ms bigint not null,
        seq bigint not null,
        place integer not null,
        constraint facts_pkey primary key (room, session, ref)
    )
    """,
    "create index facts_fold_idx on game.facts (room, lane, ms, seq, place)",
    """
    create table game.dead_letter (
        id bytea constraint dead_letter_pkey primary key,
        source text not null,
        raw bytea not null,
        reason text not null,
        attempts integer not null default 1,
        at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        resolved_at bigint
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("dead_letter", "facts", "grants", "lease", "lane", "room", "campaign"):
        op.execute(f"drop table game.{table}")
    for sequence in ("room_number", "campaign_number"):
        op.execute(f"drop sequence game.{sequence}")
