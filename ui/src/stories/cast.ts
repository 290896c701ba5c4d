import type { AgentState } from '../backend/generated/AgentState';
import type { AgentView } from '../backend/generated/AgentView';
import type { Can } from '../backend/generated/Can';
import type { QualityView } from '../backend/generated/QualityView';
import type { Snapshot } from '../backend/generated/Snapshot';
import type { StationView } from '../backend/generated/StationView';
import type { TaskView } from '../backend/generated/TaskView';

/** The moment every story is looked at. */
export const noon = Date.UTC(2026, 10, 20, 13, 46, 2);

/** `seconds` before that moment. */
export const ago = (seconds: number) => noon - seconds * 1_000;

/** Nothing is allowed. */
export const nothing: Can = {
  accept: false, decline: false, toggleMute: false, hold: false, resume: false, pauseRecording: false, resumeRecording: false, consult: false, endConsult: false,
  consultTransfer: false, consultConference: false, transfer: false, exitConference: false, transferConference: false, end: false, wrapup: false, sendDigits: false, cancelAutoWrapupTimer: false,
};

const choice = (id: string, name: string, isDefault = false, isSystem = false) => ({ id, name, isDefault, isSystem });

export const agent: AgentView = {
  agentId: 'agent-1',
  agentName: 'Marta Olsson',
  teams: [choice('team-1', 'Cards & Accounts, Nordics', true), choice('team-2', 'Billing Priority')],
  loginOptions: ['BROWSER', 'EXTENSION', 'AGENT_DN'],
  defaultDialNumber: null,
  idleCodes: [choice('101', 'Break'), choice('102', 'Lunch'), choice('103', 'Meeting'), choice('104', 'Training'), choice('105', 'Coaching'), choice('106', 'Back-office work'), choice('199', 'RONA', false, true)],
  wrapupCodes: ['Refund agreed', 'Refund refused', 'Refund, escalated to Tier 2', 'Card replaced', 'Information given', 'Callback promised', 'Address changed', 'Account closed', 'Fraud reported', 'Limit changed', 'Statement sent', 'Wrong queue'].map((name, at) =>
    choice(`code-${at + 1}`, name, name === 'Information given'),
  ),
  outdialEnabled: true,
  endCallEnabled: true,
  consultToQueueEnabled: true,
};

export const station: StationView = { teamId: 'team-1', teamName: 'Cards & Accounts', option: 'BROWSER', dialNumber: null, voiceProblem: null };

export const available: AgentState = { state: 'Available', auxCodeId: '0', name: '', since: ago(761), pending: null };

/** A desk that is ready for the next call. */
export const desk: Snapshot = {
  agent,
  signingIn: false,
  station,
  loggingIn: false,
  state: available,
  connection: { routing: 'up', calling: 'up', media: 'off' },
  lostSince: null,
  next: null,
  signOutNext: false,
  devices: {
    microphone: 'Jabra Evolve2 65',
    speaker: 'Jabra Evolve2 65',
    ringer: 'Built-in speakers',
    missingMicrophone: null,
    missingSpeaker: null,
    microphones: ['Jabra Evolve2 65', 'Built-in microphone', 'USB headset'],
    speakers: ['Jabra Evolve2 65', 'Built-in speakers'],
    microphoneSilent: false,
    narrowBand: false,
    speakerIsHeadset: true,
    voice: { echo: 'auto', noise: 'on', farNoise: true, gain: true },
  },
  tasks: [],
};

const variable = (name: string, value: string, isSensitive = false) => ({ name, value, isSensitive });

/** A call while it is offered. */
export const offered: TaskView = {
  taskId: 'daniel',
  mediaType: 'telephony',
  phase: 'offered',
  muted: false,
  held: false,
  participants: [],
  recording: 'off',
  wrapUpRequired: false,
  customer: { name: 'Daniel Okafor', number: '+442079460958' },
  queue: 'Billing Priority',
  direction: 'inbound',
  startedAt: null,
  preview: false,
  openUrl: false,
  autoAnswering: false,
  pending: [],
  variables: [variable('Reason', 'Card charged twice'), variable('Account', '4471 8820'), variable('Tier', 'Gold'), variable('Identity', 'PIN confirmed'), variable('Language', 'English'), variable('Case', 'NB-20418')],
  can: { ...nothing, accept: true, decline: true },
};

/** The same call while both talk. */
export const connected: TaskView = {
  ...offered,
  phase: 'connected',
  recording: 'on',
  can: { ...nothing, toggleMute: true, hold: true, pauseRecording: true, resumeRecording: true, consult: true, transfer: true, end: true, sendDigits: true },
};

/** The same call while the customer waits. */
export const held: TaskView = { ...connected, phase: 'held', held: true, can: { ...connected.can, hold: false, resume: true, end: false } };

/** The same call when it is over. */
export const wrapUp: TaskView = { ...connected, phase: 'wrapUp', wrapUpRequired: true, can: { ...nothing, wrapup: true } };

/** A good line. */
export const goodLine: QualityView = { verdict: { level: 'good', side: null, direction: null, since: null }, outLossPct: 0, outJitterMs: 4, outMos: 4.3, discardPct: 0, mouthToEarMs: 148, rttMs: 96, jitterMs: 6, lossPct: 0.1, mos: 4.3, codec: 'opus', concealedPct: 0, bufferMs: 40, sent: 11_650, received: 11_649 };
