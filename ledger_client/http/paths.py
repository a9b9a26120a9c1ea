"""What stands in paths and queries, and its bounds."""

from typing import Annotated

from fastapi import Path, Query

from ledger_client.http.forms import MAX_LINES, MAX_MS, MAX_NAME, NAME_PATTERN

Campaign = Annotated[str, Path(min_length=1, max_length=MAX_NAME, pattern=NAME_PATTERN)]
Member = Annotated[str, Path(min_length=1, max_length=MAX_NAME, pattern=NAME_PATTERN)]
Lane = Annotated[str, Path(min_length=1, max_length=MAX_NAME, pattern=NAME_PATTERN)]
Letter = Annotated[str, Path(min_length=1, max_length=128, description="hex")]
Ms = Annotated[int, Query(ge=0, le=MAX_MS, description="Unix time in ms")]
Limit = Annotated[int, Query(ge=1, le=MAX_LINES)]
AnyCampaign = Annotated[str, Query(max_length=MAX_NAME, pattern=NAME_PATTERN, description='"": over all')]
