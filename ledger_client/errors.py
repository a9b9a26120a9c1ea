"""What a ledger may answer instead of outcomes."""


class LedgerAway(Exception):  # noqa: N818 - it is away; nothing is known to be wrong
    """The ledger cannot be reached or cannot take anything now; repeat the same call later."""


class StaleEpoch(Exception):  # noqa: N818 - says which, not that something broke
    """The lane was taken over by a worker of a newer epoch; nothing was applied."""


class UnknownLetter(Exception):  # noqa: N818 - says which, not that something broke
    """There is no unresolved dead letter of that id."""
