"""ONNX classification, providers, and the decision that follows."""
