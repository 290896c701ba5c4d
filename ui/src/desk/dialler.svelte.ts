import type { Backend, NumberProblem } from '../backend';
import type { DirectoryItem } from '../backend/generated/DirectoryItem';
import { numberIn, shown } from './dial';

/** How long typing has to rest before the centre is asked, in ms. */
const restMs = 200;

/** What is being dialled. It lives as long as the window, so that no event loses what was typed. */
export class Dialler {
  text = $state('');
  /** The caller number to show; null: the centre's own choice. */
  origin = $state<string | null>(null);
  callers = $state.raw<DirectoryItem[]>([]);
  book = $state.raw<DirectoryItem[]>([]);
  /** What the dial plan says of the number; null while it is not known or nothing is wrong. */
  problem = $state.raw<NumberProblem | null>(null);
  /** What was asked for last: whom, with which caller number, since when. */
  placed = $state.raw<{ number: string; name: string; origin: string | null; at: number } | null>(null);

  readonly #backend: Backend;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #asked = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The number as it is dialled; empty if the text is a name. */
  get number(): string {
    return numberIn(this.text);
  }

  /** Asks for what the screen offers: caller numbers, and the entries that fit. */
  open(): void {
    this.#backend.directory('callerNumbers', { search: '', page: 0 }).then(
      (page) => {
        this.callers = page.items.filter((item) => item.number !== null);
        // A number that is no longer offered cannot be shown to anybody.
        if (this.origin !== null && !this.callers.some((item) => item.number === this.origin)) this.origin = null;
      },
      // Without a list the centre chooses; the call says if it may not.
      () => undefined,
    );
    this.#ask();
  }

  /** Takes a new text. The centre is asked when typing rests. */
  type(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.problem = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), restMs);
  }

  /** A key of the pad. A `+` stands only in front. */
  press(digit: string): void {
    const number = this.number;
    this.type(shown((this.text.trim() === '' || number !== '' ? number : '') + digit));
  }

  /** Takes the last digit away. */
  erase(): void {
    const number = this.number;
    this.type(number === '' ? this.text.slice(0, -1) : shown(number.slice(0, -1)));
  }

  /** Nothing is dialled any more; only a call that began does this. */
  clear(): void {
    this.type('');
  }

  #ask(): void {
    const asked = ++this.#asked;
    const { text, number } = this;
    if (text.trim() === '') return;
    this.#backend.directory('addressBook', { search: number !== '' ? number : text.trim(), page: 0 }).then(
      (page) => {
        if (asked === this.#asked) this.book = page.items;
      },
      () => {
        if (asked === this.#asked) this.book = [];
      },
    );
    if (number === '') return;
    this.#backend.checkNumber(number).then(
      (problem) => {
        if (asked === this.#asked && this.number === number) this.problem = problem;
      },
      // What cannot be checked is tried: the centre has the last word.
      () => undefined,
    );
  }
}
