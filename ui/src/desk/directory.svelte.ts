import type { Backend } from '../backend';
import { commandError } from '../backend';
import type { CommandErrorView } from '../backend/generated/CommandErrorView';
import type { ConsultType } from '../backend/generated/ConsultType';
import type { DirectoryItem } from '../backend/generated/DirectoryItem';
import type { DirectoryKind } from '../backend/generated/DirectoryKind';
import { fold } from './format';

/** Where somebody to ask or to give a contact to can be found. */
export type Place = 'agents' | 'queues' | 'addressBook' | 'entryPoints';

/** What the search shows: one place, or all of them. */
export type Scope = 'all' | Place;

/** Somebody found, and where. */
export interface Found {
  place: Place;
  item: DirectoryItem;
}

/** How far the answer of a place is. */
export type Progress = 'loading' | 'there' | 'failed';

/** How long typing has to rest before the centre is asked, in ms. */
const restMs = 200;

/** What a place's entries are called on the wire of a consult. */
export const typeOf: Record<Place, ConsultType> = { agents: 'agent', queues: 'queue', addressBook: 'dialNumber', entryPoints: 'entryPoint' };

/** What a consult or transfer is given for an entry: an address book entry stands for its number. */
export function targetOf(found: Found): string {
  return found.place === 'addressBook' ? (found.item.number ?? found.item.id) : found.item.id;
}

/** A number that was typed, as it is dialled; empty if it is none. */
export function typedNumber(query: string): string {
  const text = query.trim();
  if (!/^\+?[\d\s()./-]+$/.test(text)) return '';
  const digits = text.replace(/[^\d+]/g, '');
  return digits.replace('+', '').length < 3 ? '' : digits;
}

/** A typed number as somebody to call. */
export function numberAsFound(number: string): Found {
  return { place: 'addressBook', item: { id: number, name: number, detail: '', number, presence: null, since: null, channel: null } };
}

/** A search in the directories of the centre: one question per place, the newest text wins, more on request. */
export class Directory {
  query = $state('');
  scope = $state<Scope>('all');
  items = $state.raw<Record<Place, DirectoryItem[]>>({ agents: [], queues: [], addressBook: [], entryPoints: [] });
  progress = $state.raw<Record<Place, Progress>>({ agents: 'loading', queues: 'loading', addressBook: 'loading', entryPoints: 'loading' });
  /** The last failure of each place. */
  errors = $state.raw<Partial<Record<Place, CommandErrorView>>>({});

  readonly #backend: Backend;
  readonly #places: readonly Place[];
  #asked: Partial<Record<Place, symbol>> = {};
  #next: Partial<Record<Place, number | null>> = {};
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(backend: Backend, places: readonly Place[]) {
    this.#backend = backend;
    this.#places = places;
  }

  /** The places this search knows. */
  get places(): readonly Place[] {
    return this.#places;
  }

  /** Asks for what is typed now. */
  open(): void {
    for (const place of this.#places) void this.#ask(place, 0);
  }

  /** Takes a new text; the centre is asked when typing rests. */
  type(query: string): void {
    if (query === this.query) return;
    this.query = query;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), restMs);
  }

  /** Ends waiting; later answers change nothing. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#asked = {};
  }

  /** Whether a place has more than it shows. */
  hasMore(place: Place): boolean {
    return this.progress[place] === 'there' && typeof this.#next[place] === 'number';
  }

  /** Asks a place for its next page. */
  more(place: Place): void {
    const page = this.#next[place];
    if (this.progress[place] === 'there' && typeof page === 'number') void this.#ask(place, page);
  }

  /** Asks a place that failed again. */
  again(place: Place): void {
    void this.#ask(place, 0);
  }

  async #ask(place: Place, page: number): Promise<void> {
    const mine = Symbol(place);
    this.#asked = { ...this.#asked, [place]: mine };
    this.progress = { ...this.progress, [place]: 'loading' };
    const kind: DirectoryKind = place;
    try {
      const answer = await this.#backend.directory(kind, { search: this.query.trim(), page });
      // What was asked before the newest letter would show the wrong people.
      if (this.#asked[place] !== mine) return;
      const before = page === 0 ? [] : this.items[place];
      const known = new Set(before.map((item) => item.id));
      this.items = { ...this.items, [place]: [...before, ...answer.items.filter((item) => !known.has(item.id))] };
      this.#next[place] = answer.page + 1 < answer.totalPages ? answer.page + 1 : null;
      this.progress = { ...this.progress, [place]: 'there' };
    } catch (thrown) {
      if (this.#asked[place] !== mine) return;
      this.errors = { ...this.errors, [place]: commandError(thrown) };
      this.progress = { ...this.progress, [place]: 'failed' };
    }
  }
}

/** Whether an entry fits what is typed; the centre searches too, but its answer may be older than the text. */
export function fits(item: DirectoryItem, query: string): boolean {
  const wanted = fold(query.trim());
  if (wanted === '') return true;
  const digits = wanted.replace(/\D/g, '');
  const isInNumber = digits.length > 2 && (item.number ?? '').replace(/\D/g, '').includes(digits);
  return isInNumber || fold(item.name).includes(wanted) || fold(item.detail).includes(wanted);
}

const storageKey = 'deskline.favourites';

/** The favourites of this window; nonsense counts as none. */
export function favouritesKept(): Found[] {
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]');
    return Array.isArray(parsed) ? parsed.filter(isFound) : [];
  } catch {
    return [];
  }
}

/** Adds a favourite, or takes it away; the new list. Presence is not kept: it would be old. */
export function toggleFavourite(list: Found[], found: Found): Found[] {
  const isKept = list.some((each) => isSame(each, found));
  const next = isKept ? list.filter((each) => !isSame(each, found)) : [...list, { ...found, item: { ...found.item, presence: null, since: null } }];
  try {
    localStorage.setItem(storageKey, JSON.stringify(next));
  } catch {
    // Then it is a favourite until the window closes.
  }
  return next;
}

/** Whether both are the same entry of the same place. */
export function isSame(one: Found, other: Found): boolean {
  return one.place === other.place && one.item.id === other.item.id;
}

function isFound(value: unknown): value is Found {
  if (typeof value !== 'object' || value === null) return false;
  const { place, item } = value as Partial<Found>;
  return typeof place === 'string' && place in typeOf && typeof item === 'object' && item !== null && typeof item.id === 'string' && typeof item.name === 'string' && typeof item.detail === 'string';
}
