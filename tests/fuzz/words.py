"""What mutations put into files: numbers at edges, words that formats know, elements, values, entries of dictionaries.

>>> b"/OpenAction" in PDF_ENTRIES[0]
True
"""

from __future__ import annotations

NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 9, 15, 16, 31, 32, 63, 64, 100, 127, 128, 254, 255, 256, 511, 512, 1000, 4095, 4096, 10000),
    *(32767, 32768, 65534, 65535, 65536, 100000, 1 << 20, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32),
    *(-1, -2, (1 << 63) - 1, 1 << 63, (1 << 64) - 1),
)

WORDS = (
    *(
        b"\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\r\n",
        b"\n\n",
        b" ",
        b"\t",
        b'"',
        b"'",
        b"%",
        b"\\",
        b"&",
        b";",
        b"=",
    ),
    *(b"<<", b">>", b"[", b"]", b"(", b")", b"null", b"true", b"1 0 R", b"endobj", b"stream\n", b"BI /W 4 /H 1 ID "),
    *(b"5EMC", b"/P BMC ", b"BT ", b" Do", b"obj", b"xref", b"%%EOF", b"%PDF-1.7", b"PK\x03\x04", b"PK\x05\x06"),
    *(b"MZ", b"BEGIN:VCARD\r\n", b"END:VEVENT\r\n", b"BEGIN:VALARM\r\n", b"ATTACH:file:///a\r\n", b"=1+1", b"@SUM(1)"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x1b$B", b"\x1b(B", b"\x82\xa0", b"\xe3\x81\x82", b"\xed\xa0\x80"),
    *(b"--=_1.1\r\n", b"Content-Type: text/html\r\n", b"=?utf-8?b?44GC?=", b"\r\n\r\n", b": ", b"javascript:", b"</"),
    *(b"]]>", b"<!--", b"<script>", b"&#0;", b"&amp;", b"url(//a)", b"{\\object ", b"\\u12354?", b"\\bin9 "),
    *(
        b"GIF89a",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"IDAT",
        b"acTL",
        b"RIFF",
        b"WEBP",
        b"II*\0",
        b"MM\0*",
        b"ftyp",
    ),
    *(
        b"SKA1",
        b"SKP1",
        b"released",
        b"image/png",
        b"application/pdf",
        b'{"type":"ended"',
        b'"id":',
        b"ieof",
        b"0\r\n\r\n",
    ),
)

VALUES = (
    *(b"", b" ", b"0", b"1", b"-1", b"x", b"true", b"1e9", b"rId1", b"rId2", b"rId99", b"#a", b"A1", b"a&#10;b"),
    *(
        b"&lt;",
        b"http://a/",
        b"https://a.jp/",
        b"//host/a",
        b"file:///a",
        b"javascript:x()",
        b"\\\\host\\a",
        b"data:,a",
    ),
    *("市".encode(), b"\xe2\x80\xae", b"\xef\xbd\x83", b"a" * 300, b"9" * 30, b"url(http://a)", b"expression(1)"),
    *(b" DDEAUTO a b ", b' HYPERLINK "http://a" ', b"SUM(A1)", b"WEBSERVICE(A1)", b"T['|]", b"[1]S!A1", b"cmd|' /c'!A"),
    *(b"\xc5\xbfum(1)", b"2147483648", b"0.5", b"1cm", b"100%", b"auto", b"../a", b"Pictures/a.png", b"&#13;"),
)

ATOMS = (
    *(b"<!-- -->", b"<?a b?>", b"<![CDATA[]]>", b"<![CDATA[a<b]]>", b"<x/>", b"<w:zz/>", b"<x:zz>q</x:zz>", b"<a:zz/>"),
    *(b"<script>x()</script>", b"<style>@import 'a'</style>", b"<iframe src='a'></iframe>", b"<text:p/>", b"<w:r/>"),
    *(
        b"<office:script/>",
        b"<w:fldChar w:fldCharType='begin'/>",
        b"<w:instrText> DDE </w:instrText>",
        b"<w:p/>",
        b"<p>",
    ),
    *(b"<m:oMath/>", b"<x:f>A1</x:f>", b"<draw:object/>", b"<svg:a/>", b"<use href='#a'/>", b"&a;", b"</p>", b"<br/>"),
    *(b"<math:semantics/>", b"<a xlink:href='http://a/'/>", b"<mc:AlternateContent/>", b"<set attributeName='href'/>"),
)

PDF_ENTRIES = (
    *(
        b"/OpenAction <</S /JavaScript /JS (x)>> ",
        b"/AA <<>> ",
        b"/Names <<>> ",
        b"/Type /X ",
        b"/Subtype <<>> ",
        b"/A [] ",
    ),
    *(b"/Kids [1 0 R] ", b"/Parent 1 0 R ", b"/Filter /DCTDecode ", b"/Filter [/FlateDecode /FlateDecode] ", b"/W [] "),
    *(
        b"/DecodeParms <</Predictor 15 /Columns 2>> ",
        b"/Length 0 ",
        b"/Resources 1 0 R ",
        b"/MediaBox [0 0 1] ",
        b"/F 4 ",
    ),
    *(
        b"/Contents [] ",
        b"/Annots [1 0 R 2 0 R] ",
        b"/Dest [] ",
        b"/Next 1 0 R ",
        b"/SMask 1 0 R ",
        b"/CS [/I /G 1 (a)] ",
    ),
    *(b"/Encrypt <<>> ", b"/XFA [] ", b"/EmbeddedFiles <<>> ", b"/ColorSpace /X ", b"/BBox [0 0 0 0] ", b"/Count -1 "),
)
