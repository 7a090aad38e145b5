"""Teaching a model from a few labels: what is labelled, how it is learned, and how it is judged.

Nothing is imported here: scikit-learn (the extra `adapt`) is needed for teaching alone.
"""
