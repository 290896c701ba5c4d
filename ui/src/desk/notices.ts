import type { Consult } from '../backend/generated/Consult';
import type { TaskView } from '../backend/generated/TaskView';
import { isCalling } from './dial';
import { person, phone } from './format';
import type { History } from './history';
import { shortName } from './people';

/** An offer that did not become a call. */
export interface Missed {
  kind: 'missed';
  taskId: string;
  /** Why there is no call. */
  how: 'rona' | 'declined' | 'hungUp' | 'elsewhere' | 'notConnected';
  task: TaskView;
  /** How long it rang, in seconds; null if that was not seen. */
  rang: number | null;
  /** Of the accept that failed; else empty. */
  trackingId: string;
  at: number;
}

/** Something else the agent should read. */
export interface Told {
  kind: 'told';
  topic: string;
  taskId: string;
  detail: string;
  /** Whom it is about, as a sentence calls them; empty where no name was sent. */
  names?: { customer: string; colleague: string };
  /** The consult it is about, to ask the same side again. */
  consult?: Consult;
  /** The call that broke off, and how many seconds it had lasted. */
  broken?: { task: TaskView; lasted: number | null };
  at: number;
}

/** What the agent did with an offer in this window. */
export type Answer = 'accepted' | 'declined' | null;

/** News of a task as it arrives, beside what was known of it. */
export interface News {
  name: string;
  reason: string | null;
  task: TaskView | null;
  /** The view last known here. */
  before: TaskView | null;
  history: History | undefined;
  answer: Answer;
  at: number;
}

const told = new Set(['autoWrapupFailed', 'autoWrapupNotConfigured', 'voiceNotAttached']);

/** What, if anything, the agent should read about the news. */
export function notice(news: News): Missed | Told | null {
  const task = news.task ?? news.before;
  // A call that could not be made is told by its number's owner or nobody: the task is gone soon.
  if (news.name === 'task:outdialFailed') return { kind: 'told', topic: news.name, taskId: '', detail: news.reason ?? '', at: news.at };
  if (told.has(news.name)) return { kind: 'told', topic: news.name, taskId: task?.taskId ?? '', detail: news.reason ?? '', at: news.at };
  if (task === null) return null;
  // The customer waits on hold, and the colleague is not coming.
  if (news.name === 'task:consultFailed') {
    const asked = news.before?.consult ?? task.consult;
    const colleague = asked === undefined || asked === null ? '' : shortName(asked.name !== '' ? asked.name : phone(asked.to));
    return { kind: 'told', topic: news.name, taskId: task.taskId, detail: news.reason ?? '', names: { customer: person(task.customer).short, colleague }, ...(asked === undefined ? {} : { consult: asked }), at: news.at };
  }
  // A call of the agent's own was not missed by anybody here.
  if (isCalling(news.before ?? task)) return null;
  const missed = (how: Missed['how']): Missed => ({ kind: 'missed', taskId: task.taskId, how, task, rang: rang(news, task), trackingId: '', at: news.at });
  if (news.name === 'task:rejected') {
    // Declined here, in the notification or by the headset: the centre's reason tells the latter two.
    if (news.answer === 'declined' || /declin/i.test(news.reason ?? '')) return missed('declined');
    return missed(news.answer === 'accepted' ? 'notConnected' : 'rona');
  }
  if (news.name === 'task:end' && isUntaken(news.history) && !task.wrapUpRequired) {
    return missed(news.answer === 'declined' ? 'declined' : 'hungUp');
  }
  return null;
}

/** What an offer that simply left means; it was neither rejected nor ended in this window's sight. */
export function withdrawn(before: TaskView, history: History | undefined, answer: Answer, at: number): Missed | null {
  if (!isUntaken(history) || isCalling(before)) return null;
  const how = answer === 'declined' ? 'declined' : answer === 'accepted' ? 'notConnected' : 'elsewhere';
  return { kind: 'missed', taskId: before.taskId, how, task: before, rang: null, trackingId: '', at };
}

/** Whether the task was offered here and never became a call. */
export function isUntaken(history: History | undefined): boolean {
  return history !== undefined && history.offeredAt !== null && history.stretches.length === 0;
}

function rang(news: News, task: TaskView): number | null {
  const from = news.history?.offeredAt ?? null;
  if (from === null) return null;
  const seconds = Math.round((news.at - from) / 1_000);
  const longest = task.offerLastsMs === undefined ? Infinity : Math.round(task.offerLastsMs / 1_000);
  return Math.max(0, Math.min(seconds, longest));
}

/** The tracking id inside a detail, if there is one: a UUID, with the service's prefix and suffix. */
export function trackingIdIn(detail: string): string {
  return /(?:[A-Za-z]+_)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:_\w+)*/i.exec(detail)?.[0] ?? '';
}
