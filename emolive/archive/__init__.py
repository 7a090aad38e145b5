"""Archives: any number of files through the live pipeline, on all cores or on a GPU.

`inputs` finds the files, `work` analyses one and writes its results, `processes` and `threads` do
many at once and tell how it goes in `messages`, `journal` remembers what is finished, `pace` says
how long it will take, `summary` sums it all up.
"""
