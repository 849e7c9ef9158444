"""Room of openrubrics: see the table in README.md."""
