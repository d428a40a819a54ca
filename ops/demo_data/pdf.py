"""Two PDFs: a form with everything active in it that a form can have, and a plain agenda."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

from ops.demo_data.drawing import A4, GREY, MM, Page, area
from ops.demo_data.fonts import Letters, japanese_face

TITLE = "高齢者見守りサービス利用申請書"
ROWS: tuple[tuple[str, str], ...] = (
    ("ふりがな", "kana"),
    ("氏名", "name"),
    ("生年月日", "birth"),
    ("住所", "address"),
    ("電話番号", "phone"),
    ("緊急時の連絡先(続柄)", "emergency"),
)
SERVICES = ("電話による安否確認(週1回)", "訪問による安否確認(月2回)", "緊急通報装置の貸出し")
NOTES = (
    "1 申請の内容は、サービスの提供のためにだけ使います。",
    "2 お体の具合が変わったときは、高齢福祉課へお知らせください。",
    "3 申請から利用の開始まで、2週間ほどかかります。",
)
AGENDA = (
    ("1 前回の確認", ("番号札の取り直しに平均11分かかっている。", "発券機の仕様書を情報政策課が確かめる。")),
    ("2 転入のお客様の流れ", ("市民課、税務課、子育て支援課の順に案内する。", "案内札は色でなく数字と形で見分ける。")),
    ("3 試行の日程", ("来月第2週の火曜から木曜、午前のみ。", "終わった日の夕方に各課1名で振り返る。")),
    ("4 その他", ("申請書の記載台を1台、窓口の近くへ移す。",)),
)
WAITING = (("市民課", 9), ("税務課", 7), ("取り直し", 11), ("子育て支援課", 12))  # minutes


def _draw_form(page: Page) -> None:
    page.text(20, 20, 9, "様式第1号(第4条関係)", GREY)
    page.centred(36, 17, TITLE)
    page.text(150, 48, 10.5, "年   月   日")
    page.text(20, 58, 11, "霞ヶ浜市長 様")
    page.text(20, 68, 10, "次のとおり、見守りサービスの利用を申請します。")
    for number, (label, _) in enumerate(ROWS):
        top = 75.0 + 13 * number
        page.box(20, top, 45, 13, fill=(0.94, 0.95, 0.97))
        page.box(20, top, 45, 13)
        page.box(65, top, 125, 13)
        page.text(23, top + 8, 10, label)
    page.text(20, 166, 10.5, "希望するサービス(当てはまるものに印)")
    for number, service in enumerate(SERVICES):
        page.text(30, 176.0 + 9 * number, 10, service)
    for number, note in enumerate(NOTES):
        page.text(20, 214.0 + 7 * number, 9, note, GREY)
    page.line(20, 240, 190, 240, 0.4)
    page.text(20, 248, 9, "お問い合わせ 霞ヶ浜市 福祉部 高齢福祉課 本庁舎1階3番窓口", GREY)


def _draw_agenda(page: Page) -> None:
    page.centred(32, 16, "第3回 窓口改善会議 次第")
    page.text(120, 44, 10, "場所 本庁舎2階 第2会議室")
    top = 58.0
    for heading, lines in AGENDA:
        page.text(22, top, 12, heading)
        for line in lines:
            top += 8
            page.text(30, top, 10.5, line)
        top += 13


def _draw_chart(page: Page) -> None:
    page.text(22, 30, 12, "資料1 転入のお客様の待ち時間(先月の平均、分)")
    for number, (label, minutes) in enumerate(WAITING):
        top = 42.0 + 16 * number
        page.text(22, top + 6.5, 10, label)
        page.box(60, top, minutes * 8, 9, fill=(0.0, 0.35, 0.65) if label != "取り直し" else (0.85, 0.45, 0.1))
        page.text(62 + minutes * 8, top + 6.5, 10, f"{minutes}分")
    page.line(60, 38, 60, 106)
    page.text(22, 118, 9, "番号札の取り直しがなければ、合わせて11分短くなる。", GREY)


def _letters(*texts: str) -> Letters:
    drawn = {letter for text in texts for letter in text}
    return Letters("".join(sorted(drawn | set("0123456789 "))), japanese_face())


class _Collector(Letters):
    """Stands in for a font on a first drawing, to learn which letters the page needs."""

    def __init__(self) -> None:
        super().__init__("", None)
        self.seen: set[str] = set()

    def encode(self, text: str) -> bytes:
        self.seen |= set(text)
        return super().encode(text)


def _pages(drawings: Sequence[Callable[[Page], None]], also: str = "") -> tuple[Pdf, pikepdf.Object]:
    """A document with one page a drawing, and its font object. ``also``: letters that no drawing writes."""
    collector = _Collector()
    for draw in drawings:
        draw(Page(collector))
    letters = _letters("".join(collector.seen), also)
    pdf = Pdf.new()
    font = letters.embed(pdf)
    for draw in drawings:
        page = Page(letters)
        draw(page)
        made = pdf.add_blank_page(page_size=(A4[0] * MM, A4[1] * MM))
        made.obj.Contents = pdf.make_stream(page.content())
        made.obj.Resources = Dictionary(Font=Dictionary(Ja=font))
    return pdf, font


def _script(code: str) -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=String(code))


def _text_field(pdf: Pdf, page: pikepdf.Object, name: str, label: str, rectangle: list[float]) -> pikepdf.Object:
    look = pdf.make_stream(b"/Tx BMC EMC")
    look.Type, look.Subtype = Name.XObject, Name.Form
    look.BBox = Array([0, 0, rectangle[2] - rectangle[0], rectangle[3] - rectangle[1]])
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T=String(name),
            TU=String(label),
            V=String(""),
            DA=String("/Ja 11 Tf 0 g"),
            Rect=Array(rectangle),
            F=4,
            P=page,
            AP=Dictionary(N=look),
            AA=Dictionary(K=_script(f'event.change = event.change; console.println("{name}");')),
        )
    )


def _check_box(pdf: Pdf, page: pikepdf.Object, name: str, label: str, rectangle: list[float]) -> pikepdf.Object:
    side = rectangle[2] - rectangle[0]
    frame = f"0.6 w 0.1 G 0.3 0.3 {side - 0.6:.2f} {side - 0.6:.2f} re S"
    tick = f"{frame} 1.2 w 2 {side / 2:.2f} m {side / 2.5:.2f} 2 l {side - 2:.2f} {side - 2:.2f} l S"
    looks = {}
    for state, operators in (("Off", frame), ("Yes", tick)):
        look = pdf.make_stream(operators.encode("ascii"))
        look.Type, look.Subtype, look.BBox = Name.XObject, Name.Form, Array([0, 0, side, side])
        looks[state] = look
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Btn,
            T=String(name),
            TU=String(label),
            V=Name.Off,
            AS=Name.Off,
            Rect=Array(rectangle),
            F=4,
            P=page,
            AP=Dictionary(N=Dictionary(Off=looks["Off"], Yes=looks["Yes"])),
        )
    )


def _add_fields(pdf: Pdf, font: pikepdf.Object) -> None:
    page = pdf.pages[0].obj
    fields = [
        _text_field(pdf, page, name, label, area(66, 76.5 + 13 * number, 123, 10))
        for number, (label, name) in enumerate(ROWS)
    ]
    fields += [
        _check_box(pdf, page, f"service{number}", service, area(22, 172.0 + 9 * number, 5, 5))
        for number, service in enumerate(SERVICES)
    ]
    page.Annots = pdf.make_indirect(Array(fields))
    pdf.Root.AcroForm = pdf.make_indirect(
        Dictionary(Fields=Array(fields), DR=Dictionary(Font=Dictionary(Ja=font)), DA=String("/Ja 11 Tf 0 g"))
    )


def _add_active_content(pdf: Pdf) -> None:
    """What a careless or hostile maker puts into a form: scripts, a program to start, an attached file."""
    page = pdf.pages[0].obj
    pdf.Root.OpenAction = _script('app.alert("霞ヶ浜市の申請書です");')
    pdf.Root.Names = Dictionary(
        JavaScript=Dictionary(Names=Array([String("init"), _script("var form = this; form.calculateNow();")]))
    )
    page.AA = Dictionary(O=_script('console.println("opened");'))
    launch = Dictionary(S=Name.Launch, F=Dictionary(Type=Name.Filespec, F=String("setup.bat")))
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array(area(20, 243, 120, 7)), A=launch)
    link.Border = Array([0, 0, 0])
    page.Annots.append(pdf.make_indirect(link))
    pdf.attachments["宛名データ.csv"] = "宛名,郵便番号\r\n霞ヶ浜市役所,000-0000\r\n".encode("cp932")


def _save(pdf: Pdf, title: str) -> bytes:
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata["dc:title"] = title
    facts = Dictionary(Title=String(title), Author=String("霞ヶ浜市"), Producer=String("Kasumi PDF"))
    pdf.docinfo = pdf.make_indirect(facts)
    out = io.BytesIO()
    pdf.save(out, static_id=True, compress_streams=True)
    return out.getvalue()


def application_form() -> bytes:
    """A one-page form: six fields, three boxes, and beside them scripts, OpenAction, Launch and an embedded file."""
    pdf, font = _pages([_draw_form], also="霞ヶ浜市")
    _add_fields(pdf, font)
    _add_active_content(pdf)
    return _save(pdf, TITLE)


def meeting_agenda() -> bytes:
    """Two pages with text and a chart; nothing active."""
    pdf, _ = _pages([_draw_agenda, _draw_chart])
    return _save(pdf, "第3回 窓口改善会議 次第")
