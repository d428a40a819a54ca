"""Conversation with other municipalities' servers.

User groups across servers are not part of this release. The package holds the layer's place, so that the import rules
(``pyproject.toml``) already keep it between ``rooms`` and ``server``.
"""
