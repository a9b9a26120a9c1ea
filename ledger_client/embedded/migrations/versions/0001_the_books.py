"""The books: entries, postings, accounts, lots, lanes, dead letters."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table ledger.entry (
        id uuid constraint entry_pkey primary key,
        payload_hash bytea not null,
        kind text not null,
        member text not null,
        campaign text not null,
        room text not null,
        amount bigint not null constraint entry_amount_check check (amount >= 1),
        status text not null constraint entry_status_check check (status in ('applied', 'rejected')),
        reason text,
        occurred_at bigint not null,
        applied_at bigint not null default (extract(epoch from now()) * 1000)::bigint,
        rule_version integer not null,
        reverses uuid,
        source text not null,
        seq bigint not null,
        link bytea not null
    )
    """,
    "create index entry_member_idx on ledger.entry (member)",
    "create unique index entry_reverses_key on ledger.entry (reverses) where reverses is not null",
    """
    create table ledger.posting (
        entry_id uuid not null,
        account text not null,
        amount bigint not null
    )
    """,
    """
    create table ledger.account (
        id text constraint account_pkey primary key,
        posted bigint not null default 0,
        held bigint not null default 0 constraint account_held_check check (held >= 0),
        min_balance bigint,
        constraint account_floor_check check (min_balance is null or posted - held >= min_balance)
    ) with (fillfactor = 70)
    """,
    """
    create table ledger.lot (
        id uuid constraint lot_pkey primary key,
        member text not null,
        campaign text not null,
        expires_at bigint,
        remaining bigint not null constraint lot_remaining_check check (remaining >= 0)
    )
    """,
    """
    create table ledger.lane (
        id text constraint lane_pkey primary key,
        epoch integer not null,
        last_outbox_id text not null,
        entries bigint not null,
        chain_head bytea not null
    )
    """,
    """
    create table ledger.dead_letter (
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
    for table in ("dead_letter", "lane", "lot", "account", "posting", "entry"):
        op.execute(f"drop table ledger.{table}")
