"""The command line; each command's work is imported only when it is asked for."""
