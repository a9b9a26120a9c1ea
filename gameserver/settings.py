"""Settings from the environment, frozen. Reading them opens nothing."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting; each has the name of its environment variable in upper case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    redis_url: str = Field("", description="redis://, rediss:// or unix://; empty: the embedded Valkey")
    database_url: str = Field("", description="postgresql://...; empty: the embedded PostgreSQL")
    ledger_url: str = Field("", description="a ledger served over HTTP; empty: the one in the database")
    ledger_token: str = Field("", description="bearer token for that ledger")
    media_url: str = Field(
        "",
        pattern=r"^(|file:///.+|s3://.+)$",
        description="pictures: file:///folder or s3://bucket/prefix, which all processes reach; "
        "empty: the folder media beside the embedded stores",
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    secret_key: str = Field(
        "", description="signs tokens and receipts; at least 32 characters outside the demo"
    )
    origins: str = Field("", description="comma-separated origins that may open sockets; empty: the own host")
    frames_per_second: int = Field(30, ge=1, le=100_000, description="frames one connection may send")
    demo: bool = Field(False, description="demo login and, with `samples`, sample rooms")
    samples: bool = Field(True, description="in demo mode: always an open room of all that the games show")

    ledger_tokens: str = Field(
        "",
        description="comma-separated tokens that may write to `gameserver ledger`, of at least 32 characters",
    )
    ledger_read_tokens: str = Field("", description="the same, of those that may only read")

    def allowed_origins(self) -> frozenset[str]:
        """The exact origins."""
        return frozenset(origin.strip().rstrip("/") for origin in self.origins.split(",") if origin.strip())
