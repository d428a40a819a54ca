/**
 * What the sanitizer takes out or mends, in words: its slug → words with a count. A slug not listed here is shown by the
 * general phrases `removedOther` and `changedOther`, so a new kind is never silent; a test names the slugs that lack words.
 * Words of `removed` are parts of "… を取り除きました"; words of `changed` are whole sentences.
 */
export type Counted = Readonly<Record<string, (count: number) => string>>;

/** Word joiners keep a number and its counter on one line. */
const counted = (count: number, counter: string): string => [String(count), ...counter].join("\u2060");
const places = (words: string) => (count: number): string => words + counted(count, "か所");
const pieces = (words: string) => (count: number): string => words + counted(count, "個");
const items = (words: string) => (count: number): string => words + counted(count, "件");
const plain = (words: string) => (): string => words;

export const removedJa: Counted = {
  // What can act
  javascript: places("JavaScript "),
  "open-action": places("開いたときの動作"),
  "additional-actions": places("自動で起きる動作"),
  launch: places("プログラム等の起動"),
  "submit-form": places("フォームの送信"),
  "import-data": places("外部データの読み込み"),
  "remote-goto": places("ほかのファイルへの移動"),
  "other-action": places("その他の動作"),
  "link-target": places("許可されていないリンク先"),
  xfa: plain("動的フォーム（XFA）"),
  "calculation-order": plain("フォームの自動計算"),
  multimedia: pieces("動画・音声・3D"),
  "external-stream": places("外部ファイルの参照"),
  postscript: places("PostScriptの命令"),
  "html-text": places("注釈に含まれるHTML"),
  // What is hidden or embedded
  "embedded-file": pieces("埋め込みファイル"),
  "older-revision": places("以前の版の内容"),
  "outside-bytes": places("文書の外側のデータ"),
  "stream-slack": places("データの余り"),
  "hidden-layer": places("非表示のレイヤー"),
  "hidden-field": places("画面に出ないフォーム項目"),
  "alternate-image": pieces("代替画像"),
  "page-thumbnail": pieces("ページの縮小画像"),
  "private-data": places("アプリ独自のデータ"),
  "comment-bytes": places("命令の中のコメント"),
  "content-junk": places("読み取れない描画命令"),
  "embedded-image": pieces("埋め込まれた別の画像"),
  "trailing-bytes": plain("画像の後ろに付いたデータ"),
  "hidden-bytes": plain("画像の中の使われていないデータ"),
  animation: plain("動き（静止画にしました）"),
  "control-characters": places("制御文字"),
  "bidi-controls": places("文字の並びを変える制御文字"),
  // Personal data
  "document-info": items("文書情報"),
  metadata: items("文書情報（XMP）"),
  signature: pieces("電子署名"),
  "comment-author": items("注釈の作成者名・日時"),
  gps: plain("撮影場所（GPS）"),
  exif: items("撮影情報（Exif）"),
  xmp: items("編集情報（XMP）"),
  iptc: items("説明の情報（IPTC）"),
  comment: items("コメント"),
  "text-metadata": items("文字の付加情報"),
  "time-stamp": items("日時の記録"),
  "icc-profile": plain("カラープロファイル"),
  // What could not be rebuilt
  "font-program": pieces("壊れたフォント"),
  image: pieces("読み取れない画像"),
  "colour-profile": pieces("壊れたカラープロファイル"),
  annotation: places("対応していない注釈"),
};

export const changedJa: Counted = {
  formula: (count) => `計算式として動くセル${count}か所を、ただの文字に直しました。`,
  encryption: plain("暗号化を外しました。"),
  "page-tree": plain("壊れたページ構成を直しました。"),
  "image-transcoded": (count) => `画像${count}個を変換しました。`,
  "link-normalised": (count) => `リンク先${count}か所を書き直しました。`,
  "layers-merged": plain("レイヤーを1枚にまとめました。"),
  flattened: (count) => `${count}ページを画像にしました。`,
  orientation: plain("写真の向きを直しました。"),
  "colour-space": plain("色をsRGBに変換しました。"),
  "bit-depth": plain("階調を8ビットに変換しました。"),
  incomplete: plain("途中で切れていたため、読めた部分だけを残しました。"),
  checksum: plain("壊れた検査値を計算し直しました。"),
  type: plain("ほかの形式に変換しました。"),
  animation: plain("動きを静止画にしました。"),
  undecodable: (count) => `読めない文字${count}か所を「?」に置き換えました。`,
  encoding: plain("文字コードをUTF-8に変換しました。"),
};

const s = (one: string, many: string) => (count: number): string => `${count} ${count === 1 ? one : many}`;

export const removedEn: Counted = {
  javascript: s("script (JavaScript)", "scripts (JavaScript)"),
  "open-action": s("action on opening", "actions on opening"),
  "additional-actions": s("automatic action", "automatic actions"),
  launch: s("launch of a program or file", "launches of programs or files"),
  "submit-form": s("sending of form data", "sendings of form data"),
  "import-data": s("import of data", "imports of data"),
  "remote-goto": s("jump into another file", "jumps into other files"),
  "other-action": s("other action", "other actions"),
  "link-target": s("link target that is not allowed", "link targets that are not allowed"),
  xfa: plain("the dynamic form (XFA)"),
  "calculation-order": plain("the form's calculations"),
  multimedia: s("video, sound or 3D object", "videos, sounds or 3D objects"),
  "external-stream": s("reference to an external file", "references to external files"),
  postscript: s("piece of PostScript", "pieces of PostScript"),
  "html-text": s("piece of HTML in notes", "pieces of HTML in notes"),
  "embedded-file": s("embedded file", "embedded files"),
  "older-revision": s("older revision", "older revisions"),
  "outside-bytes": s("piece of data outside the document", "pieces of data outside the document"),
  "stream-slack": s("remainder of data", "remainders of data"),
  "hidden-layer": s("hidden layer", "hidden layers"),
  "hidden-field": s("form field shown nowhere", "form fields shown nowhere"),
  "alternate-image": s("alternate picture", "alternate pictures"),
  "page-thumbnail": s("page thumbnail", "page thumbnails"),
  "private-data": s("piece of an application's own data", "pieces of applications' own data"),
  "comment-bytes": s("comment in page content", "comments in page content"),
  "content-junk": s("unreadable drawing instruction", "unreadable drawing instructions"),
  "embedded-image": s("further embedded picture", "further embedded pictures"),
  "trailing-bytes": plain("data behind the picture"),
  "hidden-bytes": plain("unused data inside the picture"),
  animation: plain("the animation (now a still picture)"),
  "control-characters": s("control character", "control characters"),
  "bidi-controls": s("character that reorders text", "characters that reorder text"),
  "document-info": s("document property", "document properties"),
  metadata: s("document property (XMP)", "document properties (XMP)"),
  signature: s("digital signature", "digital signatures"),
  "comment-author": s("name or date on notes", "names and dates on notes"),
  gps: plain("the place of the photograph (GPS)"),
  exif: s("camera record (Exif)", "camera records (Exif)"),
  xmp: s("editing record (XMP)", "editing records (XMP)"),
  iptc: s("caption record (IPTC)", "caption records (IPTC)"),
  comment: s("comment", "comments"),
  "text-metadata": s("text note", "text notes"),
  "time-stamp": s("time stamp", "time stamps"),
  "icc-profile": plain("the colour profile"),
  "font-program": s("broken font", "broken fonts"),
  image: s("unreadable picture", "unreadable pictures"),
  "colour-profile": s("broken colour profile", "broken colour profiles"),
  annotation: s("unsupported note", "unsupported notes"),
};

export const changedEn: Counted = {
  formula: (count) => `${s("cell that acts as a formula was", "cells that act as formulas were")(count)} turned into text.`,
  encryption: plain("The encryption was taken off."),
  "page-tree": plain("The broken page structure was mended."),
  "image-transcoded": (count) => `${s("picture was", "pictures were")(count)} converted.`,
  "link-normalised": (count) => `${s("link target was", "link targets were")(count)} rewritten.`,
  "layers-merged": plain("The layers were merged."),
  flattened: (count) => `${s("page was", "pages were")(count)} turned into pictures.`,
  orientation: plain("The picture was turned upright."),
  "colour-space": plain("The colours were converted to sRGB."),
  "bit-depth": plain("The samples were reduced to 8 bits."),
  incomplete: plain("The file was cut short; what could be read was kept."),
  checksum: plain("Damaged checksums were computed anew."),
  type: plain("The file was converted to another format."),
  animation: plain("The animation was made a still picture."),
  undecodable: (count) => `${s("unreadable character was", "unreadable characters were")(count)} replaced by “?”.`,
  encoding: plain("The encoding was changed to UTF-8."),
};
