"""Sound and video: WAV and MP3 are rebuilt here, byte by byte; for the rest a program decodes and encodes anew.

The modules are ``wave``, ``mp3`` and ``recoded``; what may leave stands in ``docs/grammar-media.md``.
"""
