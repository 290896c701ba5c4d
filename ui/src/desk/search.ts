import { fold } from './format';

/** A piece of a found name; `hit` where it matched. */
export interface Part {
  text: string;
  hit: boolean;
}

/** Entries whose name has a word beginning with the query first, then those containing it. */
export function find<T extends { name: string }>(entries: T[], query: string): T[] {
  const wanted = fold(query.trim());
  if (wanted === '') return entries;
  const begins = (entry: T) => fold(entry.name).split(/[\s,/()-]+/).some((word) => word.startsWith(wanted));
  const first = entries.filter((entry) => fold(entry.name).startsWith(wanted));
  const second = entries.filter((entry) => !first.includes(entry) && begins(entry));
  const third = entries.filter((entry) => !first.includes(entry) && !second.includes(entry) && fold(entry.name).includes(wanted));
  return [...first, ...second, ...third];
}

/** Cuts a name where the query was found. */
export function highlight(name: string, query: string): Part[] {
  const wanted = fold(query.trim());
  const at = wanted === '' ? -1 : fold(name).indexOf(wanted);
  // Folding may change lengths (ß, ligatures); then nothing is marked rather than the wrong letters.
  if (at < 0 || fold(name).length !== name.length) return [{ text: name, hit: false }];
  const end = at + wanted.length;
  return [
    { text: name.slice(0, at), hit: false },
    { text: name.slice(at, end), hit: true },
    { text: name.slice(end), hit: false },
  ].filter((part) => part.text !== '');
}
