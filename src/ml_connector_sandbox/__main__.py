"""`python -m ml_connector_sandbox` is the command."""

from ml_connector_sandbox.cli import main

main()
