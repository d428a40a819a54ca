"""The sample municipality of ``sekisho demo``: a small invented city with its people, rooms, talk and files.

Rules:
1. Nothing here is copied from a real person, town or document; addresses end in ``.example``, numbers are invented.
2. Plain data and pure functions: feeding it to a server is ``ops.demo``'s work, through the same API as everyone's.
3. Files are made at run time, so the repository holds no binary. pikepdf and Pillow only *write* here: they never see a
   byte from outside, which is why they may be imported outside the jail.

Example: ``CITY.person("sato").name`` → ``"佐藤 美咲"``; ``sample_files()["避難所備蓄一覧.csv"]`` → its bytes.
"""

from __future__ import annotations

from ops.demo_data.city import CITY
from ops.demo_data.files import sample_files
from ops.demo_data.model import City, Person, Room, Section, Talk

__all__ = ["CITY", "City", "Person", "Room", "Section", "Talk", "sample_files"]
