"""One history of the calls of many servers, in PostgreSQL (one machine: SQLite, the same code).

`records` is what servers say about calls, `writer` hands it on through every outage, `schema` and
`store` keep it, `search` finds it again.
"""
