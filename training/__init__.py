"""Trains the models that emolive runs."""

import emolive  # noqa: F401 - before anything here loads ONNX Runtime, which would report to its maker
