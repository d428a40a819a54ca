"""ICAP (RFC 3507): a web or mail gateway hands files over, and gets them back rebuilt, untouched, or a page that says
why not.

In the order of reading: ``messages`` (the language), ``body`` (chunks, previews), ``policy`` (what goes through, what
is rebuilt), ``forms`` (uploads of browsers), ``pages``, ``adapting`` (what becomes of a request or response),
``server`` (sockets and conversations).
"""
