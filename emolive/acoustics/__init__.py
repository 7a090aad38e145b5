"""What the program itself hears, whatever model runs: pictures, band, syllables, levels."""

from emolive.acoustics.band import BandDetector
from emolive.acoustics.level import QUIETEST_DBFS, ChunkLevel, dbfs
from emolive.acoustics.spectrogram import SPECTROGRAM, band_edges, spectrogram_at
from emolive.acoustics.syllables import SyllableNuclei

__all__ = [
    "QUIETEST_DBFS",
    "SPECTROGRAM",
    "BandDetector",
    "ChunkLevel",
    "SyllableNuclei",
    "band_edges",
    "dbfs",
    "spectrogram_at",
]
