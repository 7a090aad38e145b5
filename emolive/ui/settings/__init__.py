"""The settings page: every choice that is kept, in words, saved as it is made."""
