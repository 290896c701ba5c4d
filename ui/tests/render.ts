import { render } from '@testing-library/svelte';
import { vi } from 'vitest';

import App from '../src/App.svelte';
import type { AccountView, Backend } from '../src/backend';
import type { Change } from '../src/backend/generated/Change';
import type { Snapshot } from '../src/backend/generated/Snapshot';
import type { TaskView } from '../src/backend/generated/TaskView';
import type { Update } from '../src/backend/generated/Update';
import { play } from '../src/backend/story';
import { Clock } from '../src/desk/clock.svelte';
import { Prefs } from '../src/desk/prefs.svelte';
import { stories } from '../src/stories';
import { noon } from '../src/stories/cast';

/** Lets promises and effects settle. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(20);
}

/** The window as it is when the story is told, before any hand moves. */
export async function tell(name: string) {
  const story = stories[name];
  if (story === undefined) throw new Error(`no story ${name}`);
  return open(play(story));
}

/** A window on any backend. */
export async function open(backend: Backend) {
  const result = render(App, { backend, clock: new Clock(() => backend.now()), prefs: new Prefs() });
  await settle();
  return result;
}

/** A backend under the hand of a test: it records calls and answers when told to. */
export class Hand {
  now = noon;
  calls: [string, ...unknown[]][] = [];
  subscriptions = 0;
  #account: AccountView = { canConsent: false, need: null, keyring: null, missing: [], step: null, offersDevice: null };
  #accountListener: ((account: AccountView) => void) | null = null;
  #rev = 0;
  #listener: ((update: Update) => void) | null = null;
  #waiting: { command: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  readonly backend: Backend;

  constructor(readonly first: Snapshot, start: Partial<Awaited<ReturnType<Backend['startInfo']>>> = {}) {
    const call =
      (command: string) =>
      (...args: unknown[]) =>
        new Promise<void>((resolve, reject) => {
          this.calls.push([command, ...args]);
          this.#waiting.push({ command, resolve, reject });
        });
    const names = ['signIn', 'signInWithConsent', 'cancelSignIn', 'signOut', 'startSandbox', 'stationLogin', 'stationLogout', 'setState', 'tryNow', 'takeOver', 'chooseDevice', 'silenceRing', 'setVoiceSettings', 'hearOriginal', 'tryDevice', 'stopTrial', 'accept', 'decline', 'toggleMute', 'hold', 'resume', 'pauseRecording', 'resumeRecording', 'end', 'wrapup', 'cancelAutoWrapup', 'sendDigits', 'copyText', 'windowReady', 'consult', 'endConsult', 'switchCall', 'consultTransfer', 'transfer', 'consultConference', 'exitConference', 'transferConference', 'queueState', 'queueSignOut', 'startOutdial', 'acceptPreview', 'openTask'];
    this.backend = {
      now: () => this.now,
      subscribe: async (listener: (update: Update) => void) => {
        this.subscriptions += 1;
        this.#rev = 0;
        this.#listener = listener;
        this.#listener({ rev: this.#rev, change: { kind: 'snapshot', snapshot: this.first } });
        return () => undefined;
      },
      levels: async () => () => undefined,
      account: async (listener: (account: AccountView) => void) => {
        this.#accountListener = listener;
        listener(this.#account);
        return () => undefined;
      },
      startInfo: async () => ({ version: '0.1.0', sandboxAvailable: true, credentialStore: 'keyring', storedAccount: false, ...start }),
      ...Object.fromEntries(names.map((name) => [name, call(name)])),
    } as unknown as Backend;
  }

  /** Sends a change; `skip` leaves out that many updates first. */
  async send(change: Change, skip = 0): Promise<void> {
    this.#rev += 1 + skip;
    this.#listener?.({ rev: this.#rev, change });
    await settle();
  }
  /** Changes what the shell says of the account. */
  async account(change: Partial<AccountView>): Promise<void> {
    this.#account = { ...this.#account, ...change };
    this.#accountListener?.(this.#account);
    await settle();
  }
  task(task: TaskView): Promise<void> {
    return this.send({ kind: 'task', task });
  }
  async done(command: string): Promise<void> {
    this.#take(command).resolve();
    await settle();
  }
  async fail(command: string, error: unknown): Promise<void> {
    this.#take(command).reject(error);
    await settle();
  }
  called(command: string): unknown[][] {
    return this.calls.filter(([name]) => name === command).map(([, ...args]) => args);
  }
  #take(command: string) {
    const at = this.#waiting.findIndex((each) => each.command === command);
    const [found] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (found === undefined) throw new Error(`${command} was not called`);
    return found;
  }
}
