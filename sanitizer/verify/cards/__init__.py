"""Strict readers of the canonical calendars and address cards of ``docs/grammar-cards.md``."""
