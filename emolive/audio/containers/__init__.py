"""Where in a file the sound lies, by its bytes instead of its header's word.

Headers go stale: recorders are killed, sizes wrap at 4 GiB, streams are appended to one another.
libsndfile believes them. `find_links` compares header and bytes, and describes views of the file
(`Spliced`) whose headers are true.
"""

from emolive.audio.containers.layout import Link, find_links, total_seconds
from emolive.audio.containers.splice import Part, Spliced

__all__ = ["Link", "Part", "Spliced", "find_links", "total_seconds"]
