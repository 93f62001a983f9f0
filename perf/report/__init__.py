"""The report of a run, rendered from its results alone.

`read` turns the results document into values (`model`), `rank` and `score` draw conclusions from
them, and `html`, `text` and `junit` write them down. All of it is pure: a dict in, text out, the
same bytes for the same run. `build` is the edge: it makes the document and writes the folder.
"""
