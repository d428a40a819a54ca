"""Calendars (iCalendar) and address cards (vCard), written anew line by line (``docs/grammar-cards.md``)."""
