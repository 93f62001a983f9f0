"""Routes by area; each module has `routes(core)` and is found by `ava.api.app`, never listed."""
