"""The checkpoint for files: every file is rebuilt from what may stay, then verified by a second program.

The trusting side (``supervisor``, ``verdict``, ``limits``) parses nothing; the jailed side (``worker``, ``identify``,
``formats``, ``verify``) trusts nothing and holds nothing worth stealing.
"""
