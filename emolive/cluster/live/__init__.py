"""Live calls on many workers: one server that people and telephone systems ask, many that hear.

`worker` is a server of its own in a Ray actor, which calls are brought to directly; `news` is what
it tells the front; `fleet` starts, replaces and restarts workers and says where the next call goes;
`host` shows the front all calls as if they were its own; `replicas` are shared classifiers.
"""
