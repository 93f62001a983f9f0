"""The claims of the source documents about `ava`, one module an area.

Only this package of `perf` imports `ava`. A claim's "before" is the document's own code, kept in
`perf.claims.document`; its "after" is what `ava` does instead.
"""
