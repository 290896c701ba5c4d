import type { CommandErrorView } from './generated/CommandErrorView';
import type { ConsultType } from './generated/ConsultType';
import type { DirectoryKind } from './generated/DirectoryKind';
import type { DirectoryPage } from './generated/DirectoryPage';
import type { LoginOption } from './generated/LoginOption';
import type { Update } from './generated/Update';
import type { VoiceSettings } from './generated/VoiceSettings';

/** How loud both directions are, as linear amplitude (RMS) from 0 to 1. */
export interface Levels {
  input: number;
  output: number;
  /** The agent speaks, and nobody hears it because the microphone is off. */
  talkingWhileMuted?: boolean;
}

/** What the window asks once, before anybody is signed in. */
export interface StartInfo {
  version: string;
  /** The practice centre is part of this build. */
  sandboxAvailable: boolean;
  /** Where a token would be kept: the system's password store, or this process only. */
  credentialStore: 'keyring' | 'memory';
  /** Why the password store cannot be used. */
  credentialProblem?: string | null;
  /** An account is kept: `signIn({})` needs no token. */
  storedAccount: boolean;
}

/** What somebody should do about the sign-in; calls go on in any case. */
export type AccountNeed = { kind: 'signIn' } | { kind: 'setUp'; text: string } | { kind: 'endsSoon'; at: number } | { kind: 'notStored' };

/** What the person must do while a sign-in with consent waits. `expiresAt` in ms since the epoch. */
export type SignInStep = { kind: 'opened'; url: string } | { kind: 'code'; userCode: string; verificationUri: string; expiresAt: number } | { kind: 'finishing' };

/** The account; tokens never come here. */
export interface AccountView {
  /** The settings name an integration to sign in with. */
  canConsent: boolean;
  need: AccountNeed | null;
  /** Why the sign-in lasts for this run only, if it does. */
  keyring: string | null;
  /** What was asked for and not granted, and what that costs. */
  missing: { scope: string; cost: string }[];
  step: SignInStep | null;
  /** Why another device may be the better way to sign in. */
  offersDevice: 'noAnswer' | 'noPort' | 'noBrowser' | null;
}

/** In this computer's browser, or with another device. */
export type SignInWay = 'browser' | 'device';

/** How the trial of a device goes; `level` is a linear amplitude (RMS) from 0 to 1. */
export interface Heard {
  phase: 'recording' | 'playing';
  level: number;
  /** Until the phase ends. */
  leftMs: number;
}

/** Kinds of sound device. */
export type DeviceKind = 'microphone' | 'speaker' | 'ringer';

/** A state to ask for, under the names of the wire. */
export interface WantedState {
  state: 'Available' | 'Idle';
  auxCodeId: string;
  reason: string;
}

/** Whom a contact can be given to without asking them. */
export type TransferType = Exclude<ConsultType, 'entryPoint'>;

/** Why the dial plan would not take a number. */
export type NumberProblem = 'tooShort' | 'notAllowed' | 'invalid';

/** Ends a subscription; nothing is delivered afterwards. */
export type Unsubscribe = () => void;

/**
 * Everything the window can ask for. Every promise resolves once the contact centre has confirmed
 * (mute: once the sound has), and rejects with a `CommandErrorView`.
 */
export interface Backend {
  /** Milliseconds since the epoch; every running clock uses it. */
  now(): number;
  /** Opens the one stream of updates: a whole snapshot first, then every change, in order. */
  subscribe(listener: (update: Update) => void): Promise<Unsubscribe>;
  /** About ten pairs a second while a microphone is open. */
  levels(listener: (levels: Levels) => void): Promise<Unsubscribe>;
  startInfo(): Promise<StartInfo>;
  /** Tells the shell that the first screen is painted. */
  windowReady(): Promise<void>;
  copyText(text: string): Promise<void>;

  /** The account: at once, and after every change. */
  account(listener: (account: AccountView) => void): Promise<Unsubscribe>;
  signIn(token?: string): Promise<void>;
  /** Resolves when the person is done; what they must do comes with the account. */
  signInWithConsent(way: SignInWay): Promise<void>;
  cancelSignIn(): Promise<void>;
  signOut(): Promise<void>;
  startSandbox(): Promise<void>;
  stationLogin(station: { teamId: string; loginOption: LoginOption; dialNumber?: string }): Promise<void>;
  stationLogout(): Promise<void>;
  setState(wanted: WantedState): Promise<void>;
  /** The state after the work in hand; null takes it back. */
  queueState(wanted: WantedState | null): Promise<void>;
  /** Sign out after the work in hand, or not after all. */
  queueSignOut(wanted: boolean): Promise<void>;
  tryNow(): Promise<void>;
  /** Signs in here again after another computer took the session over. */
  takeOver(): Promise<void>;
  chooseDevice(kind: DeviceKind, name: string | null): Promise<void>;
  silenceRing(): Promise<void>;
  /** How the voice is treated at one microphone, kept for it. */
  setVoiceSettings(device: string, settings: VoiceSettings): Promise<void>;
  /** Records five seconds and plays them, or plays a tone; resolves when that is over. */
  tryDevice(kind: DeviceKind, listener: (heard: Heard) => void): Promise<void>;
  stopTrial(): Promise<void>;
  /** While true, the agent hears the other side without noise removal. */
  hearOriginal(on: boolean): Promise<void>;

  accept(taskId: string): Promise<void>;
  decline(taskId: string): Promise<void>;
  toggleMute(taskId: string): Promise<void>;
  hold(taskId: string): Promise<void>;
  resume(taskId: string): Promise<void>;
  pauseRecording(taskId: string): Promise<void>;
  resumeRecording(taskId: string): Promise<void>;
  end(taskId: string): Promise<void>;
  wrapup(taskId: string, auxCodeId: string, reason: string): Promise<void>;
  cancelAutoWrapup(taskId: string): Promise<void>;
  sendDigits(taskId: string, digits: string): Promise<void>;

  /** One page of a directory; pages count from 0. */
  directory(kind: DirectoryKind, query: { search: string; page: number }): Promise<DirectoryPage>;
  consult(taskId: string, to: string, destinationType: ConsultType): Promise<void>;
  endConsult(taskId: string): Promise<void>;
  /** Talks to the other one of the two legs of a consult. */
  switchCall(taskId: string): Promise<void>;
  consultTransfer(taskId: string): Promise<void>;
  transfer(taskId: string, to: string, destinationType: TransferType): Promise<void>;
  consultConference(taskId: string): Promise<void>;
  exitConference(taskId: string): Promise<void>;
  transferConference(taskId: string): Promise<void>;
  startOutdial(destination: string, origin: string | null): Promise<void>;
  acceptPreview(taskId: string): Promise<void>;
  /** Null: the dial plan would take this number. */
  checkNumber(number: string): Promise<NumberProblem | null>;
  /** Opens a digital contact's own page in the system's browser. */
  openTask(taskId: string): Promise<void>;
}

/** Makes a `CommandErrorView` of whatever a call was rejected with. */
export function commandError(thrown: unknown): CommandErrorView {
  if (typeof thrown === 'object' && thrown !== null && 'kind' in thrown && typeof thrown.kind === 'string') {
    const given = thrown as Partial<CommandErrorView>;
    return {
      kind: thrown.kind,
      code: given.code ?? '',
      message: given.message ?? '',
      trackingId: given.trackingId ?? '',
      reason: given.reason ?? null,
      fieldName: given.fieldName ?? null,
      status: given.status ?? null,
    };
  }
  // A broken bridge rejects with a text or an Error; the agent still has to learn of it.
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: 'invalid', code: 'Deskline.Window', message, trackingId: '', reason: null, fieldName: null, status: null };
}

/** The app's backend inside its own window, recorded stories in a plain browser. */
export async function connect(): Promise<Backend> {
  if (window.__TAURI_INTERNALS__ !== undefined) {
    const { tauri } = await import('./tauri');
    return tauri();
  }
  const { storyFromUrl } = await import('./story');
  return storyFromUrl(new URL(window.location.href));
}
