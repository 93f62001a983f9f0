"""The claims of the source documents about `ava`, a package an area.

A module states claims, or sets the stage that those of its area share and states none.

Only this package of `perf` imports `ava`. A claim's "before" is the document's own code, kept in
`perf.claims.document`; its "after" is what `ava` does instead.
"""
