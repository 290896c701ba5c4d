import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import type { History, Since } from './history';
import type { Missed } from './notices';
import { isOffer, shownTasks } from './stage';

/** What the agent's day is made of, as far as this window was open. */
export type DayStretch = 'ready' | 'idle' | 'call';

/** A contact that is over. */
export interface PastCall {
  task: TaskView;
  history: History;
  endedAt: number;
  /** Why there was no call; null for a call. */
  missed: Missed | null;
}

/** The day since the window opened. It is kept in memory only: it names customers. */
export interface Day {
  stretches: Since<DayStretch>[];
  /** Newest first. */
  calls: PastCall[];
}

/** Nothing seen yet. */
export const freshDay: Day = { stretches: [], calls: [] };

/** How many contacts are kept. */
const kept = 50;

/** Adds what a snapshot tells about the day. */
export function observeDay(day: Day, snapshot: Snapshot, at: number): Day {
  const what = kindOf(snapshot);
  if (what === null) return day.stretches.length === 0 ? day : { ...day, stretches: [] };
  const last = day.stretches.at(-1);
  if (last?.what === what) return day;
  // The first stretch may have begun before the window opened; the centre says when.
  const from = last === undefined && what !== 'call' ? Math.min(snapshot.state?.since ?? at, at) : at;
  return { ...day, stretches: [...day.stretches, { from, what }] };
}

function kindOf(snapshot: Snapshot): DayStretch | null {
  if (snapshot.state === null) return null;
  if (shownTasks(snapshot).some((task) => !isOffer(task))) return 'call';
  return snapshot.state.state === 'Available' ? 'ready' : 'idle';
}

/** Adds a contact that is over; the same one only once. */
export function addCall(day: Day, call: PastCall): Day {
  const others = day.calls.filter((each) => each.task.taskId !== call.task.taskId);
  return { ...day, calls: [call, ...others].slice(0, kept) };
}

/** Seconds of each kind until `now`. */
export function daySums(day: Day, now: number): Record<DayStretch, number> {
  const sums: Record<DayStretch, number> = { ready: 0, idle: 0, call: 0 };
  day.stretches.forEach(({ what, from }, at) => {
    sums[what] += Math.max(0, (day.stretches[at + 1]?.from ?? now) - from) / 1_000;
  });
  return sums;
}

/** Right edge of the day's scale in seconds: half an hour, hours in steps, so that it seldom rescales. */
export function dayScale(seconds: number): number {
  const hours = [0.5, 1, 2, 4, 8, 12, 24];
  return (hours.find((edge) => seconds <= edge * 3_600) ?? Math.ceil(seconds / 3_600)) * 3_600;
}
