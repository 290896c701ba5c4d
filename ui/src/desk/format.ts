import type { Customer } from '../backend/generated/Customer';

const nbsp = '\u00a0';

/** `0:07`, `3:53`, `1:02:33`: whole seconds, no leading zero on minutes. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Whole seconds left, never below zero: 14.2 s are still 15. */
export function secondsLeft(endsAt: number, now: number): number {
  return Math.max(0, Math.ceil((endsAt - now) / 1_000));
}

/** `14 s`. */
export function countdown(seconds: number): string {
  return `${seconds}${nbsp}s`;
}

/** `3:17 h` from one hour, else `18 min`. */
export function sum(seconds: number): string {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes < 60) return `${minutes}${nbsp}min`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}${nbsp}h`;
}

/** Time of day in the reader's locale, without seconds unless asked. */
export function timeOfDay(at: number, withSeconds = false, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit', ...(withSeconds ? { second: '2-digit' } : {}) }).format(at);
}

// Country codes of one and two digits; every other one has three (ITU-T E.164).
const oneDigit = ['1', '7'];
const twoDigits = new Set(
  '20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98'.split(' '),
);

/** `+44 20 7946 0958` from E.164; anything else stays as it came. */
export function phone(number: string): string {
  const digits = /^\+(\d{7,15})$/.exec(number.trim())?.[1];
  if (digits === undefined) return number.trim();
  const length = oneDigit.includes(digits.charAt(0)) ? 1 : twoDigits.has(digits.slice(0, 2)) ? 2 : 3;
  const country = digits.slice(0, length);
  return `+${country} ${group(country, digits.slice(length))}`;
}

function group(country: string, national: string): string {
  const cut = (...lengths: number[]) => {
    const groups: string[] = [];
    let at = 0;
    for (const length of lengths) {
      groups.push(national.slice(at, at + length));
      at += length;
    }
    groups.push(national.slice(at));
    return groups.filter((each) => each !== '').join(' ');
  };
  if (country === '1' && national.length === 10) return cut(3, 3);
  if (country === '44' && national.length === 10) return national.startsWith('2') ? cut(2, 4) : cut(3, 3);
  // Cities with short areas, written with four digits next.
  if (country === '46' && national.startsWith('8')) return cut(1, national.length > 7 ? 4 : 3);
  if (country === '49' && /^(30|40|69|89)/.test(national)) return cut(2, 4);
  if (country === '39' && /^0[26]/.test(national)) return cut(2, 4);
  if (country === '33' && national.length === 9) return cut(1, 2, 2, 2);
  // Without the country's plan: an area of two or three, then groups of three and four.
  if (national.length > 9) return cut(3, 4);
  return national.length > 7 ? cut(2, 3) : cut(3);
}

/** Keeps a number left to right wherever it stands in a sentence. */
export function isolated(text: string): string {
  return text === '' ? '' : `\u2066${text}\u2069`;
}

/** Whether the text is a number to call rather than a name or an address. */
export function isPhone(text: string): boolean {
  return /^\+?[\d\s().-]{5,}$/.test(text.trim());
}

const withheld = new Set(['anonymous', 'private', 'restricted', 'unavailable', 'withheld', 'unknown']);

/** Who is on the other side, as far as the centre says. */
export interface Person {
  /** `name`: a name was sent. `number`: only a number or address. `withheld`, `none`: not even that. */
  kind: 'name' | 'number' | 'withheld' | 'none';
  /** What to show large; empty for `withheld` and `none`. */
  title: string;
  /** Number or address beside the name; empty if it would repeat the title. */
  number: string;
  /** How to speak of them in a sentence; empty when no name was sent. */
  short: string;
}

/** Reads the customer without making anything up: some centres send the number as the name. */
export function person(customer: Customer): Person {
  const name = customer.name.trim();
  const raw = customer.number.trim();
  const number = withheld.has(raw.toLowerCase()) ? '' : phone(raw);
  if (name !== '' && name !== raw && !isPhone(name)) return { kind: 'name', title: name, number, short: firstName(name) };
  const shown = number !== '' ? number : phone(name);
  if (shown !== '') return { kind: 'number', title: shown, number: '', short: '' };
  return { kind: raw === '' ? 'none' : 'withheld', title: '', number: '', short: '' };
}

/** What somebody is called in a sentence, out of a whole name. */
export function firstName(name: string): string {
  const first = name.split(/\s+/)[0] ?? name;
  // "Dr.", "K." and "Okafor," are not what somebody is called.
  return /^\p{L}[\p{L}'’-]+$/u.test(first) ? first : name;
}

/** Lit steps out of `steps` for a linear amplitude: 50 dB of range, so that a quiet voice shows. */
export function steps(amplitude: number, count: number): number {
  if (!(amplitude > 0)) return 0;
  const db = 20 * Math.log10(Math.min(1, amplitude));
  return Math.max(0, Math.min(count, Math.round(((db + 50) / 44) * count)));
}

/** Folds case and accents away, for searching. */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();
}
