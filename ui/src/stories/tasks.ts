import type { CommandErrorView } from '../backend/generated/CommandErrorView';
import type { DirectoryItem } from '../backend/generated/DirectoryItem';
import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import { ago, available, connected, desk, goodLine, held, noon, nothing, offered, station, wrapUp } from './cast';
import type { Story } from './index';

const entry = (id: string, name: string, number: string): DirectoryItem => ({ id, name, detail: number, number, presence: null, since: null, channel: null });

/** What can be called, and with which number. */
const numbers: NonNullable<Story['directories']> = {
  addressBook: [entry('b1', 'Tom Brandt', '+49305550142'), entry('b2', 'Northbank branch, Leeds', '+441134960188'), entry('b3', 'Card courier', '+46855500110')],
  callerNumbers: [entry('c1', 'Cards', '+442079460100'), entry('c2', 'Billing', '+442079460200')],
};

/** States of dialling, of several tasks, and of what comes after them. */
export function taskStories(morning: () => Story['told'], call: (total: number) => Story['told'], lena: TaskView, refused: (reason: string) => CommandErrorView): Record<string, Story> {
  const voice = { input: 0.022, output: 0.1 };
  const quality = { at: noon, change: { kind: 'quality' as const, taskId: 'daniel', sample: goodLine } };
  const step = (at: number, change: Partial<TaskView>, of: TaskView) => ({ at, change: { kind: 'task' as const, task: { ...of, ...change } } });
  const state = (at: number, change: Partial<Snapshot>) => ({ at, change: { kind: 'desk' as const, desk: { ...desk, ...change } } });
  const backOffice = () => [...morning(), state(ago(190), { state: { ...available, state: 'Idle', auxCodeId: '106', name: 'Back-office work', since: ago(190) } })];
  const tom: TaskView = { ...offered, taskId: 'tom', direction: 'outbound', customer: { name: '', number: '+49305550142' }, queue: '', variables: [], autoAnswering: true, can: { ...nothing, end: true } };
  const dial = (text: string) => [{ press: 'nav-dial' }, { type: 'dial-input', text }];
  // The story's typing rests before it presses.
  const rest = Array.from({ length: 8 }, () => ({ key: 'Shift' }));
  const asked = [...dial('+49 30 5550 142'), ...rest, { press: 'dial-call' }];
  const waiting = (seconds: number) => step(ago(seconds), { startedAt: ago(391), holdSince: ago(seconds) }, held);
  const digital = (taskId: string, name: string, mediaType: string, from: number, change: Partial<TaskView> = {}) => step(ago(from), { taskId, mediaType, customer: { name, number: '' }, queue: 'Cards', startedAt: ago(from), ...change }, lena);
  return {
    '09-two-tasks': { told: [...call(391), waiting(130), step(ago(48), {}, lena)], gestures: [{ press: 'task-tab-lena' }] },
    '09-long-hold': { told: [...call(391), waiting(215), step(ago(48), {}, lena)], gestures: [{ press: 'task-tab-lena' }] },
    '09-digital-held': { told: [step0(), step(ago(300), { startedAt: ago(300) }, lena), step(ago(40), { startedAt: ago(300), held: true, phase: 'held', holdSince: ago(40), can: { ...lena.can, hold: false, resume: true } }, lena)] },
    '09-five-tasks': {
      told: [...call(391), waiting(130), step(ago(48), {}, lena), digital('e', 'Ines Carvalho', 'email', 900), digital('w', 'Tom Brandt', 'whatsapp', 610), digital('s', 'Amara Diallo', 'sms', 222), step(ago(4), { taskId: 'sofia', customer: { name: 'Sofia Marchetti', number: '' }, offerEndsAt: noon + 15_600, offerLastsMs: 20_000 }, offered)],
      gestures: [{ press: 'task-tab-lena' }],
    },
    '03-ringing-preview': { told: [step0(), step(ago(20), { preview: true, direction: 'outbound', queue: 'Winback autumn', offerEndsAt: noon + 38_600, offerLastsMs: 60_000, can: { ...nothing, accept: true } }, offered)] },
    '03-ringing-auto': { told: [step0(), step(ago(1), { autoAnswering: true, can: { ...nothing, accept: true } }, offered)] },
    '04-recording-resumes': { told: [...call(233).slice(0, 5), step(ago(21), { startedAt: ago(233), recording: 'paused', recordingPausedAt: ago(21), recordingResumesAt: noon + 8_700 }, connected), quality], levels: voice },
    '04-recording-long': { told: [...call(391).slice(0, 5), step(ago(150), { startedAt: ago(391), recording: 'paused', recordingPausedAt: ago(150) }, connected), quality], levels: voice },
    '08-wrap-up-chosen': { told: [...call(584), step(ago(36), { startedAt: ago(584), wrapUpSince: ago(36), recording: 'off' }, wrapUp), state(noon, { next: { name: 'Lunch', auxCodeId: '102', state: 'Idle' } })], gestures: [{ press: 'wrap-up-code-code-4' }] },
    '14b-state-next': { told: [...call(233), quality, state(ago(1), { next: { name: 'Lunch', auxCodeId: '102', state: 'Idle' } })], gestures: [{ press: 'state-button' }], levels: voice },
    '14b-sign-out-next': { told: [...call(233), quality, state(ago(1), { signOutNext: true })], levels: voice },
    '15-dial': { told: backOffice(), directories: numbers, gestures: dial('+49 30 5550 14') },
    '15-dial-empty': { told: backOffice(), directories: numbers, gestures: [{ press: 'nav-dial' }] },
    '15-dial-name': { told: backOffice(), directories: numbers, gestures: dial('card') },
    '15-dial-short': { told: backOffice(), directories: numbers, gestures: dial('+49 30') },
    '15-dial-failed': { told: backOffice(), directories: numbers, refuse: { startOutdial: refused('CUSTOMER_BUSY') }, gestures: asked },
    '15b-calling': { told: [...backOffice(), step(ago(8), {}, tom)], directories: numbers, levels: voice },
    '15b-calling-asked': { told: backOffice(), directories: numbers, gestures: asked },
    '15b-calling-phone': { told: [...backOffice(), state(ago(9), { station: { ...station, option: 'EXTENSION', dialNumber: '4410' } }), step(ago(8), {}, tom)], directories: numbers },
  };
  function step0() {
    return { at: ago(400), change: { kind: 'snapshot' as const, snapshot: desk } };
  }
}
