"""The ``sekisho`` command: one subcommand per file."""
