import type { TaskView } from '../backend/generated/TaskView';

/** What the Line draws for a stretch of time. */
export type Stretch = 'unseen' | 'talk' | 'hold' | 'consult' | 'conference' | 'wrapUp' | 'writing';

/** Something that holds from a moment until the next entry. Milliseconds since the epoch. */
export interface Since<T> {
  from: number;
  what: T;
}

/** The life of one task as this window has seen it: grown from updates, never made up. */
export interface History {
  taskId: string;
  /** When the offer was first seen. */
  offeredAt: number | null;
  stretches: Since<Stretch>[];
  /** Whether it was being recorded. */
  recording: Since<boolean>[];
  /** When recording was last paused, while it is. */
  pausedAt: number | null;
}

/** How late an update may be and still count as having been watched from its beginning, in ms. */
const watched = 5_000;

/**
 * Adds what a new view of the task tells. `at` is when it was seen; the service's own times win
 * where the view has them.
 */
export function observe(before: History | undefined, task: TaskView, at: number): History {
  const history: History = before ?? { taskId: task.taskId, offeredAt: null, stretches: [], recording: [], pausedAt: null };
  if (task.phase === 'reserved' || task.phase === 'offered') {
    const offeredAt =
      history.offeredAt ??
      (task.offerEndsAt !== undefined && task.offerLastsMs !== undefined ? task.offerEndsAt - task.offerLastsMs : at);
    return history.offeredAt === offeredAt ? history : { ...history, offeredAt };
  }
  // An offer that ends without having been taken leaves no line.
  if (task.phase === 'ended' && history.stretches.length === 0) return history;
  const what = stretchOf(task);
  let { stretches, recording } = history;
  if (stretches.length === 0) stretches = beginning(history, task, what, at);
  const last = stretches.at(-1);
  if (last !== undefined && last.what !== what) {
    const from = Math.max(last.from, startOf(task, what, at));
    // A stretch that never lasted would only be a scratch on the Line.
    stretches = from === last.from ? [...stretches.slice(0, -1), { from, what }] : [...stretches, { from, what }];
  }
  const isRecording = task.recording === 'on' && what !== 'wrapUp';
  const lastRecording = recording.at(-1);
  if ((lastRecording?.what ?? false) !== isRecording) {
    const from = lastRecording === undefined && stretches[0] !== undefined && at - stretches[0].from < watched ? stretches[0].from : changeAt(task, what, at);
    recording = [...recording, { from, what: isRecording }];
  }
  const pausedAt = task.recording === 'paused' ? (history.pausedAt ?? at) : null;
  if (stretches === history.stretches && recording === history.recording && pausedAt === history.pausedAt) return history;
  return { ...history, stretches, recording, pausedAt };
}

function changeAt(task: TaskView, what: Stretch, at: number): number {
  return what === 'wrapUp' ? (task.wrapUpSince ?? at) : at;
}

function stretchOf(task: TaskView): Stretch {
  if (task.wrapUpRequired || task.phase === 'wrapUp' || task.phase === 'ended') return 'wrapUp';
  if (task.mediaType !== 'telephony') return 'writing';
  if (task.consult !== undefined && task.consult.state === 'answered' && !task.consult.onHold) return 'consult';
  if (task.held) return 'hold';
  if (task.conference !== undefined) return 'conference';
  return 'talk';
}

/** When the stretch that is running began, as the service says, else when it was seen. */
function startOf(task: TaskView, what: Stretch, at: number): number {
  if (what === 'hold' && task.holdSince !== undefined) return Math.min(task.holdSince, at);
  if (what === 'wrapUp' && task.wrapUpSince !== undefined) return Math.min(task.wrapUpSince, at);
  return at;
}

/** The first stretches; what happened before this window looked stays open. */
function beginning(history: History, task: TaskView, what: Stretch, at: number): Since<Stretch>[] {
  const began = Math.min(task.startedAt ?? at, at);
  const wasWatched = history.offeredAt !== null || at - began < watched;
  const before = { from: began, what: wasWatched ? ('talk' as const) : ('unseen' as const) };
  if (what === 'talk' || what === 'writing') return wasWatched ? [{ from: began, what }] : [before, { from: at, what }];
  const start = Math.max(began, startOf(task, what, at));
  return start <= began ? [{ from: began, what }] : [before, { from: start, what }];
}

/** One drawn piece; seconds. */
export interface Piece {
  what: Stretch | 'lost';
  seconds: number;
}

/** The pieces of the Line until `now`, and the recording thread below it. */
export interface Drawing {
  /** Seconds since the first piece began. */
  total: number;
  /** Right edge of the scale, in seconds. */
  scale: number;
  pieces: Piece[];
  recording: { on: boolean; seconds: number }[];
}

const edges = [300, 600, 1_200, 1_800, 3_600];

/** Scale of a call: 5, 10, 20, 30, 60 minutes, then hours. */
export function scaleFor(seconds: number): number {
  return edges.find((edge) => seconds <= edge) ?? Math.ceil(seconds / 3_600) * 3_600;
}

/** Lays a history out in seconds. `lostSince`: the control connection is gone since then. */
export function draw(history: History, now: number, lostSince: number | null = null): Drawing {
  const first = history.stretches[0]?.from ?? now;
  const until = Math.max(now, first);
  const pieces: Piece[] = [];
  const lostFrom = lostSince === null ? Infinity : Math.max(lostSince, first);
  spans(history.stretches, until).forEach(({ what, from, to }) => {
    if (from < lostFrom) pieces.push({ what, seconds: (Math.min(to, lostFrom) - from) / 1_000 });
  });
  if (lostFrom < until) pieces.push({ what: 'lost', seconds: (until - lostFrom) / 1_000 });
  const recording: Drawing['recording'] = [];
  const firstRecording = history.recording[0];
  if (firstRecording !== undefined && firstRecording.from > first) {
    recording.push({ on: false, seconds: (firstRecording.from - first) / 1_000 });
  }
  spans(history.recording, until).forEach(({ what, from, to }) => recording.push({ on: what, seconds: (to - Math.max(from, first)) / 1_000 }));
  const total = (until - first) / 1_000;
  return { total, scale: scaleFor(total), pieces, recording };
}

/** Seconds spent in each kind of stretch until `now`. */
export function sums(history: History, now: number): Partial<Record<Stretch, number>> {
  const result: Partial<Record<Stretch, number>> = {};
  for (const { what, from, to } of spans(history.stretches, now)) {
    result[what] = (result[what] ?? 0) + Math.max(0, to - from) / 1_000;
  }
  return result;
}

/** Pauses of the recording: how many, how long in all (seconds), and when the first began. */
export function pauses(history: History, now: number): { count: number; seconds: number; firstAt: number | null } {
  const wrapUp = history.stretches.find((stretch) => stretch.what === 'wrapUp')?.from ?? now;
  const off = spans(history.recording, now).filter((span) => !span.what && span.from < wrapUp);
  const seconds = off.reduce((sum, span) => sum + (Math.min(span.to, wrapUp) - span.from) / 1_000, 0);
  return { count: off.length, seconds, firstAt: off[0]?.from ?? null };
}

function spans<T>(entries: Since<T>[], until: number): { what: T; from: number; to: number }[] {
  return entries
    .map(({ what, from }, at) => ({ what, from, to: Math.min(entries[at + 1]?.from ?? until, until) }))
    .filter(({ from, to }) => to > from);
}

/** Reads what an earlier page of this window had stored; anything strange is dropped. */
export function parseHistories(text: string | null): Record<string, History> {
  if (text === null) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return {};
    return Object.fromEntries(parsed.filter(isHistory).map((history) => [history.taskId, history]));
  } catch {
    return {};
  }
}

const known: readonly string[] = ['unseen', 'talk', 'hold', 'consult', 'conference', 'wrapUp', 'writing'] satisfies Stretch[];

function isHistory(value: unknown): value is History {
  if (typeof value !== 'object' || value === null) return false;
  const { taskId, offeredAt, stretches, recording, pausedAt } = value as Record<string, unknown>;
  const isTime = (time: unknown) => time === null || typeof time === 'number';
  return (
    typeof taskId === 'string' &&
    isTime(offeredAt) &&
    isTime(pausedAt) &&
    Array.isArray(stretches) &&
    stretches.every((entry: Partial<Since<unknown>> | null) => typeof entry?.from === 'number' && known.includes(String(entry.what))) &&
    Array.isArray(recording) &&
    recording.every((entry: Partial<Since<unknown>> | null) => typeof entry?.from === 'number' && typeof entry.what === 'boolean')
  );
}
