"""Outside events and their callers, the earning rules of campaigns, and what was credited of a grant."""

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = (
    """
    alter table game.campaign
        add column events_budget bigint not null default 0
            constraint campaign_events_budget_check check (events_budget >= 0),
        add column events_taken bigint not null default 0,
        add constraint campaign_events_taken_check check (events_taken >= 0 and events_taken <= events_budget)
    """,
    """
    create table game.campaign_rules (
        campaign text not null constraint campaign_rules_campaign_fkey references game.campaign (id),
        version integer not null,
        earning jsonb not null,
        terms jsonb not null,
        at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        constraint campaign_rules_pkey primary key (campaign, version)
    )
    """,
    """
    create table game.caller (
        id text constraint caller_pkey primary key,
        secret text not null,
        sources text[] not null,
        kinds text[] not null,
        created_at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        revoked_at bigint
    )
    """,
    "create sequence game.event_number",
    """
    create table game.events (
        source text not null,
        source_id text not null,
        seq bigint not null default nextval('game.event_number'),
        caller text not null,
        hash bytea not null,
        kind text not null,
        member text not null,
        campaign text not null constraint events_campaign_fkey references game.campaign (id),
        occurred_at bigint not null,
        refers_to text,
        body bytea not null,
        rule_version integer not null,
        decision jsonb not null,
        points bigint not null constraint events_points_check check (points >= 0),
        entry_id uuid not null,
        status text not null
            constraint events_status_check check (status in ('pending', 'applied', 'rejected')),
        reason text,
        credited bigint not null default 0,
        retry_at bigint not null default 0,
        at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        settled_at bigint,
        constraint events_pkey primary key (source, source_id),
        constraint events_credited_check check (credited >= 0 and credited <= points)
    )
    """,
    "create index events_pending_idx on game.events (seq) where status = 'pending'",
    "create index events_refers_to_idx on game.events (source, refers_to) where refers_to is not null",
    "alter table game.grants add column credited bigint",
)

# what 0001 cannot say would be lost without a trace: then there is no way back
LATER = """
    select (select count(*) from game.events) + (select count(*) from game.caller)
         + (select count(*) from game.campaign_rules)
         + (select count(*) from game.campaign where events_budget > 0)
         + (select count(*) from game.grants where credited is not null and credited <> amount)
"""

DOWN = (
    "alter table game.grants drop column credited",
    "drop table game.events",
    "drop sequence game.event_number",
    "drop table game.caller",
    "drop table game.campaign_rules",
    "alter table game.campaign drop column events_taken, drop column events_budget",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    if later := op.get_bind().execute(text(LATER)).scalar_one():
        raise RuntimeError(f"{later} lines of the record are of a kind that revision 0001 does not know")
    for statement in DOWN:
        op.execute(statement)
