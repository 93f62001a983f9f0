"""The source documents' own code, as near to the letter as it runs: the "before" of the claims.

Two changes throughout: psycopg 3 in place of psycopg2, and table names in place of the f-string
holes. Nothing here is made slower than it was; psycopg 3 prepares repeated statements, which
psycopg2 did not, so a loop is if anything faster than the document's.
"""
