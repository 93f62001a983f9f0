"""Typed loaders for files of real data: odds, prices, constituents, option chains.

The caller names the files; none is part of the product. A loader returns the good rows, normalised
and typed, and every row it kept out with the line, the value and the reason. It repairs nothing:
where a file contradicts itself, a person must decide. A file that cannot be read at all is a
`DataFileError`.
"""

from perf.lab.realdata.reader import DataFileError, Loaded, Rejected

__all__ = ["DataFileError", "Loaded", "Rejected"]
