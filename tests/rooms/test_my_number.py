"""The My Number check: arithmetic, recall over disguises, false alarms on office text, cost."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import my_number
from rooms.my_number import Finding, check_digit, find_my_numbers, is_my_number

NONE = Finding(0, 0)


def numbers(count: int, seed: int = 7) -> list[str]:
    chance = random.Random(seed)
    bodies = (f"{chance.randrange(10**11):011d}" for _ in range(count))
    return [body + str(check_digit(body)) for body in bodies]


def grouped(number: str, joint: str, size: int = 4) -> str:
    return joint.join(number[at : at + size] for at in range(0, 12, size))


def in_script(number: str, digits: str) -> str:
    return number.translate({48 + value: digit for value, digit in enumerate(digits)})


PLAIN: dict[str, Callable[[str], str]] = {
    "bare": lambda n: n,
    "in a sentence": lambda n: f"お世話になっております。番号は{n}です。よろしくお願いします。",
    "hyphens": lambda n: grouped(n, "-"),
    "spaces": lambda n: grouped(n, " "),
    "table cell": lambda n: f"山田太郎,{n},宮崎市橘通西1-1-1,0985-21-1111",
}
DISGUISES: dict[str, Callable[[str], str]] = {
    "full-width": lambda n: in_script(n, "０１２３４５６７８９"),
    "full-width in groups": lambda n: grouped(in_script(n, "０１２３４５６７８９"), "－"),
    "kanji": lambda n: in_script(n, "〇一二三四五六七八九"),
    "formal kanji": lambda n: in_script(n, "零壱弐参肆伍陸漆捌玖"),
    "circled": lambda n: in_script(n, "⓪①②③④⑤⑥⑦⑧⑨"),
    "arabic-indic": lambda n: in_script(n, "٠١٢٣٤٥٦٧٨٩"),
    "bold": lambda n: in_script(n, "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"),
    "keycaps": lambda n: "".join(f"{digit}\ufe0f\u20e3" for digit in n),
    "dots": lambda n: grouped(n, "."),
    "middle dots": lambda n: grouped(n, "・"),
    "long vowel marks": lambda n: grouped(n, "ー"),
    "en dashes": lambda n: grouped(n, " – "),
    "one by one": lambda n: " ".join(n),
    "boxes of a form": lambda n: "|".join(n),
    "cells of a table": lambda n: "\t".join(n),
    "pairs": lambda n: grouped(n, "-", 2),
    "threes": lambda n: grouped(n, " ", 3),
    "line end": lambda n: f"{n[:7]}\r\n{n[7:]}",
    "two messages": lambda n: f"{n[:6]}\n{n[6:]}",
    "zero-width": lambda n: "\u200b".join(n),
    "soft hyphens": lambda n: grouped(n, "\u00ad"),
    "no-break spaces": lambda n: grouped(n, "\u00a0"),
    "entities": lambda n: "".join(f"&#{ord(digit)};" for digit in n),
    "hexadecimal entities": lambda n: "".join(f"&#x{ord(digit):x};" for digit in n),
    "file name": lambda n: f"住民票_{n}.pdf",
    "base64": lambda n: base64.b64encode(n.encode()).decode(),
    "base64 of a sentence": lambda n: base64.b64encode(f"番号は {n} です".encode()).decode(),
}


def recall(disguise: Callable[[str], str], count: int) -> float:
    found = [find_my_numbers(disguise(number)) for number in numbers(count)]
    return sum(finding != NONE for finding in found) / count


def test_check_digit_of_the_ordinance() -> None:
    assert check_digit("12345678901") == 8
    assert is_my_number("123456789018")
    assert not any(is_my_number(f"12345678901{digit}") for digit in "012345679")
    assert not is_my_number("1234567890180")
    assert not is_my_number("000000000000")


def test_one_random_number_in_ten_is_valid() -> None:
    chance = random.Random(1)
    share = sum(is_my_number(f"{chance.randrange(10**12):012d}") for _ in range(20_000)) / 20_000
    assert 0.08 < share < 0.12


@pytest.mark.parametrize("form", PLAIN)
def test_plain_forms_are_found(form: str) -> None:
    assert recall(PLAIN[form], 10_000) >= 0.995


@pytest.mark.parametrize("form", DISGUISES)
def test_disguised_forms_are_found(form: str) -> None:
    assert recall(DISGUISES[form], 1_000) >= 0.95


@pytest.mark.parametrize("form", [*PLAIN, *DISGUISES])
@pytest.mark.parametrize("word", ["マイナンバー", "ﾏｲﾅﾝﾊﾞｰ", "個人番号", "通知カード", "My Number"])
def test_a_word_nearby_makes_it_sure(form: str, word: str) -> None:
    disguise = {**PLAIN, **DISGUISES}[form]
    for number in numbers(8):
        assert find_my_numbers(f"{word}:{disguise(number)}").sure == 1


def test_the_word_counts_within_three_hundred_characters() -> None:
    number = numbers(1)[0]
    assert find_my_numbers("個人番号" + "あ" * 290 + number) == Finding(1, 0)
    assert find_my_numbers("個人番号" + "あ" * 400 + number) == Finding(0, 1)
    assert find_my_numbers(number + "あ" * 280 + "個人番号") == Finding(1, 0)


def test_a_list_of_numbers_is_sure_without_a_word() -> None:
    rows = "\n".join(f"{place},{number},住民{place}" for place, number in enumerate(numbers(50)))
    assert find_my_numbers(rows) == Finding(50, 0)
    assert find_my_numbers("\n".join(grouped(number, " ") for number in numbers(2))).sure == 2


def test_a_column_of_numbers_beside_a_column_of_parcels_is_sure() -> None:
    chance = random.Random(3)
    rows = [f"{number},{chance.randrange(10**11, 10**12)}" for number in numbers(30)]
    assert find_my_numbers("\n".join(rows)).sure >= 30


def test_the_same_number_twice_is_one() -> None:
    number = numbers(1)[0]
    assert find_my_numbers(f"{number} {number}") == Finding(0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "法人番号 1234567890188",
        "登録番号 T1234567890188",
        "JAN 4901234567894",
        "1-2345-6789-0188",
        "4111 1111 1111 1111",
        "+81-90-1234-5678 +81 3-1234-5678",
        "192.168.100.101",
        "202404010930 202312312359",
        "2019 2020 2021\n2022 2023 2024",
        "03-1234-5678 / 0985-21-1111",
        "",
    ],
)
def test_other_numbers_are_not_taken(text: str) -> None:
    assert find_my_numbers(text) == NONE


def office_line(chance: random.Random) -> str:
    """One line of the kind an office writes, with made-up numbers."""

    def digits(count: int) -> str:
        return "".join(chance.choice("0123456789") for _ in range(count))

    date = f"{chance.randrange(1990, 2040)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
    kinds = (
        lambda: f"電話 0{digits(1)}-{digits(4)}-{digits(4)} FAX 0{digits(3)}-{digits(2)}-{digits(4)}",
        lambda: f"携帯 090{digits(8)} / +81-80-{digits(4)}-{digits(4)}",
        lambda: f"請求書番号 {date.replace('-', '')}-{digits(4)} 金額 {int(digits(7)):,}円",
        lambda: f"JAN 49{digits(11)} 数量 {digits(2)} 単価 {digits(4)}",
        lambda: f"振込先 宮崎銀行 本店 {digits(4)}-{digits(3)} 普通 {digits(7)}",
        lambda: f"法人番号 {digits(13)} 登録番号 T{digits(13)}",
        lambda: f"{date} {chance.randrange(24):02d}:{chance.randrange(60):02d} 会議室{digits(1)} 参加者{digits(2)}名",
        lambda: f"文書番号 総務第{digits(4)}号 令和{digits(1)}年{digits(1)}月{digits(1)}日",
        lambda: f"https://example.jp/form?id={digits(10)}&page={digits(2)}",
        lambda: f"〒{digits(3)}-{digits(4)} 宮崎市橘通西{digits(1)}-{digits(1)}-{digits(1)} 世帯番号 {digits(10)}",
        lambda: f"{digits(5)}\t{digits(6)}\t{digits(4)}\t{digits(5)}\t{digits(3)}",
        lambda: f"{int(digits(6)):,} {int(digits(6)):,} {int(digits(5)):,} 前年比 {digits(2)}.{digits(1)}%",
        lambda: f"サーバー 10.{digits(2)}.{digits(2)}.{digits(1)} ログ {date.replace('-', '')}{digits(2)}.log",
        lambda: f"個人番号カードの交付は{date}から、窓口は0985-{digits(2)}-{digits(4)}です。",
        lambda: f"宅配便 {digits(4)}-{digits(4)}-{digits(4)}" if chance.random() < 0.5 else f"カード {digits(16)}",
        lambda: f"出席 {digits(1)} 欠席 {digits(1)} 計 {digits(2)}、地番 {digits(4)}番{digits(1)}、{digits(3)}㎡",
    )
    return chance.choice(kinds)()


def test_office_text_seldom_raises_an_alarm() -> None:
    chance = random.Random(11)
    found = [find_my_numbers(office_line(chance)) for _ in range(10_000)]
    assert sum(finding.sure > 0 for finding in found) <= 10
    assert sum(finding.maybe > 0 for finding in found) <= 100


def test_a_page_of_office_text_is_seldom_sure() -> None:
    """Half of these pages hold the word 個人番号, and a third the twelve digits of a parcel."""
    chance = random.Random(13)
    pages = ["\n".join(office_line(chance) for _ in range(12)) for _ in range(500)]
    assert sum(find_my_numbers(page).sure > 0 for page in pages) <= 20


@pytest.mark.parametrize("kind", ["office", "digits", "kanji", "base64"])
def test_four_kibibytes_take_at_most_five_milliseconds(kind: str) -> None:
    chance = random.Random(17)
    text = {
        "office": "\n".join(office_line(chance) for _ in range(200)),
        "digits": "1 " * 2048,
        "kanji": "一二三四五" * 900,
        "base64": base64.b64encode(bytes(range(256)) * 12).decode(),
    }[kind][:4096]
    spent = []
    for _ in range(5):
        start = time.process_time()
        find_my_numbers(text)
        spent.append(time.process_time() - start)
    assert min(spent) <= 0.005


def test_the_answer_never_holds_the_digits() -> None:
    number = numbers(1)[0]
    answer = repr(find_my_numbers(f"個人番号 {number}"))
    assert answer == "Finding(sure=1, maybe=0)"


def test_no_character_that_reads_as_a_digit_is_overlooked_by_the_first_look() -> None:
    for code in range(0x110000):
        plain = my_number._plain(chr(code))
        if (digits := sum(char.isdecimal() for char in plain)) == 1:
            assert my_number._ONE_DIGIT.match(chr(code)) or my_number._MORE_DIGITS.match(chr(code)), hex(code)
        elif digits:
            assert my_number._MORE_DIGITS.match(chr(code)), hex(code)


@given(st.text(st.sampled_from("12345678900一二９①ａ-  \n&;#/マイナンバー"), max_size=40))
def test_the_first_look_lets_through_whatever_the_second_would_find(text: str) -> None:
    if not my_number._may_hold_one(text):
        assert not list(my_number._candidates(my_number._plain(text)))
