"""Trains the models that emolive runs."""
