"""The PostgreSQL layer: one pool with two faces, named statements, pages and batches.

`pool` holds the connections, `query` the statements that live in `.sql` files, `page` walks long
lists, `batch` writes many rows as one statement, `timing` counts and logs what took how long.
"""
