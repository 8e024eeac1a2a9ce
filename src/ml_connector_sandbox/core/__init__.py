"""What every pretend vendor is made of: wire values, faults, webhook delivery, a server, a control door."""
