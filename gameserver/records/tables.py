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
from sqlalchemy.dialects.postgresql import JSONB

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

campaign = Table(
    "campaign",
    metadata,
    Column("id", Text, primary_key=True, server_default=text("'c' || nextval('game.campaign_number')")),
    Column("name", Text, nullable=False),
    Column("budget", BigInteger, CheckConstraint("budget >= 0", name="budget"), nullable=False),
    Column("created_at", BigInteger, nullable=False, server_default=NOW),
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

dead_letter = dead_letter_table(metadata)
