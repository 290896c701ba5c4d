import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Backend } from '../backend';
import type { DirectoryItem } from '../backend/generated/DirectoryItem';
import type { DirectoryPage } from '../backend/generated/DirectoryPage';
import { Directory, favouritesKept, fits, isSame, targetOf, toggleFavourite, typedNumber } from './directory.svelte';

const item = (id: string, name: string, change: Partial<DirectoryItem> = {}): DirectoryItem => ({ id, name, detail: '', number: null, presence: null, since: null, channel: null, ...change });

/** A centre that answers when it is told to. */
function centre() {
  const asked: { kind: string; search: string; page: number; answer: (page: DirectoryPage) => void; refuse: (why: unknown) => void }[] = [];
  const backend = {
    directory: (kind: string, { search, page }: { search: string; page: number }) =>
      new Promise<DirectoryPage>((answer, refuse) => asked.push({ kind, search, page, answer, refuse })),
  } as unknown as Backend;
  return { backend, asked };
}
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
});
afterEach(() => vi.useRealTimers());

describe('the search', () => {
  it('asks when typing rests, not at every letter', async () => {
    const { backend, asked } = centre();
    const directory = new Directory(backend, ['agents']);
    directory.type('p');
    directory.type('pr');
    directory.type('pri');
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(250);
    expect(asked.map((each) => each.search)).toEqual(['pri']);
  });

  it('drops an answer to an older text', async () => {
    const { backend, asked } = centre();
    const directory = new Directory(backend, ['agents']);
    directory.open();
    directory.type('noor');
    await vi.advanceTimersByTimeAsync(250);
    asked[1]?.answer({ items: [item('a5', 'Noor Haddad')], page: 0, totalPages: 1 });
    await settle();
    asked[0]?.answer({ items: [item('a1', 'Priya Raman')], page: 0, totalPages: 1 });
    await settle();
    expect(directory.items.agents.map((each) => each.id)).toEqual(['a5']);
  });

  it('adds the next page once, without doubles', async () => {
    const { backend, asked } = centre();
    const directory = new Directory(backend, ['addressBook']);
    directory.open();
    asked[0]?.answer({ items: [item('1', 'One'), item('2', 'Two')], page: 0, totalPages: 2 });
    await settle();
    expect(directory.hasMore('addressBook')).toBe(true);
    directory.more('addressBook');
    directory.more('addressBook');
    expect(asked.map((each) => each.page)).toEqual([0, 1]);
    asked[1]?.answer({ items: [item('2', 'Two'), item('3', 'Three')], page: 1, totalPages: 2 });
    await settle();
    expect(directory.items.addressBook.map((each) => each.id)).toEqual(['1', '2', '3']);
    expect(directory.hasMore('addressBook')).toBe(false);
  });

  it('tells which place failed and asks it again', async () => {
    const { backend, asked } = centre();
    const directory = new Directory(backend, ['agents', 'queues']);
    directory.open();
    asked[0]?.refuse({ kind: 'refused', code: '', message: '', trackingId: 'T', reason: null, fieldName: null, status: 500 });
    asked[1]?.answer({ items: [item('q1', 'Cards')], page: 0, totalPages: 1 });
    await settle();
    expect(directory.progress.agents).toBe('failed');
    expect(directory.progress.queues).toBe('there');
    expect(directory.errors.agents?.trackingId).toBe('T');
    directory.again('agents');
    expect(directory.progress.agents).toBe('loading');
    asked[2]?.answer({ items: [], page: 0, totalPages: 0 });
    await settle();
    expect(directory.progress.agents).toBe('there');
  });

  it('forgets what comes after it was closed', async () => {
    const { backend, asked } = centre();
    const directory = new Directory(backend, ['agents']);
    directory.open();
    directory.close();
    asked[0]?.answer({ items: [item('a1', 'Priya')], page: 0, totalPages: 1 });
    await settle();
    expect(directory.items.agents).toEqual([]);
  });
});

describe('who is found', () => {
  it('an address book entry stands for its number, all else for its id', () => {
    expect(targetOf({ place: 'addressBook', item: item('n1', 'Print centre', { number: '+442079460123' }) })).toBe('+442079460123');
    expect(targetOf({ place: 'queues', item: item('q1', 'Cards') })).toBe('q1');
  });
  it('knows a typed number from a name', () => {
    expect(typedNumber(' +49 (30) 5550-142 ')).toBe('+49305550142');
    expect(typedNumber('12')).toBe('');
    expect(typedNumber('pri')).toBe('');
  });
  it('fits by name, detail or number, whatever the accents', () => {
    expect(fits(item('a2', 'Primož Bergant'), 'primoz')).toBe(true);
    expect(fits(item('n1', 'Print centre', { number: '+442079460123' }), '7946')).toBe(true);
    expect(fits(item('a1', 'Priya'), 'noor')).toBe(false);
  });
});

describe('favourites', () => {
  const priya = { place: 'agents' as const, item: item('a1', 'Priya Raman', { presence: 'busy', since: 5 }) };
  it('are kept without their presence and taken away again', () => {
    const kept = toggleFavourite([], priya);
    expect(favouritesKept()).toEqual(kept);
    expect(kept[0]?.item.presence).toBeNull();
    expect(kept.some((each) => isSame(each, priya))).toBe(true);
    expect(toggleFavourite(kept, priya)).toEqual([]);
    expect(favouritesKept()).toEqual([]);
  });
  it('are none when the storage holds nonsense', () => {
    for (const text of ['{', '7', '[{"place":"moon","item":{}}]', '[null]']) {
      localStorage.setItem('deskline.favourites', text);
      expect(favouritesKept()).toEqual([]);
    }
  });
});
