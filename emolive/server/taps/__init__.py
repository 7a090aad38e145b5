"""Ways in for calls, one file per vendor: bytes and messages in, audio and events out, no I/O."""
