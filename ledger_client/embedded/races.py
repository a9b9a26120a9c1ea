"""When somebody else was quicker."""


class Raced(Exception):  # noqa: N818 - nothing is wrong: the batch is decided anew
    """Somebody else changed at this very moment what the batch was decided on."""
