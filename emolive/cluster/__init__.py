"""One machine to many, with Ray (extra `cluster`).

`ray_runtime` starts or joins a Ray cluster so that it tells nobody; `archive` analyses whole
archives with Ray Data.
"""
