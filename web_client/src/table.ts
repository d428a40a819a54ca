/**
 * From the bytes of a text file to what the viewer shows: characters, then rows and cells: pure.
 *
 * Rules kept here: UTF-8 first, then what Japanese offices write besides (Shift_JIS, EUC-JP), by what fits without an error;
 * bytes that fit nowhere give null; cells follow RFC 4180 (quotes doubled inside quotes, line breaks in quotes kept); a
 * piece cut off at its end loses at most its last character.
 *
 * Example: `cells('品目,数\r\n"水, 500ml",3\r\n', ",")` → `[["品目", "数"], ["水, 500ml", "3"]]`.
 */

const HALF_WIDTH_KANA = /[\uff61-\uff9f]/g;

/** The characters of the bytes; null where they are in none of the encodings. */
export function decoded(bytes: Uint8Array): string | null {
  const marked = markOf(bytes);
  if (marked !== null) return attempt(bytes, marked);
  return attempt(bytes, "utf-8") ?? japanese(bytes);
}

function markOf(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : null;
}

/** EUC-JP read as Shift_JIS is full of half-width kana, which nobody writes: the reading with fewer of them is right. */
function japanese(bytes: Uint8Array): string | null {
  const read = ["shift_jis", "euc-jp"].map((encoding) => attempt(bytes, encoding)).filter((text) => text !== null);
  const strange = (text: string): number => text.match(HALF_WIDTH_KANA)?.length ?? 0;
  return read.sort((one, other) => strange(one) - strange(other))[0] ?? null;
}

/** `stream` forgives a character cut off at the end. */
function attempt(bytes: Uint8Array, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}

const FIELD = /(?:"((?:[^"]|"")*)"?|([^"\r\n]*?))(,|\t|\r\n|\n|\r|$)/y;

/** The first `most` rows. `separator` is a comma or a tab. */
export function cells(text: string, separator: "," | "\t", most = Infinity): string[][] {
  const field = new RegExp(FIELD.source.replace(",|\\t", separator === "," ? "," : "\\t"), "y");
  const rows: string[][] = [];
  let row: string[] = [];
  while (field.lastIndex < text.length && rows.length < most) {
    const at = field.lastIndex;
    const found = field.exec(text) ?? restOfLine(text, at, field);
    const [, quoted, plain, end] = found;
    row.push(quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'));
    if (end !== separator || field.lastIndex >= text.length) {
      if (end === separator) row.push("");
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

/** A field that breaks the rules (a quote in its middle) is taken as it stands up to the end of its line. */
function restOfLine(text: string, at: number, field: RegExp): readonly (string | undefined)[] {
  const end = text.indexOf("\n", at);
  field.lastIndex = end < 0 ? text.length : end + 1;
  return ["", undefined, text.slice(at, end < 0 ? text.length : end).replace(/\r$/, ""), "\n"];
}
