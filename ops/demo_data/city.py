"""Kasumigahama (霞ヶ浜市), an invented harbour city of 38,000: its organisation chart and its people."""

from __future__ import annotations

from ops.demo_data.model import City, Person, Section
from ops.demo_data.talk import ROOMS

SECTIONS: tuple[Section, ...] = (
    Section("市長公室"),
    Section("秘書広報課", "市長公室"),
    Section("危機管理課", "市長公室"),
    Section("総務部"),
    Section("総務課", "総務部"),
    Section("情報政策課", "総務部"),
    Section("税務課", "総務部"),
    Section("市民部"),
    Section("市民課", "市民部"),
    Section("環境課", "市民部"),
    Section("福祉部"),
    Section("高齢福祉課", "福祉部"),
    Section("子育て支援課", "福祉部"),
    Section("建設部"),
    Section("道路課", "建設部"),
    Section("都市計画課", "建設部"),
    Section("教育委員会事務局"),
    Section("学校教育課", "教育委員会事務局"),
    Section("監査委員事務局"),
)

PEOPLE: tuple[Person, ...] = (
    Person("sato", "佐藤 美咲", "市民課", "主任"),
    Person("suzuki", "鈴木 健一", "情報政策課", "係長"),
    Person("tanaka", "田中 陽子", "高齢福祉課", "主事"),
    Person("watanabe", "渡辺 真由美", "総務課", "課長"),
    Person("takahashi", "高橋 誠", "危機管理課", "課長"),
    Person("ito", "伊藤 直樹", "道路課", "技師"),
    Person("yamamoto", "山本 大輔", "税務課", "主査"),
    Person("nakamura", "中村 恵", "子育て支援課", "保健師"),
    Person("kobayashi", "小林 拓也", "都市計画課", "主任"),
    Person("kato", "加藤 由紀", "学校教育課", "係長"),
    Person("yoshida", "吉田 隆", "秘書広報課", "主幹"),
    Person("yamada", "山田 千尋", "市民課", "会計年度任用職員"),
    Person("admin", "井上 亮", "情報政策課", "システム管理者", ("staff", "admin")),
    Person("auditor", "松本 和子", "監査委員事務局", "書記", ("staff", "auditor")),
)

CITY = City(
    name="霞ヶ浜市",
    name_en="Kasumigahama City",
    slug="kasumigahama",
    sections=SECTIONS,
    people=PEOPLE,
    rooms=ROOMS,
)
