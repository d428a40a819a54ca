/** A round mark for a person: the first character of the name, in a colour that stays theirs. Decoration. */
import type { JSX } from "preact";
import { colourOf, initial } from "../../text.ts";

export function Avatar({ name, small }: { name: string; small?: boolean }): JSX.Element {
  return (
    <span class={`avatar hue-${colourOf(name, 8)}${small ? " small" : ""}`} aria-hidden="true">{initial(name)}</span>
  );
}
