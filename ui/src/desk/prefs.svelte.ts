/** Choice of look. */
export type Theme = 'system' | 'light' | 'dark';

/** What the window remembers by itself: nothing here is secret or names anybody. */
interface Stored {
  theme: Theme;
  singleKeys: boolean;
  /** Warn who talks while muted. */
  warnMuted: boolean;
  remember: boolean;
  teamId: string;
  loginOption: string;
}

const storageKey = 'deskline.window';
const defaults: Stored = { theme: 'system', singleKeys: true, warnMuted: true, remember: true, teamId: '', loginOption: '' };

/** The window's own settings, written at once. */
export class Prefs {
  #stored = $state.raw<Stored>(read());

  get theme(): Theme {
    return this.#stored.theme;
  }
  get singleKeys(): boolean {
    return this.#stored.singleKeys;
  }
  get warnMuted(): boolean {
    return this.#stored.warnMuted;
  }
  get remember(): boolean {
    return this.#stored.remember;
  }
  get teamId(): string {
    return this.#stored.teamId;
  }
  get loginOption(): string {
    return this.#stored.loginOption;
  }

  set(change: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...change };
    try {
      localStorage.setItem(storageKey, JSON.stringify(this.#stored));
    } catch {
      // Then it is as new at the next start.
    }
  }
}

function read(): Stored {
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '{}');
    if (typeof parsed !== 'object' || parsed === null) return defaults;
    const found = Object.entries(parsed).filter(([key, value]) => key in defaults && typeof value === typeof defaults[key as keyof Stored]);
    const stored = { ...defaults, ...Object.fromEntries(found) } as Stored;
    return ['system', 'light', 'dark'].includes(stored.theme) ? stored : { ...stored, theme: 'system' };
  } catch {
    return defaults;
  }
}

/** Follows the system's theme unless one is chosen; returns how to stop. */
export function applyTheme(theme: Theme): () => void {
  const media = window.matchMedia('(prefers-color-scheme: dark)');
  const set = () => {
    const isDark = theme === 'dark' || (theme === 'system' && media.matches);
    document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
  };
  set();
  media.addEventListener('change', set);
  return () => media.removeEventListener('change', set);
}
