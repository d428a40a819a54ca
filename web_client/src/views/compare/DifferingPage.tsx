/** One page that differs: the original and the rebuilt one side by side, a frame around the difference, and a larger view. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { API } from "../../io/http.ts";
import { partOfPage } from "../../likeness.ts";
import type { ComparedPage } from "../../protocol.ts";
import { t } from "../../store.ts";
import { placeName } from "../attachments/words.ts";
import { Search } from "../shell/Icons.tsx";
import { Modal } from "../shell/Modal.tsx";

type Side = "original" | "rebuilt";
const SIDES: readonly Side[] = ["original", "rebuilt"];
/** How wide a page is drawn in the larger view; class names, because the policy of the page allows no style of an element. */
const ZOOMS = ["fit", "wide", "wider"] as const;

export function DifferingPage({ id, page, pages }: { id: string; page: ComparedPage; pages: number }): JSX.Element {
  const [larger, setLarger] = useState(false);
  const title = pages > 1 ? placeName(`page ${page.page}`) : "";
  return (
    <section class="differing" aria-label={title || t.value.compareTitle}>
      <div class="differing-head">
        {title && <h3>{title}</h3>}
        <Where place={page.place} />
        {(page.original || page.rebuilt) && (
          <button class="button small" type="button" onClick={() => setLarger(true)}><Search size={16} />{t.value.compareLarger}</button>
        )}
      </div>
      <Pair id={id} page={page} />
      {larger && <Larger id={id} page={page} title={title || t.value.compareTitle} onClose={() => setLarger(false)} />}
    </section>
  );
}

function Where({ place }: { place: ComparedPage["place"] }): JSX.Element {
  const part = place === null ? null : partOfPage(place);
  return <p class="hint">{part === null ? t.value.compareWhole : t.value.compareWhere(t.value.partsOfPage[part] ?? "")}</p>;
}

function Pair({ id, page }: { id: string; page: ComparedPage }): JSX.Element {
  return (
    <div class="pair">
      {SIDES.map((side) => (
        <figure key={side}>
          <figcaption>{name(side)}</figcaption>
          {page[side] ? <Picture id={id} page={page} side={side} /> : <Missing side={side} />}
        </figure>
      ))}
    </div>
  );
}

function Missing({ side }: { side: Side }): JSX.Element {
  return <p class="no-picture">{side === "original" ? t.value.compareNoOriginal : t.value.compareNoPicture}</p>;
}

const name = (side: Side): string => (side === "original" ? t.value.receiptBefore : t.value.receiptAfter);

function Picture({ id, page, side }: { id: string; page: ComparedPage; side: Side }): JSX.Element {
  const address = `${API}attachments/${id}/comparison?page=${page.page}&side=${side}`;
  return (
    <span class="drawn">
      <img src={address} alt={t.value.compareAlt(name(side), page.page)} loading="lazy" decoding="async" />
      {page.place && <Frame place={page.place} />}
    </span>
  );
}

/** Around the difference. Decoration: the words beside the picture say where it is. */
function Frame({ place }: { place: readonly number[] }): JSX.Element {
  const [left = 0, top = 0, right = 1000, bottom = 1000] = place;
  return (
    <svg class="drawn-frame" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect x={left - 4} y={top - 4} width={right - left + 8} height={bottom - top + 8} />
    </svg>
  );
}

/** Both pages in areas that scroll together, with the difference in their middle; + and − by button or key. */
function Larger({ id, page, title, onClose }: { id: string; page: ComparedPage; title: string; onClose: () => void }): JSX.Element {
  const [zoom, setZoom] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => showDifference(box.current), [zoom]);
  const move = (by: number): void => setZoom((now) => Math.min(Math.max(now + by, 0), ZOOMS.length - 1));
  useLayoutEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if (event.key === "+" || event.key === ";") move(1);
      if (event.key === "-") move(-1);
      if (event.key === "Escape") event.stopPropagation(); // it closes this, not the panel behind it
    };
    const dialog = box.current?.closest("dialog");
    dialog?.addEventListener("keydown", keys);
    return () => dialog?.removeEventListener("keydown", keys);
  }, []);
  return (
    <Modal title={title} onClose={onClose} wide>
      <div class="larger" ref={box}>
        <div class="larger-tools">
          <button class="button small" type="button" disabled={zoom === 0} onClick={() => move(-1)}>{t.value.zoomOut}</button>
          <button class="button small" type="button" disabled={zoom === ZOOMS.length - 1} onClick={() => move(1)}>{t.value.zoomIn}</button>
          <Where place={page.place} />
        </div>
        <div class="pair">
          {SIDES.map((side) => (
            <figure key={side}>
              <figcaption>{name(side)}</figcaption>
              <div class={`larger-page ${ZOOMS[zoom]}`} tabIndex={0} role="region" aria-label={name(side)} onScroll={together}>
                {page[side] ? <Picture id={id} page={page} side={side} /> : <Missing side={side} />}
              </div>
            </figure>
          ))}
        </div>
      </div>
    </Modal>
  );
}

/** What one area shows, the others show too. */
function together({ currentTarget: moved }: { currentTarget: HTMLElement }): void {
  for (const other of moved.closest(".pair")?.querySelectorAll(".larger-page") ?? []) {
    if (other !== moved) other.scrollTo({ left: moved.scrollLeft, top: moved.scrollTop, behavior: "instant" });
  }
}

/** Brings the frame of the difference into the middle, now and once each picture has its size. */
function showDifference(box: HTMLElement | null): () => void {
  const show = (): void => {
    for (const area of box?.querySelectorAll(".larger-page") ?? []) {
      const frame = area.querySelector(".drawn-frame rect")?.getBoundingClientRect();
      const around = area.getBoundingClientRect();
      if (!frame) continue;
      area.scrollBy({
        left: frame.left + frame.width / 2 - around.left - around.width / 2,
        top: frame.top + frame.height / 2 - around.top - around.height / 2,
        behavior: "instant",
      });
    }
  };
  show();
  box?.addEventListener("load", show, true);
  return () => box?.removeEventListener("load", show, true);
}
