"""Sound in: sources (microphone, file), the ring they write into, resampling to the model rate."""
