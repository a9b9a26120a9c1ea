"""The whole ledger: purses, freezes, caps, expiry, reversals, transfers, suspense, parked entries."""

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = (
    """
    alter table ledger.entry
        add column about uuid,
        add column until bigint,
        add column "to" text,
        add column credited bigint
    """,
    "update ledger.entry set credited = case when status = 'applied' then amount else 0 end",
    """
    alter table ledger.entry
        alter column credited set not null,
        drop constraint entry_amount_check,
        add constraint entry_amount_check check (amount >= 1 or amount = 0 and kind = 'release'),
        drop constraint entry_status_check,
        add constraint entry_status_check check (status in ('applied', 'rejected', 'suspense'))
    """,
    "drop index ledger.entry_reverses_key",
    """
    create unique index entry_reverses_key on ledger.entry (reverses)
    where reverses is not null and status = 'applied'
    """,
    'create index entry_to_idx on ledger.entry ("to") where "to" is not null',
    "create index entry_about_idx on ledger.entry (about) where about is not null",
    "create index entry_suspense_idx on ledger.entry (occurred_at) where status = 'suspense'",
    "create index lot_member_idx on ledger.lot (member) where remaining > 0",
    """
    create index lot_expires_at_idx on ledger.lot (expires_at)
    where remaining > 0 and expires_at is not null
    """,
    """
    create table ledger.lot_use (
        entry_id uuid not null,
        lot uuid not null,
        amount bigint not null,
        about uuid,
        n bigint not null generated always as identity
    )
    """,
    "create index lot_use_entry_id_idx on ledger.lot_use (entry_id)",
    "create index lot_use_about_idx on ledger.lot_use (about) where about is not null",
    """
    create table ledger.hold (
        id uuid constraint hold_pkey primary key,
        kind text not null constraint hold_kind_check check (kind in ('purse', 'freeze')),
        member text not null,
        campaign text not null,
        room text not null,
        lane text not null,
        epoch integer not null,
        amount bigint not null,
        used bigint not null default 0,
        until bigint,
        state text not null constraint hold_state_check check (state in ('open', 'closed')),
        constraint hold_used_check check (used >= 0 and used <= amount)
    )
    """,
    "create index hold_member_idx on ledger.hold (member) where state = 'open'",
    "create index hold_lane_idx on ledger.hold (lane) where state = 'open'",
    "create index hold_until_idx on ledger.hold (until) where state = 'open' and until is not null",
    """
    create table ledger.counter (
        scope text,
        year integer,
        days bigint[] not null,
        constraint counter_pkey primary key (scope, year)
    ) with (fillfactor = 80)
    """,
    """
    create table ledger.terms (
        campaign text constraint terms_pkey primary key,
        body text not null,
        agreed_at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint
    )
    """,
    """
    create table ledger.reminder (
        member text,
        campaign text,
        expires_at bigint,
        days integer,
        points bigint not null,
        at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        constraint reminder_pkey primary key (member, campaign, expires_at, days)
    )
    """,
    """
    alter table ledger.dead_letter
        add column entry_id uuid,
        add column member text not null default '',
        add column behind uuid
    """,
    """
    create index dead_letter_waiting_idx on ledger.dead_letter (entry_id)
    where resolved_at is null and entry_id is not null
    """,
)

# what 0001 cannot say would be lost without a trace: then there is no way back
LATER = """
    select (select count(*) from ledger.entry
            where kind not in ('fund', 'earn') or status = 'suspense' or credited not in (0, amount)
               or about is not null or "to" is not null)
         + (select count(*) from ledger.dead_letter where resolved_at is null and behind is not null)
         + (select count(*) from ledger.terms) + (select count(*) from ledger.counter)
"""

DOWN = (
    "drop index ledger.dead_letter_waiting_idx",
    "alter table ledger.dead_letter drop column entry_id, drop column member, drop column behind",
    "drop table ledger.reminder",
    "drop table ledger.terms",
    "drop table ledger.counter",
    "drop table ledger.hold",
    "drop table ledger.lot_use",
    "drop index ledger.lot_expires_at_idx",
    "drop index ledger.lot_member_idx",
    "drop index ledger.entry_suspense_idx",
    "drop index ledger.entry_about_idx",
    "drop index ledger.entry_to_idx",
    "drop index ledger.entry_reverses_key",
    "create unique index entry_reverses_key on ledger.entry (reverses) where reverses is not null",
    """
    alter table ledger.entry
        drop constraint entry_status_check,
        add constraint entry_status_check check (status in ('applied', 'rejected')),
        drop constraint entry_amount_check,
        add constraint entry_amount_check check (amount >= 1),
        drop column credited,
        drop column "to",
        drop column until,
        drop column about
    """,
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    if later := op.get_bind().execute(text(LATER)).scalar_one():
        raise RuntimeError(f"{later} lines of the ledger are of a kind that revision 0001 does not know")
    for statement in DOWN:
        op.execute(statement)
