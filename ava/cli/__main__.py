"""`python -m ava.cli`: the command where no script `ava` is on the path."""

from ava.cli import main

main()
