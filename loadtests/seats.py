"""Who sits where in a room that was joined in order: member n has session n."""

EPOCH = 1  # of a lane that was never rebuilt
PACKET = 1  # the kind of a drop that holds something, as rules.lua numbers them
FOREVER_MS = 2**52


def member(number: int) -> str:
    """As long as a member's id in the demo."""
    return f"m{number:010x}"


def session(number: int) -> str:
    """What the prelude numbers the n-th session of a room."""
    return f"s{EPOCH}-{number}"
