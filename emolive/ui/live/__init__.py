"""The live page: the present above, the timeline below."""
