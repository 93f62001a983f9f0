"""The commands, a module each; see `ava.cli`."""
