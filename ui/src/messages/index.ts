import { en } from './en';

/** What every language has to say; its functions may use as many plural forms as it needs. */
export type Messages = typeof en;

const languages: Record<string, Messages> = { en };

/** The best language for a list of wishes such as `navigator.languages`; English if none is there. */
export function messagesFor(wishes: readonly string[]): { language: string; messages: Messages } {
  for (const wish of wishes) {
    const language = wish.split('-')[0] ?? wish;
    const messages = languages[language];
    if (messages !== undefined) return { language, messages };
  }
  return { language: 'en', messages: en };
}

/** The words of this window. */
export let t: Messages = en;

/** Chooses the words once, before the first component is made. */
export function speak(messages: Messages): void {
  t = messages;
}

/** Stretches every text by about 40 % and marks both ends, to show what would not fit or is not translated. */
export function pseudo(messages: Messages): Messages {
  const long = (text: string) => (/[a-z]/i.test(text) ? `⟦${text.replace(/[aeiou]/gi, '$&$&')}⟧` : text);
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return long(value);
    if (typeof value === 'function') return (...args: unknown[]) => deep((value as (...args: unknown[]) => unknown)(...args));
    if (Array.isArray(value)) return value.map(deep);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, deep(each)]));
    return value;
  };
  return deep(messages) as Messages;
}
