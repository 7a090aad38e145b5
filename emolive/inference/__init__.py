"""ONNX classification, providers, and the decision that follows.

Nothing is imported here: reading a model's metadata or deciding needs no ONNX Runtime.
"""
