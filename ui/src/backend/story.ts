import { pseudo, speak, t } from '../messages';
import { type Gesture, type Story, stories } from '../stories';
import { noon } from '../stories/cast';
import type { AccountView, Backend, StartInfo } from './index';

const start: StartInfo = { version: '0.1.0', sandboxAvailable: true, credentialStore: 'keyring', credentialProblem: null, storedAccount: false };

const account: AccountView = { canConsent: false, need: null, keyring: null, missing: [], step: null, offersDevice: null };

/**
 * Plays a recorded story in a plain browser: `?story=03-ringing`, `&theme=dark`, `&dir=rtl`,
 * `&text=200` (per cent), `&lang=long` stretches every text, `&live=1` lets the clocks run. The window is the same as in the app.
 */
export function storyFromUrl(url: URL): Backend {
  const name = url.searchParams.get('story') ?? '01-sign-in';
  const story = stories[name] ?? stories['01-sign-in'];
  if (story === undefined) throw new Error('no stories');
  const theme = url.searchParams.get('theme');
  // Stories look alike on every computer: nothing that was chosen here before counts.
  localStorage.clear();
  sessionStorage.clear();
  localStorage.setItem('deskline.window', JSON.stringify({ theme: theme === 'dark' ? 'dark' : 'light' }));
  if (story.codes !== undefined) localStorage.setItem('deskline.codes', JSON.stringify(story.codes));
  const starred = (story.favourites ?? []).flatMap(({ place, id }) => (story.directories?.[place] ?? []).filter((item) => item.id === id).map((item) => ({ place, item })));
  if (starred.length > 0) localStorage.setItem('deskline.favourites', JSON.stringify(starred));
  document.documentElement.dir = url.searchParams.get('dir') ?? 'ltr';
  if (url.searchParams.get('lang') === 'long') speak(pseudo(t));
  const text = Number(url.searchParams.get('text') ?? '100');
  if (text > 0) document.documentElement.style.fontSize = `${text}%`;
  setTimeout(() => void perform(story.gestures ?? []), 100);
  return play(story, url.searchParams.has('live'));
}

/** A backend that tells a story at once and then stands still. */
export function play(story: Story, isLive = false): Backend {
  let clock = story.told[0]?.at ?? noon;
  const toldAt = Date.now();
  const ask = (command: string, isSettled = false) => async () => {
    const refusal = story.refuse?.[command];
    if (refusal !== undefined) throw refusal;
    if (!isSettled) await new Promise<never>(() => undefined);
  };
  return {
    now: () => (isLive && clock === noon ? noon + Date.now() - toldAt : clock),
    subscribe: async (listener) => {
      story.told.forEach(({ at, change }, rev) => {
        clock = Math.min(at, noon);
        listener({ rev, change });
      });
      clock = noon;
      return () => undefined;
    },
    levels: async (listener) => {
      if (story.levels !== undefined) listener(story.levels);
      return () => undefined;
    },
    startInfo: async () => ({ ...start, ...story.start }),
    windowReady: async () => undefined,
    copyText: async () => undefined,
    account: async (listener) => {
      listener({ ...account, ...story.account });
      return () => undefined;
    },
    signIn: ask('signIn'),
    signInWithConsent: ask('signInWithConsent'),
    cancelSignIn: ask('cancelSignIn', true),
    signOut: ask('signOut'),
    startSandbox: ask('startSandbox'),
    stationLogin: ask('stationLogin'),
    stationLogout: ask('stationLogout'),
    setState: ask('setState'),
    queueState: ask('queueState'),
    queueSignOut: ask('queueSignOut'),
    tryNow: ask('tryNow'),
    takeOver: ask('takeOver'),
    chooseDevice: ask('chooseDevice'),
    silenceRing: ask('silenceRing', true),
    setVoiceSettings: ask('setVoiceSettings', true),
    tryDevice: async (kind, listener) => {
      listener({ phase: kind === 'microphone' ? 'recording' : 'playing', level: 0.03, leftMs: 3_400 });
      await new Promise<never>(() => undefined);
    },
    stopTrial: ask('stopTrial', true),
    hearOriginal: ask('hearOriginal', true),
    accept: ask('accept'),
    decline: ask('decline'),
    toggleMute: ask('toggleMute'),
    hold: ask('hold'),
    resume: ask('resume'),
    pauseRecording: ask('pauseRecording'),
    resumeRecording: ask('resumeRecording'),
    end: ask('end'),
    wrapup: ask('wrapup'),
    cancelAutoWrapup: ask('cancelAutoWrapup'),
    sendDigits: ask('sendDigits', true),
    directory: async (kind, { search, page }) => {
      const refusal = story.refuse?.['directory'];
      if (refusal !== undefined) throw refusal;
      const all = story.directories?.[kind];
      if (all === undefined) return new Promise<never>(() => undefined);
      const items = all.filter((item) => `${item.name} ${item.detail} ${item.number ?? ''}`.toLowerCase().includes(search.toLowerCase()));
      return { items, page, totalPages: 1 };
    },
    consult: ask('consult'),
    endConsult: ask('endConsult'),
    switchCall: ask('switchCall'),
    consultTransfer: ask('consultTransfer'),
    transfer: ask('transfer'),
    consultConference: ask('consultConference'),
    exitConference: ask('exitConference'),
    transferConference: ask('transferConference'),
    startOutdial: ask('startOutdial'),
    acceptPreview: ask('acceptPreview'),
    checkNumber: async (number) => (number.replace(/\D/g, '').length < 7 ? 'tooShort' : null),
    openTask: ask('openTask'),
  };
}

/** Does what the story's hand does: by test id, as the GUI tests do. */
async function perform(gestures: Gesture[]): Promise<void> {
  for (const gesture of gestures) {
    if ('key' in gesture) {
      window.dispatchEvent(new KeyboardEvent('keydown', { key: gesture.key, bubbles: true }));
    } else {
      const isFirst = 'press' in gesture && gesture.press.endsWith(':first');
      const id = 'press' in gesture ? gesture.press.replace(':first', '') : gesture.type;
      const found = document.querySelector<HTMLElement>(isFirst ? `[data-testid="${id}"] button` : `[data-testid="${id}"]`);
      if ('press' in gesture) {
        found?.focus();
        found?.click();
      } else if (found instanceof HTMLInputElement) {
        found.focus();
        found.value = gesture.text;
        found.dispatchEvent(new Event('input', { bubbles: true }));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
