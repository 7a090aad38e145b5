"""Archives of any size on a Ray cluster, from folders and fsspec addresses, into Parquet parts.

`listing` finds the files, `blocks` analyses a few dozen of them on a worker, `parts` keeps the
results and knows what is finished, `run` is the stream through Ray Data.
"""
