"""Readers of sound and video, written from ``docs/grammar-media.md``: ``wave``, ``mp3`` and ``boxes``."""
