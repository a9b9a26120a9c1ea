"""The schema `ledger`: the books. Times are Unix ms; only migrations change it.

Entries and postings are append-only. Bulk writes carry no foreign keys (each would look up its entry
once per posting); both are written by one statement, and `drift` finds an orphan.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)

from ledger_client.embedded.dead_letters import NOW, dead_letter_table

SCHEMA = "ledger"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)

entry = Table(
    "entry",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column(
        "amount",
        BigInteger,
        CheckConstraint("amount >= 1 or amount = 0 and kind = 'release'", name="amount"),
        nullable=False,
    ),
    Column(
        "status",
        Text,
        CheckConstraint("status in ('applied', 'rejected', 'suspense')", name="status"),
        nullable=False,
    ),
    Column("reason", Text),
    Column("occurred_at", BigInteger, nullable=False),
    Column(
        "applied_at",
        BigInteger,
        nullable=False,
        server_default=text("(extract(epoch from now()) * 1000)::bigint"),
    ),
    Column("rule_version", Integer, nullable=False),
    Column("reverses", Uuid),
    Column("about", Uuid),
    Column("until", BigInteger),
    Column("to", Text),
    Column("credited", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("link", LargeBinary, nullable=False),
    # a member's statement, and through the ids their lots
    Index("entry_member_idx", "member"),
    # most entries reverse nothing, give to nobody and wait for nothing: those stay out of these; a refused
    # reversal leaves its entry to be reversed by another
    Index(
        "entry_reverses_key",
        "reverses",
        unique=True,
        postgresql_where=text("reverses is not null and status = 'applied'"),
    ),
    Index("entry_to_idx", "to", postgresql_where=text('"to" is not null')),
    Index("entry_about_idx", "about", postgresql_where=text("about is not null")),
    Index("entry_suspense_idx", "occurred_at", postgresql_where=text("status = 'suspense'")),
)

# written with its entry and found through it: a key of its own would cost as much again
posting = Table(
    "posting",
    metadata,
    Column("entry_id", Uuid, nullable=False),
    Column("account", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("posted", BigInteger, nullable=False, server_default="0"),
    Column("held", BigInteger, CheckConstraint("held >= 0", name="held"), nullable=False, server_default="0"),
    Column("min_balance", BigInteger),
    CheckConstraint("min_balance is null or posted - held >= min_balance", name="floor"),
    # every entry rewrites its member's row: room in the page keeps that off the index
    postgresql_with={"fillfactor": 70},
)

lot = Table(
    "lot",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("member", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("expires_at", BigInteger),
    Column("remaining", BigInteger, CheckConstraint("remaining >= 0", name="remaining"), nullable=False),
    # what is used up stays out: these hold what a member can still spend, and what can still expire
    Index("lot_member_idx", "member", postgresql_where=text("remaining > 0")),
    Index(
        "lot_expires_at_idx", "expires_at", postgresql_where=text("remaining > 0 and expires_at is not null")
    ),
)

# points of a lot that an entry used, or gave back where `amount` is negative, in the order of `n`; `about` is
# the entry's
lot_use = Table(
    "lot_use",
    metadata,
    Column("entry_id", Uuid, nullable=False, index=True),
    Column("lot", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("about", Uuid),
    Column("n", BigInteger, Identity(always=True), nullable=False),
    Index("lot_use_about_idx", "about", postgresql_where=text("about is not null")),
)

# purses (points of a member that a lane may spend) and freezes (points of a member that wait for a decision)
hold = Table(
    "hold",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, CheckConstraint("kind in ('purse', 'freeze')", name="kind"), nullable=False),
    Column("member", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False, server_default="0"),
    Column("until", BigInteger),
    Column("state", Text, CheckConstraint("state in ('open', 'closed')", name="state"), nullable=False),
    CheckConstraint("used >= 0 and used <= amount", name="used"),
    Index("hold_member_idx", "member", postgresql_where=text("state = 'open'")),
    Index("hold_lane_idx", "lane", postgresql_where=text("state = 'open'")),
    Index("hold_until_idx", "until", postgresql_where=text("state = 'open' and until is not null")),
)

# what of a cap is used: `scope` is the cap and whose it is, such as "earn|c7|m1"; one row holds a year, since
# a row for each of day, month and year would be read and written three times (see counters.py)
counter = Table(
    "counter",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("days", ARRAY(BigInteger), nullable=False),
    postgresql_with={"fillfactor": 80},
)

terms = Table(
    "terms",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("agreed_at", BigInteger, nullable=False, server_default=NOW),
)

reminder = Table(
    "reminder",
    metadata,
    Column("member", Text, primary_key=True),
    Column("campaign", Text, primary_key=True),
    Column("expires_at", BigInteger, primary_key=True),
    Column("days", Integer, primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False, server_default=NOW),
)

lane = Table(
    "lane",
    metadata,
    Column("id", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("last_outbox_id", Text, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("chain_head", LargeBinary, nullable=False),
)

# an entry put aside, and those parked behind it: `entry_id`, its member, and the letter they wait for
dead_letter = dead_letter_table(
    metadata,
    Column("entry_id", Uuid),
    Column("member", Text, nullable=False, server_default=""),
    Column("behind", Uuid),
    Index(
        "dead_letter_waiting_idx",
        "entry_id",
        postgresql_where=text("resolved_at is null and entry_id is not null"),
    ),
)
