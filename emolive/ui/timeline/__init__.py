"""Panels over one time axis: probabilities, decisions, spectrogram and level."""
