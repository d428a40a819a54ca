/**
 * What this computer keeps for a person: drafts, unsent posts, favourites, choices. Only texts of one's own are kept, under
 * zone and login, so that two zones and two people of one computer do not meet.
 *
 * Rules kept here: a full or forbidden storage is no error (the page goes on from memory); what cannot be read is dropped.
 */

export function read<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(name);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // full or forbidden: the value lives on in memory
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(name);
  } catch {
    // forbidden: there was nothing kept
  }
}

/** The name under which something of one person in one zone is kept. */
export function personal(zone: string, login: string, what: string): string {
  return `sekisho:${zone}:${login}:${what}`;
}
