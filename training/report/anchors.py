"""Published numbers that ours stand beside, and what was aimed at: percent, F1 as a share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of DeepEmoNet's table (arXiv 2509.00025), and the recipe that repeats it."""

    recipe: str
    title: str
    accuracy: float
    f1: float | None


PAPER_TABLE = (
    PaperRow("svm-mfcc", "SVM on mean MFCC", 51.7, None),
    PaperRow("lstm", "LSTM on log-mel", 52.8, None),
    PaperRow("resnet34-scratch", "ResNet34 from scratch, no augmentation", 45.8, None),
    PaperRow("resnet34-imagenet", "ResNet34, ImageNet weights", 57.3, 0.528),
    PaperRow(
        "resnet34-imagenet-augmented",
        "ResNet34, ImageNet weights + mixup + progressive resizing + image transforms",
        66.7,
        0.631,
    ),
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A published speaker-independent score: UAR (UA) on one corpus."""

    title: str
    ua: float


# EmoBox (arXiv 2406.07162) where nothing else is named.
ANCHORS = {
    "ravdess": (
        Anchor("wav2vec2 base, frozen", 54.3),
        Anchor("ResLSTM-SA, no self-supervision (arXiv 2606.03359)", 65.2),
        Anchor("HuBERT base, frozen", 65.4),
        Anchor("data2vec 2.0 large, frozen", 71.2),
        Anchor("WavLM large, frozen", 72.0),
        Anchor("Whisper large v3, frozen", 75.3),
    ),
    "savee": (
        Anchor("wav2vec2 base, frozen", 44.9),
        Anchor("HuBERT base, frozen", 58.9),
        Anchor("WavLM large, frozen", 66.7),
        Anchor("Whisper large v3, frozen", 74.1),
        Anchor("data2vec 2.0 large, frozen", 75.8),
    ),
}
CROSS_CORPUS = (
    "Published anchors: frozen encoders reach 21-50 % from RAVDESS to SAVEE and 34-67 % the other "
    "way, in four classes only; ours answer in all classes that training and test share."
)
TELEPHONE_LOSS = "A spectrogram CNN lost about 7 points on such a line (Lech et al. 2020)."


@dataclass(frozen=True, slots=True)
class Goals:
    """What the best model is to reach."""

    paper_accuracy: float = 82.0
    paper_f1: float = 0.80
    ravdess_ua: float = 72.0
    savee_ua: float = 65.0
    telephone_loss: float = 3.0
    ece: float = 0.04
    level_agreement: float = 97.0
    accuracy_at_60: float = 85.0


GOALS = Goals()
