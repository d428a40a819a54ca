"""What the people of Kasumigahama talk about: a week before the flood drill, with the counters being rearranged.

No dates: the demo runs in any month, so the talk says "Friday next week".
"""

from __future__ import annotations

from ops.demo_data.model import BOTH, CLOSED, Room, Talk

EVERYONE = (
    "watanabe", "sato", "suzuki", "tanaka", "takahashi", "ito", "yamamoto", "nakamura", "kobayashi", "kato", "yoshida",
    "yamada", "admin", "auditor",
)  # fmt: skip

FORM = "高齢者見守りサービス利用申請書.pdf"
PHOTO = "浜通り_冠水_北交差点.jpg"
STOCK = "避難所備蓄一覧.csv"
DISGUISED = "お見積書.pdf"
AGENDA = "第3回窓口改善会議_次第.pdf"

NOTICES = Room("channel", "お知らせ", EVERYONE, BOTH, (
    Talk("watanabe", "lgwan", "【総務課】庁舎の停電点検について\n今度の土曜、8時から12時まで本庁舎が停電します。"
         "端末の電源は金曜の退庁時に切ってください。", 4310),
    Talk("suzuki", "lgwan", "【情報政策課】このトークルームの使い方\nインターネット区画で受け取ったファイルは、そのまま添付してください。"
         "検査と無害化のあとで、LGWAN区画でも開けるようになります。元のファイルがLGWAN側へ入ることはありません。", 2890),
    Talk("takahashi", "lgwan", "【危機管理課】水害対応訓練を来週の金曜、13時30分から行います。"
         "参集は各班長が取りまとめ、水曜の正午までに「防災・危機管理」へ報告をお願いします。", 1450),
    Talk("yoshida", "internet", "【秘書広報課】広報かすみがはま次号の原稿締切は来週の木曜です。写真は1枚2MB以内でお願いします。", 260),
))  # fmt: skip

DISASTER = Room("channel", "防災・危機管理", (
    "takahashi", "sato", "suzuki", "tanaka", "ito", "kobayashi", "nakamura", "kato", "yoshida", "watanabe",
), BOTH, (
    Talk("takahashi", "lgwan", "訓練の想定は「浜通り一帯が膝下まで冠水、午後2時に避難指示」です。昨年の反省から、"
         "現場の写真をこのルームに集める手順を加えました。", 1400),
    Talk("kato", "lgwan", "浜小学校の体育館は当日13時から使えます。鍵は教頭先生が開けてくださるそうです。", 1372),
    Talk("tanaka", "lgwan", "福祉避難所の受入れは最大24名で調整済みです。車いすのまま乗れる車は2台です。", 1350),
    Talk("ito", "internet", "先週の大雨のときの北交差点です。側溝の手前で深さ20cmほど。訓練でもここを通行止めにする想定にします。",
         1285, PHOTO),
    Talk("takahashi", "lgwan", "ありがとうございます。LGWAN側でも開けました。位置の情報は外れているので、地図は別に付けますね。", 1276),
    Talk("suzuki", "internet", "備蓄の棚卸し結果を業者から受け取りました。数式の入ったセルは文字に直っているはずです。", 412, STOCK),
    Talk("nakamura", "lgwan", "粉ミルクは、期限が半年を切ったものが4缶あります。入替えを起案します。", 388),
    Talk("takahashi", "lgwan", "助かります。各班の参集人数、残りは建設部だけです。", 95),
    Talk("kobayashi", "lgwan", "建設部は道路課6名・都市計画課3名の計9名です。遅くなりました。", 71),
))  # fmt: skip

COUNTER = Room("group", "窓口改善プロジェクト", ("sato", "suzuki", "tanaka", "yamada", "yamamoto"), BOTH, (
    Talk("sato", "lgwan", "第3回の次第です。今回は転入のお客様が3つの窓口を回る件を話し合います。", 3020, AGENDA),
    Talk("yamada", "lgwan", "先月数えたところ、転入の方の待ち時間は平均27分でした。うち番号札を取り直す待ちが11分です。", 2995),
    Talk("yamamoto", "lgwan", "税の証明も同じ番号札で呼べると楽ですね。発券機の設定で足りるか業者に聞いてみます。", 2960),
    Talk("suzuki", "internet", "今日は在宅です。発券機の仕様書を見ましたが、課をまたぐ呼出しは設定だけでできそうです。", 1630),
    Talk("sato", "lgwan", "よかった。では来月の第2週に3日間だけ試しましょう。", 1618),
    Talk("tanaka", "internet", "見守りサービスの申請書、委託先が入力できる形式にしてくれました。窓口の端末で開けるか見てもらえますか。",
         185, FORM),
    Talk("sato", "lgwan", "開けました。スクリプトと埋め込みファイルは取り除かれましたが、様式の見た目はそのままです。"
         "印刷して窓口に置きます。", 171),
    Talk("yamada", "lgwan", "ふりがなの欄がもう少し広いと書きやすいと思います。", 160),
    Talk("tanaka", "internet", "伝えます。ありがとうございます。", 152),
))  # fmt: skip

SYSTEMS = Room("group", "情報政策課", ("suzuki", "admin", "watanabe"), CLOSED, (
    Talk("admin", "lgwan", "昨夜のバックアップは2時14分に終わりました。記録の検証も「改ざんなし」です。", 1580),
    Talk("suzuki", "lgwan", "ありがとうございます。次の人事異動の対象は7名です。部署の付替えをお願いします。", 1555),
    Talk("admin", "lgwan", "了解です。発令日の0時に切り替わるよう前日までに入れておきます。", 1540),
    Talk("suzuki", "lgwan", "昨日、見積書を装った添付が1件止まりました。職員には差出人へ電話で確かめるよう伝えました。", 40),
))  # fmt: skip

TAX = Room("group", "市民課・税務課連絡", ("yamamoto", "sato", "yamada"), CLOSED, (
    Talk("yamamoto", "lgwan", "課税証明の様式が来月から変わります。旧様式は今月末の受付分までです。", 2710),
    Talk("sato", "lgwan", "承知しました。窓口の見本を差し替えておきます。", 2695),
    Talk("yamada", "lgwan", "郵送請求の分も月末の消印まで旧様式でよいでしょうか。", 1210),
    Talk("yamamoto", "lgwan", "はい、消印で判断してください。", 1198),
))  # fmt: skip

TEA = Room("channel", "給湯室", EVERYONE, BOTH, (
    Talk("kobayashi", "internet", "駅前のパン屋さん、来週から朝7時に開くそうです。", 1512),
    Talk("nakamura", "lgwan", "朝当番の日にうれしいです。", 1490),
    Talk("kato", "lgwan", "図書館の企画展「霞ヶ浜と塩の道」、今度の日曜までです。学芸員さんの解説が14時から。", 640),
    Talk("yamada", "internet", "行ってきました。昔の浜の地図が見ものでした。", 118),
))  # fmt: skip

SATO_SUZUKI = Room("direct", "", ("suzuki", "sato"), BOTH, (
    Talk("suzuki", "internet", "業者から届いた見積書です。そちらでも見られますか。", 1475, DISGUISED),
    Talk("sato", "lgwan", "「実行ファイルのため受け取れません」と出て開けませんでした。", 1462),
    Talk("suzuki", "internet", "名前はPDFですが中身が違ったようです。業者へ電話して確かめます。止めてくれて助かりました。", 1455),
    Talk("sato", "lgwan", "明日の窓口改善、10時に第2会議室でお願いします。", 64),
    Talk("suzuki", "lgwan", "はい。発券機の画面も持っていきます。", 58),
))  # fmt: skip

SATO_TANAKA = Room("direct", "", ("tanaka", "sato"), BOTH, (
    Talk("tanaka", "internet", "午後から港地区の訪問に出ます。窓口で見守りサービスの相談があれば、こちらへ書いておいてください。", 330),
    Talk("sato", "lgwan", "わかりました。今のところ1件、娘さんからのお電話で、折返し希望です。内容は担当票に書きました。", 305),
    Talk("tanaka", "internet", "ありがとうございます。戻ったら電話します。", 296),
))  # fmt: skip

ADMIN_AUDITOR = Room("direct", "", ("auditor", "admin"), CLOSED, (
    Talk("auditor", "lgwan", "定期監査で、先月分の記録の写しと検証の方法を教えてください。", 4200),
    Talk("admin", "lgwan", "書き出した束をお渡しします。監査委員事務局の端末だけで検証でき、こちらのサーバーは要りません。", 4160),
    Talk("auditor", "lgwan", "手元で検証しました。「改ざんなし」と出ています。", 2750),
))  # fmt: skip

ROOMS: tuple[Room, ...] = (
    NOTICES, DISASTER, COUNTER, SYSTEMS, TAX, TEA, SATO_SUZUKI, SATO_TANAKA, ADMIN_AUDITOR,
)  # fmt: skip
