"""The sample files by name: what arrives at a town hall on an ordinary day, and one thing that should not."""

from __future__ import annotations

import struct

from ops.demo_data import pdf, photo
from ops.demo_data.talk import AGENDA, DISGUISED, FORM, PHOTO, STOCK

STOCK_ROWS: tuple[tuple[str, ...], ...] = (
    ("避難所", "品目", "数量", "単位", "保管場所", "期限", "備考"),
    ("浜小学校", "飲料水 500ml", "1200", "本", "体育館倉庫", "5年", ""),
    ("浜小学校", "アルファ化米", "600", "食", "体育館倉庫", "5年", ""),
    ("浜小学校", "毛布", "150", "枚", "体育館倉庫", "", "うち20枚は要洗濯"),
    ("浜小学校", "携帯トイレ", "800", "回分", "校舎1階", "10年", ""),
    ("港公民館", "飲料水 500ml", "480", "本", "2階物置", "5年", ""),
    ("港公民館", "粉ミルク", "12", "缶", "2階物置", "1年半", "4缶は期限が近い"),
    ("港公民館", "発電機", "2", "台", "車庫", "", '=HYPERLINK("http://stock.example/manual","取扱説明")'),
    ("丘の上中学校", "飲料水 500ml", "960", "本", "武道場", "5年", ""),
    ("丘の上中学校", "簡易ベッド", "40", "台", "武道場", "", "+4台を年度内に購入"),
    ("丘の上中学校", "間仕切り", "36", "組", "武道場", "", "@担当 危機管理課"),
    ("合計", "飲料水 500ml", "=SUM(C2,C6,C9)", "本", "", "", "-"),
    ("業者控え", "", "", "", "", "", "=cmd|'/c calc'!A1"),
)


def stock_list() -> bytes:
    """A CSV as Japanese spreadsheets write it: CP932, CRLF, and some cells that are formulas."""
    quoted = (",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in STOCK_ROWS)
    return "".join(f"{line}\r\n" for line in quoted).encode("cp932")


def disguised_program() -> bytes:
    """The head of a Windows program without a program in it; it goes by the name of a PDF."""
    dos = b"MZ" + struct.pack("<29H", *([0] * 29)) + struct.pack("<I", 0x80)
    stub = b"This program cannot be run in DOS mode.\r\r\n$"
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 0, 0, 0, 0, 0xF0, 0x22)
    optional = struct.pack("<HBB", 0x20B, 14, 0) + bytes(0xF0 - 4)
    return (dos.ljust(0x40, b"\0") + stub).ljust(0x80, b"\0") + (coff + optional).ljust(4096, b"\0")


def sample_files() -> dict[str, bytes]:
    """Every file that the sample's talk attaches, made now; the same bytes each time on the same machine."""
    return {
        FORM: pdf.application_form(),
        PHOTO: photo.flooded_crossing(),
        STOCK: stock_list(),
        DISGUISED: disguised_program(),
        AGENDA: pdf.meeting_agenda(),
    }
