"""Trains the models that emolive runs: corpora, splits, augmentation, ResNet34, evaluation, export."""
