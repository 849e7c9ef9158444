"""`python -m openrubrics` is the command line."""

from openrubrics.cli.main import main

main()
