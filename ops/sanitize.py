"""``sekisho sanitize``: files through the same jails as the server's, from the command line.

Rules kept here:

- Exit status: 0 released, 3 refused, 4 needs a password, 2 wrong use, 1 the machine failed. A folder: 0 if every file
  got a verdict.
- OUTPUT exists only when released: an older one is removed first, the new one appears whole, by rename.
- A folder that was left half done is gone on with by the same command (``ops/sanitize_journal.py``).
- A folder keeps one warm sanitizer for all its files, works on as many at once as there are processors, follows no
  symbolic link, and reports in the order of the paths, one JSON object a line.
- ``--as`` gives out a part of the rebuilt file in its stead, a ZIP of them where there are several; a file without any
  is refused. ``--compare`` adds ``similarity`` to the report.
- Every sentence stands twice, Japanese and English; progress and sentences go to stderr.

Example: ``sekisho sanitize 届出.pdf -o 届出-無害化.pdf --report report.json``
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path

from ops import sanitize_one
from ops.sanitize_folder import FolderRun
from ops.sanitize_journal import Journal, JournalInUse, order_of
from ops.sanitize_one import Wishes
from sanitizer.clamd import Clamd
from sanitizer.extraction import WHATS
from sanitizer.supervisor import NoIsolation, Supervisor, Unavailable
from sanitizer.words import summary

RELEASED, FAILED, WRONG_USE, REFUSED, NEEDS_PASSWORD = 0, 1, 2, 3, 4
_STATUS = {"released": RELEASED, "refused": REFUSED, "needs_password": NEEDS_PASSWORD}
_MAX_PASSWORD_FILE = 64 * 1024


class WrongUseError(Exception):
    """The command line cannot be carried out; two sentences say why and what to write instead."""

    def __init__(self, ja: str, en: str) -> None:
        super().__init__(ja, en)
        self.ja = ja
        self.en = en


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for, checked."""

    source: Path
    target: Path
    wishes: Wishes
    report: Path | None
    scanner: Clamd | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sekisho sanitize``; sets ``run``: args to exit status."""
    parser.add_argument("input", metavar="INPUT", help="ファイルまたはフォルダー / a file or a folder")
    parser.add_argument("-o", "--output", metavar="OUTPUT", required=True, help="出力先 / where the result goes")
    parser.add_argument("--treatment", choices=("rebuild", "flatten"), default="rebuild", help="処理 / treatment")
    parser.add_argument(
        "--office", choices=("ooxml", "odf"), default="ooxml", help="旧形式の変換先 / what legacy Office files leave as"
    )
    parser.add_argument(
        "--password-file", metavar="F", help="パスワードを書いたファイル / a file that holds the password"
    )
    parser.add_argument("--report", metavar="R.json", help="判定の記録の出力先 / where the report goes")
    parser.add_argument("--clamd", metavar="SOCKET", help="先に検査するclamdのソケット / clamd's socket: scan first")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="見た目の一致を記録に加える / add how like the original it is to the report",
    )
    parser.add_argument(
        "--as",
        dest="part",
        choices=WHATS,
        help="文字・表・画像だけを取り出す / only the text, the tables or the pictures",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry the command out and give the exit status; every failure is told in a sentence."""
    try:
        order = _checked(args)
        return _sanitize(order)
    except WrongUseError as wrong:
        _tell(wrong.ja, wrong.en)
        return WRONG_USE
    except Unavailable as error:
        _tell(
            f"いまファイルを検査できません({error})。原因を取り除いて、同じ命令をもう一度実行してください。",
            f"Files cannot be inspected now ({error}). Mend that and give the same command again.",
        )
    except NoIsolation as error:
        _tell(
            f"検査プログラムを隔離して動かせません({error})。",
            f"Files cannot be inspected in isolation here ({error}).",
        )
    except OSError as error:
        _tell(
            f"{error.filename or '入出力'}: {error.strerror}。空き容量と権限を確認してください。",
            f"{error.filename or 'input or output'}: {error.strerror}. Check free space and permissions.",
        )
    except JournalInUse as error:
        _tell(
            f"同じフォルダーの処理がほかで動いています({error})。終わるのを待ってください。",
            f"Another run over these folders is under way ({error}). Wait until it ends.",
        )
    except KeyboardInterrupt:
        _tell(
            "中断しました。フォルダーなら、同じ命令で続きから始めます。",
            "Interrupted. Over a folder, the same command goes on from here.",
        )
    return FAILED


def _checked(args: argparse.Namespace) -> Order:
    source, target = Path(args.input), Path(args.output)
    if not source.exists():
        raise WrongUseError(
            f"{source} がありません。入力を確認してください。", f"{source} does not exist. Check INPUT."
        )
    if source.is_dir():
        _check_folders(source, target)
    elif target.is_dir():
        raise WrongUseError(
            f"{target} はフォルダーです。ファイル名を指定してください。", f"{target} is a folder; name a file."
        )
    elif target.exists() and target.samefile(source):
        raise WrongUseError("入力と出力が同じファイルです。", "INPUT and OUTPUT are the same file.")
    report = Path(args.report) if args.report else None
    for path in (report, None if source.is_dir() else target):
        if path and not path.parent.is_dir():
            raise WrongUseError(f"フォルダー {path.parent} がありません。", f"The folder {path.parent} does not exist.")
    if report and (report.is_dir() or report.resolve() in (source.resolve(), target.resolve())):
        raise WrongUseError("--report には別のファイルを指定してください。", "--report must name another file.")
    scanner = Clamd(Path(args.clamd)) if args.clamd else None
    wishes = Wishes(args.treatment, _password(args.password_file), args.compare, args.part, args.office)
    return Order(source, target, wishes, report, scanner)


def _check_folders(source: Path, target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise WrongUseError(
            f"{target} はファイルです。フォルダーを指定してください。", f"{target} is a file; name a folder for OUTPUT."
        )
    inner, outer = target.resolve(), source.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise WrongUseError(
            "入力と出力のフォルダーは別々にしてください。", "INPUT and OUTPUT must be folders apart from each other."
        )


def _password(path: str | None) -> str | None:
    """The first line of the file, without its line end."""
    if path is None:
        return None
    try:
        with Path(path).open("rb") as file:
            line = file.read(_MAX_PASSWORD_FILE).split(b"\n")[0].rstrip(b"\r")
        return line.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(
            f"{path} を読めません(UTF-8の1行)。", f"{path} cannot be read as one line of UTF-8."
        ) from error


def _sanitize(order: Order) -> int:
    folder = order.source.is_dir()
    workers = len(os.sched_getaffinity(0)) if folder else 1
    supervisor = Supervisor(workers=workers, scanner=order.scanner)
    supervisor.start()
    work = _folder(supervisor, order, workers) if folder else _file(supervisor, order)
    return asyncio.run(_closing(supervisor, work))


async def _closing(supervisor: Supervisor, work: Coroutine[None, None, int]) -> int:
    try:
        return await work
    except ExceptionGroup as group:  # of a folder's workers: the first one tells
        raise group.exceptions[0] from None
    finally:
        await supervisor.close()


async def _file(supervisor: Supervisor, order: Order) -> int:
    order.target.unlink(missing_ok=True)
    name = order.source.name
    inspected = await sanitize_one.inspect(supervisor, order.source, name, order.wishes, follow=True)
    verdict = inspected.verdict
    if inspected.output is not None and verdict.output is not None:
        verdict = replace(verdict, output=replace(verdict.output, name=order.target.name))
        await asyncio.to_thread(sanitize_one.hand_out, inspected.output, order.target)
    if order.report:
        sanitize_one.write_lines(order.report, [sanitize_one.line(verdict, inspected.similarity)])
    done = [summary(verdict.removed, verdict.changed, language) for language in ("ja", "en")]
    _tell(verdict.message + done[0], f"{verdict.message_en} {done[1]}".rstrip())
    return _STATUS[verdict.outcome]


async def _folder(supervisor: Supervisor, order: Order, workers: int) -> int:
    order.target.mkdir(parents=True, exist_ok=True)
    wishes, scanner = order.wishes, str(order.scanner)
    told = order_of(
        order.source.resolve(), order.target.resolve(), wishes.treatment, wishes.compare, wishes.part,
        wishes.password is not None, scanner, wishes.office,
    )  # fmt: skip
    with Journal(_journal(order), told, order.target) as journal:
        lines = await FolderRun(supervisor, order.source, order.target, wishes, journal).run(workers)
        if order.report:
            sanitize_one.write_lines(order.report, lines)
        journal.remove()
    return RELEASED


def _journal(order: Order) -> Path:
    """Beside the report, or beside the folder of the outputs."""
    beside = order.report or order.target.resolve()
    return beside.with_name(f"{beside.name}.journal")


def _tell(ja: str, en: str) -> None:
    print(ja, en, sep="\n", file=sys.stderr)
