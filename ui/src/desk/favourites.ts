import type { Choice } from '../backend/generated/Choice';

const storageKey = 'deskline.codes';
/** How often a code must have been used to be called a favourite, and how many are shown. */
const often = 2;
const shown = 3;

/** How often each wrap-up code was saved from this window, by id; nonsense counts as nothing. */
export function usage(): Record<string, number> {
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '{}');
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0));
  } catch {
    return {};
  }
}

/** Counts one more use. */
export function used(id: string): void {
  const counts = usage();
  try {
    localStorage.setItem(storageKey, JSON.stringify({ ...counts, [id]: (counts[id] ?? 0) + 1 }));
  } catch {
    // Then it is not a favourite yet.
  }
}

/** The codes used most, without those that are on the screen already. */
export function favourites(codes: Choice[], counts: Record<string, number>, except: Choice[]): Choice[] {
  return codes
    .filter((code) => (counts[code.id] ?? 0) >= often && !except.includes(code))
    .sort((a, b) => (counts[b.id] ?? 0) - (counts[a.id] ?? 0))
    .slice(0, shown);
}
