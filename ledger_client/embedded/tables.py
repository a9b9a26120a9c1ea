"""The schema `ledger`: the books. Times are Unix ms; only migrations change it.

Entries and postings are append-only. Bulk writes carry no foreign keys (each would look up its entry
once per posting); both are written by one statement, and `drift` finds an orphan.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)

from ledger_client.embedded.dead_letters import dead_letter_table

SCHEMA = "ledger"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
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
    Column("amount", BigInteger, CheckConstraint("amount >= 1", name="amount"), nullable=False),
    Column(
        "status", Text, CheckConstraint("status in ('applied', 'rejected')", name="status"), nullable=False
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
    Column("source", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("link", LargeBinary, nullable=False),
    # a member's statement, and through the ids their lots
    Index("entry_member_idx", "member"),
    # most entries reverse nothing: those stay out of the index
    Index("entry_reverses_key", "reverses", unique=True, postgresql_where=text("reverses is not null")),
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

dead_letter = dead_letter_table(metadata)
