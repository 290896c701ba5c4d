const storageKey = 'deskline.chosenCodes';

/** Wrap-up codes chosen before their wrap-up began, by task. They live through a reload of the page, not through the session. */
export class ChosenCodes {
  #codes = $state.raw<Record<string, string>>(read());

  /** The code chosen for a task; null if none was. */
  of(taskId: string): string | null {
    return this.#codes[taskId] ?? null;
  }

  /** Chooses a code, or with null none. */
  choose(taskId: string, code: string | null): void {
    const { [taskId]: _old, ...rest } = this.#codes;
    this.#write(code === null ? rest : { ...rest, [taskId]: code });
  }

  /** Forgets the tasks that are not there any more. */
  keep(taskIds: string[]): void {
    const left = Object.entries(this.#codes).filter(([taskId]) => taskIds.includes(taskId));
    if (left.length !== Object.keys(this.#codes).length) this.#write(Object.fromEntries(left));
  }

  #write(codes: Record<string, string>): void {
    this.#codes = codes;
    try {
      sessionStorage.setItem(storageKey, JSON.stringify(codes));
    } catch {
      // Then the choice lasts until the page is loaded again.
    }
  }
}

function read(): Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? '{}');
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return {};
  }
}
