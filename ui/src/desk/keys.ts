/** Everything a key can ask for. */
export type KeyAction =
  | 'accept' | 'decline' | 'mute' | 'hold' | 'recording' | 'keypad' | 'end' | 'consult' | 'transfer' | 'swap' | 'merge' | 'stateMenu' | 'search'
  | 'quality' | 'details' | 'settings' | 'shortcuts' | 'nextRegion' | 'previousRegion' | 'nextTask' | 'previousTask' | 'sayTime'
  | { task: number };

/** The parts of a key press that count. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  repeat: boolean;
}

/** Where the press happened. */
export interface Place {
  /** A text field has focus. */
  typing: boolean;
  /** Single keys work without Alt. */
  single: boolean;
}

const singles: Record<string, KeyAction> = {
  a: 'accept',
  d: 'decline',
  m: 'mute',
  h: 'hold',
  r: 'recording',
  k: 'keypad',
  c: 'consult',
  t: 'transfer',
  s: 'swap',
  g: 'merge',
  q: 'quality',
  '/': 'search',
  '?': 'shortcuts',
};

/** What a key press means, or null if it is not ours. A held key never repeats an act. */
export function meaning(press: Press, place: Place): KeyAction | null {
  if (press.repeat) return null;
  const { key } = press;
  const letter = key.toLowerCase();
  const isCommand = (press.ctrlKey || press.metaKey) && !press.altKey;
  if (key === 'F6') return press.shiftKey ? 'previousRegion' : 'nextRegion';
  if (isCommand) {
    if (key === 'Tab') return press.shiftKey ? 'previousTask' : 'nextTask';
    if (/^[1-9]$/.test(key)) return { task: Number(key) };
    if (letter === 't' && !press.shiftKey) return 'sayTime';
    if (key === '\\') return 'details';
    if (key === ',') return 'settings';
    return null;
  }
  if (press.ctrlKey || press.metaKey) return null;
  // AltGr reports Ctrl and Alt and is handled above; Alt alone stands in when single keys are off.
  if (place.single ? press.altKey || place.typing : !press.altKey) return null;
  if (press.shiftKey && letter === 'e') return 'end';
  if (press.shiftKey && letter === 's') return 'stateMenu';
  if (press.shiftKey && /^[a-z]$/.test(letter)) return null;
  return singles[letter] ?? null;
}

/** The table of shortcuts as it is shown. */
export const shortcutTable = [
  ['accept', ['A']],
  ['decline', ['D']],
  ['mute', ['M']],
  ['hold', ['H']],
  ['recording', ['R']],
  ['keypad', ['K']],
  ['consult', ['C']],
  ['transfer', ['T']],
  ['swap', ['S']],
  ['merge', ['G']],
  ['end', ['Shift', 'E']],
  ['stateMenu', ['Shift', 'S']],
  ['search', ['/']],
  ['quality', ['Q']],
  ['details', ['Ctrl', '\\']],
  ['settings', ['Ctrl', ',']],
  ['shortcuts', ['?']],
  ['nextRegion', ['F6']],
  ['nextTask', ['Ctrl', 'Tab']],
  ['task', ['Ctrl', '1–9']],
  ['sayTime', ['Ctrl', 'T']],
] as const;
