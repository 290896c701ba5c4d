import type { DirectoryItem } from '../backend/generated/DirectoryItem';
import type { DirectoryKind } from '../backend/generated/DirectoryKind';
import type { CommandErrorView } from '../backend/generated/CommandErrorView';
import type { Change } from '../backend/generated/Change';
import type { StationView } from '../backend/generated/StationView';
import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import type { AccountView, Levels, StartInfo } from '../backend';
import type { Place } from '../desk/directory.svelte';
import { consultStories } from './consult';
import { qualityStories } from './quality';
import { taskStories } from './tasks';
import { ago, agent, available, connected, desk, goodLine, held, noon, nothing, offered, station, wrapUp } from './cast';

/** What a hand does once the story is told. */
export type Gesture = { press: string } | { type: string; text: string } | { key: string };

/** A recorded desk: what the window is told and when, and what it looks like afterwards. */
export interface Story {
  /** In order; the first is a snapshot. `at` in ms since the epoch. */
  told: { at: number; change: Change }[];
  start?: Partial<StartInfo>;
  account?: Partial<AccountView>;
  levels?: Levels;
  gestures?: Gesture[];
  /** How often wrap-up codes were used here before. */
  codes?: Record<string, number>;
  /** What the directories hold; those that are missing never answer. */
  directories?: Partial<Record<DirectoryKind, DirectoryItem[]>>;
  /** Favourites of the directory. */
  favourites?: { place: Place; id: string }[];
  /** Commands that fail. All others neither fail nor come back. */
  refuse?: Record<string, CommandErrorView>;
}

const snapshot = (at: number, change: Partial<Snapshot> = {}) => ({ at, change: { kind: 'snapshot' as const, snapshot: { ...desk, ...change } } });
const task = (at: number, change: Partial<TaskView>, of: TaskView = connected) => ({ at, change: { kind: 'task' as const, task: { ...of, ...change } } });
const quality = (taskId = 'daniel') => ({ at: noon, change: { kind: 'quality' as const, taskId, sample: goodLine } });
const removed = (at: number, taskId: string) => ({ at, change: { kind: 'removed' as const, taskId } });
const state = (at: number, change: Partial<Snapshot>) => ({ at, change: { kind: 'desk' as const, desk: { ...desk, ...change } } });
const tracked = (kind: string, reason: string | null = null, fieldName: string | null = null): CommandErrorView => ({
  kind, code: 'Service.aqm.task', message: '', trackingId: '3c1f8e42-77aa-4d0e-9b1f-0e7f2c6a5d11', reason, fieldName, status: kind === 'refused' ? 409 : null,
});

/** A call that began `total` seconds ago, was held from 2:12 to 2:53 and whose recording rested for 21 s. */
function call(total: number): Story['told'] {
  const began = ago(total);
  const at = (seconds: number) => began + seconds * 1_000;
  const startedAt = began;
  return [
    snapshot(at(-12)),
    task(at(-6), { offerEndsAt: at(14), offerLastsMs: 20_000 }, offered),
    task(at(0), { startedAt }),
    task(at(132), { startedAt, holdSince: at(132) }, held),
    task(at(173), { startedAt }),
    task(at(185), { startedAt, recording: 'paused' }),
    task(at(206), { startedAt }),
  ];
}
const startedAt = (total: number) => ago(total);

/** A morning's work: five calls that are over and one that was missed. */
function morning(): Story['told'] {
  const told: Story['told'] = [snapshot(ago(13_200), { state: { ...available, since: ago(13_200) } })];
  const past: [string, string, string, string, number, number, TaskView['direction']][] = [
    ['1', 'Northbank branch, Leeds', '+441134960188', '', 6_900, 67, 'outbound'],
    ['2', '', '+46855500177', 'Cards', 5_600, 235, 'inbound'],
    ['3', 'Ines Carvalho', '+351210012345', 'Billing', 4_480, 580, 'inbound'],
    ['5', 'Tom Brandt', '+49305550142', '', 2_500, 138, 'outbound'],
    ['6', 'Sofia Marchetti', '+390655500134', 'Billing Priority', 1_460, 362, 'inbound'],
  ];
  for (const [id, name, number, queue, from, lasted, direction] of past) {
    const base: Partial<TaskView> = { taskId: id, customer: { name, number }, queue, direction, variables: connected.variables.slice(0, 4) };
    const began = ago(from);
    told.push(task(began - 8_000, { ...base, offerEndsAt: began + 12_000, offerLastsMs: 20_000 }, offered));
    told.push(task(began, { ...base, startedAt: began }));
    if (lasted > 200) {
      told.push(task(began + lasted * 300, { ...base, startedAt: began, holdSince: began + lasted * 300 }, held));
      told.push(task(began + lasted * 500, { ...base, startedAt: began }));
    }
    told.push(task(began + lasted * 1_000, { ...base, startedAt: began, wrapUpSince: began + lasted * 1_000, recording: 'off' }, wrapUp));
    told.push(removed(began + (lasted + 38) * 1_000, id));
    if (id === '3') {
      told.push(...missed('4', ago(3_300), '', '+441614960121', 'Cards'), state(ago(3_270), { state: { ...available, since: ago(3_270) } }));
      told.push(state(ago(3_100), { state: { ...available, state: 'Idle', auxCodeId: '101', name: 'Break', since: ago(3_100) } }));
      told.push(state(ago(2_600), { state: { ...available, since: ago(2_600) } }));
    }
  }
  told.push(state(ago(761), { state: { ...available, since: ago(761) } }));
  return told;
}

function missed(taskId: string, at: number, name: string, number: string, queue: string): Story['told'] {
  const offer: TaskView = { ...offered, taskId, customer: { name, number }, queue, offerEndsAt: at, offerLastsMs: 20_000 };
  return [
    task(at - 20_000, {}, offer),
    state(at, { state: { ...available, state: 'Idle', auxCodeId: '199', name: 'RONA', since: at } }),
    { at, change: { kind: 'event', name: 'task:rejected', task: { ...offer, can: nothing }, reason: 'RONA_TIMER_EXPIRED' } },
    removed(at, taskId),
  ];
}

const lena: TaskView = {
  ...connected, taskId: 'lena', mediaType: 'chat', recording: 'off', customer: { name: 'Lena Fischer', number: 'lena.fischer@mail.example' }, queue: 'Cards', startedAt: ago(48),
  variables: [{ name: 'Account', value: '3308 1172', isSensitive: false }, { name: 'Reason', value: 'Card not received', isSensitive: false }, { name: 'Card', value: '5120334109', isSensitive: true }],
  openUrl: true,
  can: { ...nothing, end: true, transfer: true, hold: true },
};
const ringing = (left: number): Story['told'] => [snapshot(ago(40)), task(ago(20 - left), { offerEndsAt: noon + left * 1_000 - 400, offerLastsMs: 20_000 }, offered)];
const over = (closes: boolean): Story['told'] => [
  ...call(584),
  task(ago(36), { startedAt: startedAt(584), wrapUpSince: ago(36), recording: 'off', can: { ...nothing, wrapup: true, cancelAutoWrapupTimer: true }, ...(closes ? { autoWrapup: { endsAt: noon + 24_000, cancellable: true } } : {}) }, wrapUp),
];
const signedOut: Partial<Snapshot> = { agent: null, station: null, state: null, connection: { routing: 'off', calling: 'off', media: 'off' } };
const atStation: Partial<Snapshot> = { station: null, state: null };
const onPhone: StationView = { ...station, option: 'EXTENSION', dialNumber: '4410' };
const voice: Levels = { input: 0.022, output: 0.1 };
const gone = { ...desk.devices, microphone: null, missingMicrophone: 'Jabra Evolve2 65', microphones: ['Built-in microphone', 'USB headset'] };

/** Every screen state by name; the numbers are those of the design reference. */
export const stories: Record<string, Story> = {
  '01-sign-in': { told: [snapshot(noon, signedOut)] },
  '01-sign-in-memory': { told: [snapshot(noon, signedOut)], start: { credentialStore: 'memory', credentialProblem: 'No Secret Service on the session bus.' } },
  '01-sign-in-failed': { told: [snapshot(noon, signedOut)], refuse: { signIn: tracked('refused') }, gestures: [{ type: 'sign-in-token', text: 'abc' }, { press: 'sign-in-submit' }] },
  '01-consent': { told: [snapshot(noon, signedOut)], account: { canConsent: true } },
  '01-consent-opened': { told: [snapshot(noon, signedOut)], account: { canConsent: true, step: { kind: 'opened', url: 'https://webexapis.com/v1/authorize?response_type=code' } } },
  '01-consent-offered': { told: [snapshot(noon, signedOut)], account: { canConsent: true, step: { kind: 'opened', url: 'https://webexapis.com/v1/authorize?response_type=code' }, offersDevice: 'noAnswer' } },
  '01-consent-code': { told: [snapshot(noon, signedOut)], account: { canConsent: true, step: { kind: 'code', userCode: '204816', verificationUri: 'https://login.webex.com/verify', expiresAt: noon + 272_000 } } },
  '01-consent-denied': {
    told: [snapshot(noon, signedOut)],
    account: { canConsent: true },
    refuse: { signInWithConsent: { ...tracked('refused'), code: 'Deskline.Denied', message: 'You did not allow access. Sign in again and choose Allow.', trackingId: '' } },
    gestures: [{ press: 'consent' }],
  },
  '01-station-no-voice': { told: [snapshot(noon, atStation)], levels: { input: 0.03, output: 0 }, account: { canConsent: true, missing: [{ scope: 'spark:webrtc_calling', cost: 'no voice in this app; use a phone or an extension' }] } },
  '10-taken': { told: [snapshot(noon, { connection: { routing: 'off', calling: 'off', media: 'off' } })] },
  '10-sign-in-again': { told: [...call(391), quality()], levels: voice, account: { canConsent: true, need: { kind: 'signIn' } } },
  '10-sign-in-again-opened': { told: [...call(391), quality()], levels: voice, account: { canConsent: true, need: { kind: 'signIn' }, step: { kind: 'opened', url: 'https://webexapis.com/v1/authorize?response_type=code' } } },
  '01-station': { told: [snapshot(noon, atStation)], levels: { input: 0.03, output: 0 } },
  '01-station-extension': { told: [snapshot(noon, atStation)], refuse: { stationLogin: tracked('refused', 'DUPLICATE_LOCATION', 'EXTENSION') }, gestures: [{ press: 'login-option-EXTENSION' }, { type: 'dial-number', text: '4410' }, { press: 'station-login' }] },
  '01-station-number': { told: [snapshot(noon, atStation)], refuse: { stationLogin: tracked('refused', 'INVALID_DIAL_NUMBER', 'AGENT_DN') }, gestures: [{ press: 'login-option-AGENT_DN' }, { type: 'dial-number', text: '12' }, { press: 'station-login' }] },
  '02-available': { told: morning() },
  '02-available-fresh': { told: [snapshot(noon)] },
  '02-available-details': { told: morning(), gestures: [{ press: 'last-calls:first' }] },
  '02b-idle-lunch': { told: [snapshot(ago(1_104), { state: { ...available, state: 'Idle', auxCodeId: '102', name: 'Lunch', since: ago(1_104) } })] },
  '03-ringing': { told: ringing(14), levels: voice },
  '03b-ringing-last-seconds': { told: ringing(4) },
  '03-ringing-unknown': { told: [snapshot(ago(40)), task(ago(6), { customer: { name: '', number: 'anonymous' }, queue: '', variables: [], offerEndsAt: noon + 13_600, offerLastsMs: 20_000 }, offered)] },
  '03-ringing-accepting': { told: ringing(14), gestures: [{ press: 'accept' }] },
  '04-active': { told: [...call(233), quality()], levels: voice },
  '04b-active-muted-paused': {
    told: [...call(233).slice(0, 5), task(ago(21), { startedAt: startedAt(233), recording: 'paused', muted: true }), quality()],
    levels: voice,
  },
  '04-active-phone': { told: [...call(233).map((each) => (each.change.kind === 'snapshot' ? { ...each, change: { ...each.change, snapshot: { ...each.change.snapshot, station: onPhone } } } : each)), state(noon, { station: onPhone, agent: { ...agent, endCallEnabled: false } })] },
  '04-active-first-second': { told: [...call(233).slice(0, 2), task(ago(1), { startedAt: ago(1), variables: [] })] },
  '04c-keypad': { told: [...call(233), quality()], gestures: [{ press: 'keypad' }, ...[...'447188'].map((key) => ({ key }))], levels: voice },
  '04-active-details': { told: [...call(233), quality()], gestures: [{ press: 'details-button' }] },
  '05-on-hold': { told: [...call(391), task(ago(84), { startedAt: startedAt(391), holdSince: ago(84) }, held), quality()], levels: voice },
  '08-wrap-up': { told: over(true), codes: { 'code-4': 9, 'code-5': 7, 'code-6': 3 }, gestures: [{ type: 'wrap-up-search', text: 'ref' }] },
  '08-wrap-up-open': { told: over(false) },
  '09-second-rings': { told: [...call(233), task(ago(4), { taskId: 'sofia', customer: { name: 'Sofia Marchetti', number: '+390655500134' }, offerEndsAt: noon + 15_600, offerLastsMs: 20_000 }, offered), quality()], levels: voice },
  '10-connection-lost': {
    told: [...call(271), { at: ago(7), change: { kind: 'desk', desk: { ...desk, lostSince: ago(7), connection: { routing: 'restoring', calling: 'up', media: 'up' } } } }, quality()],
    levels: voice,
  },
  '10-connection-lost-idle': { told: [...morning(), { at: ago(7), change: { kind: 'desk', desk: { ...desk, lostSince: ago(7), connection: { routing: 'restoring', calling: 'up', media: 'off' } } } }] },
  '10-connection-lost-again': {
    told: [...call(271), ...(['lost', 'restoring', 'lost', 'restoring'] as const).map((routing, at) => ({ at: ago(7 - at), change: { kind: 'desk' as const, desk: { ...desk, lostSince: ago(7), connection: { routing, calling: 'up' as const, media: 'up' as const } } } })), quality()],
    levels: voice,
  },
  '10-sound-lost': { told: [...call(271), state(ago(2), { connection: { routing: 'up', calling: 'up', media: 'restoring' } }), quality()], levels: voice },
  '10-line-failed-in-call': { told: [...call(271), state(ago(2), { connection: { routing: 'up', calling: 'failed', media: 'up' } }), quality()], levels: voice },
  '10-call-broke': {
    told: [...call(391), state(ago(40), { connection: { routing: 'up', calling: 'up', media: 'failed' } }), task(ago(9), { startedAt: startedAt(400), wrapUpSince: ago(9), recording: 'off', can: { ...nothing, wrapup: true } }, wrapUp), state(ago(8), {}), removed(ago(1), 'daniel')],
  },
  '01-sign-in-set-up': { told: [snapshot(noon, signedOut)], account: { canConsent: true, need: { kind: 'setUp', text: 'The integration of your organisation was changed. Tracking ID T-9.' } } },
  '10b-back-online': {
    told: [...call(233), { at: ago(20), change: { kind: 'desk', desk: { ...desk, lostSince: ago(20) } } }, { at: ago(1), change: { kind: 'desk', desk } }, quality()],
    levels: voice,
  },
  '11-settings': { told: morning(), levels: voice, gestures: [{ press: 'nav-settings' }] },
  '11b-shortcuts': { told: morning(), gestures: [{ press: 'nav-settings' }, { press: 'settings-shortcuts' }] },
  '12-mic-missing': { told: [snapshot(noon, { devices: gone, state: { ...available, state: 'Idle', auxCodeId: '107', name: 'No microphone', since: ago(42) } })] },
  '12-mic-missing-in-call': { told: [...call(233), { at: ago(1), change: { kind: 'desk', desk: { ...desk, devices: gone } } }, quality()] },
  '12b-hold-failed': { told: [...call(233), quality()], refuse: { hold: tracked('refused', 'The media server is busy') }, gestures: [{ press: 'hold' }], levels: voice },
  '12c-missed-call': { told: [...morning(), ...missed('daniel', ago(18), 'Daniel Okafor', '+442079460958', 'Billing Priority')] },
  '14-state-menu': { told: morning(), gestures: [{ press: 'state-button' }] },
  ...taskStories(morning, call, lena, (reason) => tracked('refused', reason)),
  ...qualityStories(call, voice),
  ...consultStories(call, (reason) => tracked('refused', reason)),
  '14b-state-menu-on-call': { told: [...call(233), quality()], gestures: [{ press: 'state-button' }], levels: voice },
};
