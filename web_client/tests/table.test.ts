import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, decoded } from "../src/table.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test("text is read in the encoding it fits", () => {
  assert.equal(decoded(new TextEncoder().encode("避難所")), "避難所");
  assert.equal(decoded(bytes(0xef, 0xbb, 0xbf, 0x61)), "a");
  assert.equal(decoded(bytes(0x94, 0xf0, 0x93, 0xef)), "避難"); // Shift_JIS
  assert.equal(decoded(bytes(0xc8, 0xf2, 0xc6, 0xf1)), "避難"); // EUC-JP, which Shift_JIS would read as half-width kana
  assert.equal(decoded(bytes(0xff, 0xfe, 0x7f, 0x90)), "避");
  assert.equal(decoded(bytes(0xff, 0x41)), null);
});

test("a character cut off at the end is left out", () => {
  assert.equal(decoded(new TextEncoder().encode("水道").slice(0, 5)), "水");
});

test("cells follow RFC 4180", () => {
  assert.deepEqual(cells('品目,数\r\n"水, 500ml",3\r\n', ","), [["品目", "数"], ["水, 500ml", "3"]]);
  assert.deepEqual(cells('"a ""b"" c","d\ne"\n', ","), [['a "b" c', "d\ne"]]);
  assert.deepEqual(cells("a,,b\n,\n", ","), [["a", "", "b"], ["", ""]]);
  assert.deepEqual(cells("a,", ","), [["a", ""]]);
  assert.deepEqual(cells("a\tb,c\n", "\t"), [["a", "b,c"]]);
  assert.deepEqual(cells("", ","), []);
});

test("broken rows are shown as they stand, and rows are counted", () => {
  assert.deepEqual(cells('a"b,c\nd,e\n', ","), [['a"b,c'], ["d", "e"]]);
  assert.deepEqual(cells('"open', ","), [["open"]]);
  assert.deepEqual(cells("1\n2\n3\n", ",", 2), [["1"], ["2"]]);
});
