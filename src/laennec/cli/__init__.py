"""The command line: parse, call a service, show what came of it."""
