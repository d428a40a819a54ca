/**
 * A text or a table, drawn as text: what the file says becomes characters of this page and nothing else. Only its beginning
 * is fetched; the server counts the parts of one download as one.
 */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../store.ts";
import { cells, decoded } from "../../table.ts";

const MOST_BYTES = 256 * 1024;
const MOST_ROWS = 1_000;

type Loaded = { text: string; whole: boolean } | "loading" | "failed";

export function TextFile({ address, name, separator }: { address: string; name: string; separator: "," | "\t" | null }): JSX.Element {
  const loaded = useBeginning(address);
  if (loaded === "loading") return <span class="bone w60 late" />;
  if (loaded === "failed") return <p class="empty">{t.value.cannotPreview}</p>;
  const rows = separator === null ? [] : cells(loaded.text, separator, MOST_ROWS);
  const cut = !loaded.whole || rows.length === MOST_ROWS;
  return (
    <div class="viewer-text" tabIndex={0} role="region" aria-label={name}>
      {separator === null ? <pre dir="auto">{loaded.text}</pre> : <Table rows={rows} />}
      {cut && <p class="hint">{t.value.previewCut}</p>}
    </div>
  );
}

function Table({ rows }: { rows: readonly string[][] }): JSX.Element {
  const [head, ...body] = rows;
  return (
    <table>
      <thead><tr>{head?.map((cell, at) => <th key={at} scope="col">{cell}</th>)}</tr></thead>
      <tbody>{body.map((row, at) => <tr key={at}>{row.map((cell, column) => <td key={column}>{cell}</td>)}</tr>)}</tbody>
    </table>
  );
}

function useBeginning(address: string): Loaded {
  const [loaded, setLoaded] = useState<Loaded>("loading");
  useEffect(() => {
    let wanted = true;
    void beginning(address).then((answer) => wanted && setLoaded(answer));
    return () => void (wanted = false);
  }, [address]);
  return loaded;
}

async function beginning(address: string): Promise<Loaded> {
  try {
    const answer = await fetch(address, { headers: { Range: `bytes=0-${MOST_BYTES - 1}` }, credentials: "same-origin" });
    if (!answer.ok) return "failed";
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const text = decoded(bytes);
    const size = Number(answer.headers.get("Content-Range")?.split("/")[1] ?? bytes.length);
    return text === null ? "failed" : { text, whole: size <= bytes.length };
  } catch {
    return "failed";
  }
}
