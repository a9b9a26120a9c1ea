"""The schema `game`: the record. Times are Unix ms; only migrations change it.

Facts and grants are written in bulk at thousands a second, so they carry no foreign keys (each would
lock and look up the room's row once per line); their rooms are checked by the one transaction that
writes them, through the lane's row.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ledger_client.embedded.dead_letters import NOW, dead_letter_table

SCHEMA = "game"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)

campaign_number = Sequence("campaign_number", metadata=metadata)
room_number = Sequence("room_number", metadata=metadata)
event_number = Sequence("event_number", metadata=metadata)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Text, primary_key=True, server_default=text("'c' || nextval('game.campaign_number')")),
    Column("name", Text, nullable=False),
    Column("budget", BigInteger, CheckConstraint("budget >= 0", name="budget"), nullable=False),
    Column("created_at", BigInteger, nullable=False, server_default=NOW),
    # of the budget: what is set aside for outside events, and what of it they were given
    Column(
        "events_budget",
        BigInteger,
        CheckConstraint("events_budget >= 0", name="events_budget"),
        nullable=False,
        server_default="0",
    ),
    Column("events_taken", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("events_taken >= 0 and events_taken <= events_budget", name="events_taken"),
)

campaign_rules = Table(
    "campaign_rules",
    metadata,
    Column("campaign", Text, ForeignKey(campaign.c.id), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("earning", JSONB, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("at", BigInteger, nullable=False, server_default=NOW),
)

# `secret` is needed whole: it is a key, not a password
caller = Table(
    "caller",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret", Text, nullable=False),
    Column("sources", ARRAY(Text), nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("created_at", BigInteger, nullable=False, server_default=NOW),
    Column("revoked_at", BigInteger),
)

# outside events as they were told, what was decided on them (once) and what the ledger made of that
events = Table(
    "events",
    metadata,
    Column("source", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, server_default=text("nextval('game.event_number')")),
    Column("caller", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("campaign", Text, ForeignKey(campaign.c.id), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("refers_to", Text),
    Column("body", LargeBinary, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("decision", JSONB, nullable=False),
    Column("points", BigInteger, CheckConstraint("points >= 0", name="points"), nullable=False),
    Column("entry_id", Uuid, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status in ('pending', 'applied', 'rejected')", name="status"),
        nullable=False,
    ),
    Column("reason", Text),
    Column("credited", BigInteger, nullable=False, server_default="0"),
    Column("retry_at", BigInteger, nullable=False, server_default="0"),
    Column("at", BigInteger, nullable=False, server_default=NOW),
    Column("settled_at", BigInteger),
    CheckConstraint("credited >= 0 and credited <= points", name="credited"),
    Index("events_pending_idx", "seq", postgresql_where=text("status = 'pending'")),
    Index("events_refers_to_idx", "source", "refers_to", postgresql_where=text("refers_to is not null")),
)

room = Table(
    "room",
    metadata,
    Column("id", Text, primary_key=True, server_default=text("'r' || nextval('game.room_number')")),
    Column("campaign", Text, ForeignKey(campaign.c.id), nullable=False, index=True),
    Column("game", Text, nullable=False),
    Column("config", JSONB, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint("state in ('draft', 'open', 'paused', 'closed')", name="state"),
        nullable=False,
        server_default="draft",
    ),
    Column(
        "points",
        BigInteger,
        CheckConstraint("points >= 0", name="points"),
        nullable=False,
        server_default="0",
    ),
    Column("rule_version", Integer, nullable=False),
    Column("rule_hash", Text, nullable=False),
    Column("commitment", Text, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False, server_default=NOW),
    Column("opened_at", BigInteger),
    Column("closed_at", BigInteger),
    Index("room_state_created_at_idx", "state", "created_at"),
)

lane = Table(
    "lane",
    metadata,
    Column("room", Text, ForeignKey(room.c.id), primary_key=True),
    Column("lane", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("applied_id", Text),
)

lease = Table(
    "lease",
    metadata,
    Column("room", Text, primary_key=True),
    Column("lane", Integer, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("prize", Text, primary_key=True),
    Column("first_unit", BigInteger, primary_key=True),
    Column("last_unit", BigInteger, nullable=False),
    ForeignKeyConstraint(["room", "lane"], [lane.c.room, lane.c.lane]),
    CheckConstraint("first_unit >= 1 and last_unit >= first_unit", name="units"),
)

grants = Table(
    "grants",
    metadata,
    Column("room", Text, primary_key=True),
    Column("prize", Text, primary_key=True),
    Column("unit", BigInteger, primary_key=True),
    Column("session", Text, nullable=False),
    Column("ref", BigInteger, nullable=False),
    Column("line", Integer, nullable=False),
    Column("member", Text, nullable=False),
    Column("amount", BigInteger, CheckConstraint("amount >= 0", name="amount"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("entry_id", Uuid),
    Column("settled_at", BigInteger),
    Column("refused", Text),
    # what the ledger credited of the amount; null where it said nothing of it
    Column("credited", BigInteger),
    UniqueConstraint("room", "session", "ref", "line"),
    Index("grants_member_at_idx", "member", "at"),
    # settling rewrites every row once: the room left in its page keeps that off the indexes
    postgresql_with={"fillfactor": 80},
)

facts = Table(
    "facts",
    metadata,
    Column("room", Text, primary_key=True),
    Column("session", Text, primary_key=True),
    Column("ref", BigInteger, primary_key=True),
    Column("lane", Integer, nullable=False),
    Column("member", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("ms", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Index("facts_fold_idx", "room", "lane", "ms", "seq", "place"),
)

# questions of a bank in their order; `question` is what a quiz asks, whole (games/questions.py)
question_bank = Table(
    "question_bank",
    metadata,
    Column("id", Text, primary_key=True),
    Column("changed_at", BigInteger, nullable=False, server_default=NOW),
)

question = Table(
    "question",
    metadata,
    Column("bank", Text, ForeignKey(question_bank.c.id, ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("question", JSONB, nullable=False),
)

# what staff and outside systems tell a room, in the order in which its lane hears it
orders = Table(
    "orders",
    metadata,
    Column("room", Text, ForeignKey(room.c.id), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("op", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    Column("source", Text),
    Column("source_id", Text),
    Column("at", BigInteger, nullable=False, server_default=NOW),
    Column("done_at", BigInteger),
    Column("refused", Text),
    Index(
        "orders_source_idx", "source", "source_id", unique=True, postgresql_where=text("source is not null")
    ),
    Index("orders_waiting_idx", "room", "number", postgresql_where=text("done_at is null")),
)

# what rooms count beside their record; `since` is when the store began to count it (gameserver/figures.py)
figure = Table(
    "figure",
    metadata,
    Column("room", Text, ForeignKey(room.c.id), primary_key=True),
    Column(
        "kind",
        Text,
        CheckConstraint("kind in ('views', 'online', 'refused')", name="kind"),
        primary_key=True,
    ),
    Column("key", Text, primary_key=True),
    Column("count", BigInteger, CheckConstraint("count >= 0", name="count"), nullable=False),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
)

dead_letter = dead_letter_table(metadata)

# codes and fulfilment of prizes

code_number = Sequence("code_number", metadata=metadata)
disclosure_number = Sequence("disclosure_number", metadata=metadata)

code_pool = Table(
    "code_pool",
    metadata,
    Column("campaign", Text, ForeignKey(campaign.c.id), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False, server_default=NOW),
)

# a code is free (no room), reserved for a unit of a room's prize, or given to who won the unit;
# a voided one keeps its place for the record, and another may stand there
code = Table(
    "code",
    metadata,
    Column("id", BigInteger, primary_key=True, server_default=text("nextval('game.code_number')")),
    Column("campaign", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("expires_at", BigInteger),
    Column("room", Text),
    Column("prize", Text),
    Column("unit", BigInteger),
    Column("given_at", BigInteger),
    Column("voided_at", BigInteger),
    Column("staff", Text),
    Column("reason", Text),
    ForeignKeyConstraint(["campaign", "pool"], [code_pool.c.campaign, code_pool.c.name]),
    UniqueConstraint("campaign", "pool", "code"),
    CheckConstraint("num_nulls(room, prize, unit) in (0, 3)", name="place"),
    CheckConstraint("given_at is null or room is not null", name="given"),
    Index("code_place_idx", "room", "prize", "unit", unique=True, postgresql_where=text("voided_at is null")),
    Index(
        "code_free_idx",
        "campaign",
        "pool",
        "id",
        postgresql_where=text("room is null and voided_at is null"),
    ),
    # giving rewrites every row once
    postgresql_with={"fillfactor": 80},
)

# rooms that hold codes; what they do not give goes back once they are over
code_reservation = Table(
    "code_reservation",
    metadata,
    Column("room", Text, ForeignKey(room.c.id), primary_key=True),
    Column("returned_at", BigInteger),
    Index("code_reservation_held_idx", "room", postgresql_where=text("returned_at is null")),
)

# goods on their way to who won them; `sealed` is what the member told (gameserver/personal.py)
fulfilment = Table(
    "fulfilment",
    metadata,
    Column("room", Text, primary_key=True),
    Column("prize", Text, primary_key=True),
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("member", Text, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint(
            "state in ('address_needed', 'to_ship', 'shipped', 'received', 'to_redeem', 'redeemed', "
            "'expired', 'canceled')",
            name="state",
        ),
        nullable=False,
    ),
    Column("claim_by", BigInteger, nullable=False),
    Column("redemption_code", Text, unique=True),
    Column("sealed", LargeBinary),
    Column("phone_index", LargeBinary),
    Column("carrier", Text),
    Column("tracking", Text),
    Column("staff", Text),
    Column("reason", Text),
    Column("address_at", BigInteger),
    Column("shipped_at", BigInteger),
    Column("ended_at", BigInteger),
    Index(
        "fulfilment_claim_by_idx",
        "claim_by",
        postgresql_where=text("state in ('address_needed', 'to_redeem')"),
    ),
    Index("fulfilment_phone_index_idx", "phone_index", postgresql_where=text("phone_index is not null")),
)

# who has seen personal data in clear, and why
disclosure = Table(
    "disclosure",
    metadata,
    Column("id", BigInteger, primary_key=True, server_default=text("nextval('game.disclosure_number')")),
    Column("room", Text, nullable=False),
    Column("staff", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# who stands in a vote, and who asked to; `change` rises with every change of a row
contestant_entry = Sequence("contestant_entry", metadata=metadata)
contestant_change = Sequence("contestant_change", metadata=metadata)
contestant = Table(
    "contestant",
    metadata,
    Column("entry", BigInteger, primary_key=True, server_default=text("nextval('game.contestant_entry')")),
    Column("room", Text, ForeignKey(room.c.id), nullable=False),
    Column("number", Integer, CheckConstraint("number between 1 and 9999", name="number")),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("group_name", Text, nullable=False),
    Column("cover", Text),
    Column("thumb", Text),
    Column("media", JSONB, nullable=False),
    Column("member", Text),
    Column(
        "state",
        Text,
        CheckConstraint("state in ('pending', 'approved', 'rejected', 'withdrawn')", name="state"),
        nullable=False,
    ),
    Column("reason", Text),
    Column("change", BigInteger, nullable=False, server_default=text("nextval('game.contestant_change')")),
    Column("created_at", BigInteger, nullable=False, server_default=NOW),
    Column("decided_at", BigInteger),
    CheckConstraint("number is not null or state in ('pending', 'rejected')", name="numbered"),
    UniqueConstraint("room", "number"),
    UniqueConstraint("room", "member"),
    Index("contestant_room_change_idx", "room", "change"),
)
