"""Two small HEIC files, made for these tests: this project carries a decoder for HEVC, but no encoder.

``PHOTO``: 64 × 48, colours running across, with EXIF (a maker and a place) and a second picture of 16 × 16.
``CUT_OUT``: the same colours, the right half transparent.
"""

from __future__ import annotations

import base64
import zlib


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


PHOTO = _unpacked(
    "eNpjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYFpf25qSSIDBChmpOQUQdkMBZnJJQxoICIzJx9siIsDAwsDI4jF9BhCA0EoAxOIYraAi1QwMI"
    "NFNsBFbID6QCJvkNQwMCRlZualgXkgWVEgJxVsFFBNRlmyIQOSICPIEteKzDQGFJXM2FSyIFTyFWSW5DJAzWRclFlQVACkqzILkvOBYmVAvc6M"
    "zEAhhglgRXIfGP78/fGDgYGfOQGoQ8KBkYfx/3+QAmaQCmYQktvF5JAIlNRyYmREk1mg0Mg67dWTZTt3cGQYKACFmEEEg2ISUDmbC+PB4gOdQE"
    "uEk/NzivKScyqAorwMbA1AIZHM4oJUaMA4QLFGck5iAZQNCjQDKA0O/f///38A0UAsUJBZkQkOCw4ODiBVSomnNHF5at2sZw8UFxwAOpanASTc"
    "AvfTwU4kxwpAHQmmgY68AHXsBahjFTILcmHJjomBkbWRiZm1hYGZtQ1It4PMySxKTYPK8yWnFCeDVIFNhPBAqQ/oLMbO3JREUDIN1GBcH/Hs/x"
    "d/Rq0JoitZz88Tnaf69e3rXSd4d+cVHTp6JGkXh2fWTGcDhSccu6Pemn6us3kqH2nInGZ1d/fHjGf3BSdFVLb4KgQ2pK57crvcvqD43FugoWyQ"
    "1OPry6AF5HEwMDPygx3PBsRGjELgxA12VIcqOOGCnGcBzmOJ2alFYI+B1TP5QbzJCkmoDGFQjylD9WgixSjYDKBngsTO6Tz75X65W/x/zeII/k"
    "//TL9c776WnsLNnbH93R/TWv6ztte35/5dqXthw1lz5fwFqzevvlwzUG4GANvE1f0="
)
CUT_OUT = _unpacked(
    "eNpjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYEpOze1JJEBAhQzUnKKoGyGgszkEgY0YJKZkw82xMWBgYmBEcRi6ofQQBAKFAOJPIGL2AKxRW"
    "ZmXhqYB5IVBXJSwcqAajLKkg0ZUASZEIJ8BZkluQxQlYyrMguKCoB0U2ZBcj5QrAyozJmRGSjEMAGsSO4Dw5+/P34wMPAzJwB1SDgw8jD+/w9S"
    "wAxSwQxCcruYHBKBklpOjIxoMgsUGlmnvXqybOcOjgwDBaAQM4hgUEwCKmdzYTxYfKATaIlwcn5OUV5yTgVQlJeBrQEoJJJZXJAK9a4DFGsk5y"
    "QWQNmgoDCA0mAf/v///wM0MAQKMisyQYLMHBwcoCAHe4oFxJz/A+apPwhPiUM8BVLADFYBdDvMT6pAP6FKHGhiEYtePWnWswNAd/I0gARbUL3D"
    "B7OfEWSlemJphTOIV1qUZ5VbkJpulZFalmxlZGBoagWUykyxAseLQmZBLizBANMAayMTM2sLAxNrGzN7RwtQTCqzKDUNKs8H1JcDTikg78/KTU"
    "kEJalADcb1Ec/+f/Fn1JogupL1/DzReapf377edYJ3d17RoaNHknZxeGbNdDZQeMKxO+qt6ec6m6fykYbMaVZ3d3/MeHZfcFJEZYuvQmBD6ron"
    "t8vtC4rPvQUaaqnBuG7DFpvtN+oV9J/+/8/ZG8A69cZWcXZbsRMJLZl2/BtS5LYkVj+qP+b6/dYfttU83/1iz+mtvCe6ywEAAIq9zg=="
)
