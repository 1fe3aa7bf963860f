"""`python -m stemwright`."""

from stemwright.cli import main

main()
