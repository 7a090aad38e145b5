"""The eight emotion classes, in the order of the model's outputs."""

from __future__ import annotations

# DeepEmoNet (arXiv 2509.00025): RAVDESS's eight speech emotions, in RAVDESS's order.
LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INDEX = {label: i for i, label in enumerate(LABELS)}
