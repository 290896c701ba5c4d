import type { CommandErrorView } from '../backend/generated/CommandErrorView';
import type { Consult } from '../backend/generated/Consult';
import type { DirectoryItem } from '../backend/generated/DirectoryItem';
import type { Participant } from '../backend/generated/Participant';
import type { TaskView } from '../backend/generated/TaskView';
import { ago, agent, connected, goodLine, held, noon, nothing } from './cast';
import type { Story } from './index';

const entry = (id: string, name: string, change: Partial<DirectoryItem> = {}): DirectoryItem => ({ id, name, detail: '', number: null, presence: null, since: null, channel: null, ...change });

/** Colleagues, queues, numbers and entry points to search in. */
export const directories: NonNullable<Story['directories']> = {
  agents: [
    entry('a1', 'Priya Raman', { detail: 'Billing Tier 2', presence: 'available' }),
    entry('a2', 'Primož Bergant', { detail: 'Cards Back Office', presence: 'busy', since: ago(250) }),
    entry('a3', 'Anna Pritchard', { detail: 'Fraud Desk', presence: 'wrapUp', since: ago(22) }),
    entry('a4', 'Karim Prince', { detail: 'Billing Tier 2', presence: 'idle', since: ago(1_080) }),
    entry('a5', 'Noor Haddad', { detail: 'Fraud Desk', presence: 'available' }),
  ],
  queues: [entry('q1', 'Billing Priority', { channel: 'TELEPHONY' }), entry('q2', 'Cards', { channel: 'TELEPHONY' })],
  addressBook: [entry('n1', 'Print centre', { number: '+442079460123' }), entry('n2', 'Northbank branch, Leeds', { number: '+441134960188' })],
  entryPoints: [entry('e1', 'Private banking', { channel: 'TELEPHONY' })],
};

const startedAt = ago(280);
const at = (seconds: number) => startedAt + seconds * 1_000;
const step = (when: number, change: Partial<TaskView>, of: TaskView): Story['told'][number] => ({ at: when, change: { kind: 'task', task: { ...of, startedAt, ...change } } });

const priya: Consult = { state: 'answered', to: 'a1', name: 'Priya Raman', onHold: false, type: 'agent', isConsulted: false, since: ago(48), canSwitch: true };
const during = { ...nothing, toggleMute: true, sendDigits: true, endConsult: true, pauseRecording: true, resumeRecording: true };
const ready = { ...during, consultTransfer: true, consultConference: true };
const waiting: TaskView = { ...held, holdSince: ago(52) };

/** A call of 4:40: held once, recording paused once, and the customer waits since 52 s. */
function before(call: Story['told']): Story['told'] {
  return [...call, step(ago(52), { holdSince: ago(52), can: { ...during, endConsult: false } }, waiting)];
}

const person = (id: string, type: string, name: string, isConsulted = false): Participant => ({ id, type, name, hasJoined: true, hasLeft: false, isConsulted });
const three = [person('+442079460958', 'Customer', 'Daniel Okafor'), person('a1', 'Agent', 'Priya Raman', true), person(agent.agentId, 'Agent', agent.agentName)];
const together = { ...nothing, toggleMute: true, sendDigits: true, exitConference: true, transferConference: true, consult: true, end: true, pauseRecording: true, resumeRecording: true };

/** Consult, swap, conference and transfer; `call` tells a call of so many seconds, `refused` an error with a tracking id. */
export function consultStories(call: (total: number) => Story['told'], refused: (reason: string) => CommandErrorView): Record<string, Story> {
  const quality: Story['told'][number] = { at: noon, change: { kind: 'quality', taskId: 'daniel', sample: goodLine } };
  const voice = { input: 0.022, output: 0.1 };
  const search = [{ press: 'consult' }, { type: 'find-query', text: 'pri' }];
  const consulting = (consult: Partial<Consult>, change: Partial<TaskView> = {}) => [
    ...before(call(280)),
    step(ago(48), { holdSince: ago(52), phase: 'consulting', consult: { ...priya, ...consult }, can: ready, ...change }, waiting),
  ];
  return {
    '06-consult-search': { told: [...call(233), quality], directories, favourites: [{ place: 'agents', id: 'a1' }, { place: 'queues', id: 'q1' }], gestures: search, levels: voice },
    '06-consult-search-loading': { told: [...call(233), quality], gestures: [{ press: 'consult' }], levels: voice },
    '06-consult-search-none': { told: [...call(233), quality], directories, gestures: [{ press: 'consult' }, { type: 'find-query', text: 'prx' }], levels: voice },
    '06-consult-search-number': { told: [...call(233), quality], directories, gestures: [{ press: 'consult' }, { type: 'find-query', text: '+49 30 5550142' }], levels: voice },
    '06-consult-search-failed': { told: [...call(233), quality], refuse: { directory: refused('') }, gestures: [{ press: 'consult' }], levels: voice },
    '06b-consulting': { told: consulting({}), levels: voice },
    '06b-consulting-asked': { told: consulting({ state: 'asked', since: ago(6), canSwitch: false }, { can: { ...during } }), levels: voice },
    '06b-consulting-swapped': { told: consulting({ onHold: true }, { held: false, can: { ...ready, consultTransfer: false } }), levels: voice },
    '06b-consulted': { told: consulting({ isConsulted: true, name: 'Tom Brandt', canSwitch: false }, { held: false, recording: 'off', can: { ...nothing, toggleMute: true, sendDigits: true, endConsult: true } }), levels: voice },
    '06b-consult-unanswered': { told: [...consulting({ state: 'asked', since: ago(20), canSwitch: false }, { can: during }), step(ago(1), { holdSince: ago(52) }, { ...waiting, can: { ...waiting.can, consult: true } })], levels: voice },
    '06b-consult-gone': { told: [...consulting({}), step(ago(1), { holdSince: ago(52) }, waiting)], levels: voice },
    '06b-merge-failed': { told: consulting({}), refuse: { consultConference: refused('') }, gestures: [{ press: 'merge' }], levels: voice },
    '07-conference-three-agents': {
      told: [
        ...consulting({ since: at(130) }),
        step(ago(90), { phase: 'conference', participants: three, conference: { agents: 2 }, can: together }, connected),
        step(ago(20), { phase: 'conference', participants: [...three, person('a3', 'Agent', 'Anna Pritchard')], conference: { agents: 3 }, can: together }, connected),
        quality,
      ],
      levels: voice,
    },
    '07-conference': {
      told: [
        ...consulting({ since: at(130) }).map((each) => each),
        step(ago(20), { phase: 'conference', participants: three, conference: { agents: 2 }, can: together }, connected),
        quality,
      ],
      levels: voice,
    },
    '12b-transfer-failed': { told: [...call(233), quality], directories, refuse: { transfer: refused('Priya is on a call') }, gestures: [...search, { press: 'do-transfer' }, { press: 'find-close' }], levels: voice },
  };
}
