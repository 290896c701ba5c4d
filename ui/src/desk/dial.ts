import type { DirectoryItem } from '../backend/generated/DirectoryItem';
import type { TaskView } from '../backend/generated/TaskView';
import type { PastCall } from './day';
import { fold, isPhone, person, phone } from './format';

/** What a dial key or a paste brings, as it is dialled: `tel:`, brackets, spaces and a trunk `(0)` go. Empty if it is no number. */
export function numberIn(text: string): string {
  const bare = text.trim().replace(/^tel:/i, '');
  if (!/^[+\d\s()./*#-]*$/.test(bare)) return '';
  const digits = (/^\+/.test(bare) ? bare.replace(/\(0\)/, '') : bare).replace(/[^\d+*#]/g, '');
  return digits.charAt(0) + digits.slice(1).replaceAll('+', '');
}

/** How a typed text is shown when typing rests: a number in groups, anything else as it is. */
export function shown(text: string): string {
  const number = numberIn(text);
  return number === '' ? text.trim() : phone(number);
}

// Calling codes (ITU-T E.164) of one country each; shared ones (+1, +7, +44 with its islands) name the zone's largest only where it is usual.
const countries: Record<string, string> = {
  20: 'EG', 27: 'ZA', 30: 'GR', 31: 'NL', 32: 'BE', 33: 'FR', 34: 'ES', 36: 'HU', 39: 'IT', 40: 'RO', 41: 'CH', 43: 'AT', 44: 'GB', 45: 'DK', 46: 'SE', 47: 'NO', 48: 'PL', 49: 'DE',
  52: 'MX', 54: 'AR', 55: 'BR', 61: 'AU', 64: 'NZ', 65: 'SG', 81: 'JP', 82: 'KR', 86: 'CN', 90: 'TR', 91: 'IN', 351: 'PT', 352: 'LU', 353: 'IE', 358: 'FI', 420: 'CZ', 421: 'SK', 971: 'AE', 972: 'IL',
};

/** Name of the country a number belongs to, in the reader's language; empty if it is not sure. */
export function countryOf(number: string, locale = 'en'): string {
  const digits = /^\+(\d+)/.exec(number)?.[1] ?? '';
  const region = countries[digits.slice(0, 3)] ?? countries[digits.slice(0, 2)];
  return region === undefined ? '' : (new Intl.DisplayNames([locale], { type: 'region' }).of(region) ?? '');
}

/** Somebody who can be called. */
export interface Callee {
  name: string;
  /** As it is dialled. */
  number: string;
  /** When there was a contact with this number today; null if there was none. */
  at: number | null;
}

/** How many suggestions are drawn. */
const most = 6;

/** Whom the typed text could mean: contacts of the day first, then the address book. Nothing typed: the day. */
export function looksLike(text: string, calls: PastCall[], book: DirectoryItem[]): Callee[] {
  const found = new Map<string, Callee>();
  for (const call of calls) {
    const raw = numberIn(call.task.customer.number);
    if (call.task.mediaType !== 'telephony' || raw === '' || found.has(raw)) continue;
    const who = person(call.task.customer);
    found.set(raw, { name: who.kind === 'name' ? who.title : '', number: raw, at: call.endedAt });
  }
  for (const item of text.trim() === '' ? [] : book) {
    const raw = numberIn(item.number ?? '');
    if (raw === '') continue;
    const before = found.get(raw);
    const name = isPhone(item.name) ? '' : item.name;
    found.set(raw, { name: before?.name || name, number: raw, at: before?.at ?? null });
  }
  const number = numberIn(text).replace(/^\+/, '');
  const name = fold(text.trim());
  const fits = (each: Callee) => name === '' || (number !== '' ? each.number.includes(number) : fold(each.name).includes(name));
  return [...found.values()].filter(fits).slice(0, most);
}

/** Whether an offer is a call this agent makes: it is answered by itself, and shown as calling. */
export function isCalling(task: TaskView, dialled: string | null = null): boolean {
  if (task.direction !== 'outbound' || task.mediaType !== 'telephony' || task.preview) return false;
  if (task.phase !== 'offered' && task.phase !== 'reserved') return false;
  return task.autoAnswering || (dialled !== null && numberIn(task.customer.number) === dialled);
}

/** Kinds of reason for which a call could not be made. */
export type OutdialReason = 'busy' | 'noAnswer' | 'wrongNumber' | 'refused' | 'cancelled' | 'notAllowed';

/** What the centre's reason code of a failed outdial means; null if it says nothing an agent can use. */
export function outdialReason(reason: string | null): OutdialReason | null {
  const text = (reason ?? '').replace(/[_-]/g, ' ');
  if (/busy/i.test(text)) return 'busy';
  if (/no ?answer|not answer|ring.*time|time ?out/i.test(text)) return 'noAnswer';
  if (/not (allowed|permitted|authori[sz]ed)|forbidden|barred/i.test(text)) return 'notAllowed';
  if (/invalid|unallocated|not found|unknown (number|destination)|wrong/i.test(text)) return 'wrongNumber';
  if (/reject|declin|refus/i.test(text)) return 'refused';
  return /cancel/i.test(text) ? 'cancelled' : null;
}
