"""What rules can be about, one condition a file; `registry` is the list of them.

A file holds the rule as it is written, what watches for it, its words and the fields of its form.
"""
