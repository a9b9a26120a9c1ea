"""`python -m gameserver` is the command line."""

from gameserver.cli import main

main()
