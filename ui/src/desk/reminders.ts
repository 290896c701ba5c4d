import type { TaskView } from '../backend/generated/TaskView';
import { isRunning } from './stage';

/** When the agent is reminded, and how often after that; seconds (design 6.8). */
export const reminders = { hold: 180, paused: 120, every: 60 };

/** What a task's agent should think of. */
export interface Reminder {
  what: 'hold' | 'paused';
  /** How long it has lasted, in seconds. */
  seconds: number;
  /** How many reminders are due so far; the first has number 1. */
  count: number;
}

/** The reminder that is due for a task; a customer who waits comes before a recording that rests. */
export function reminderOf(task: TaskView, pausedAt: number | null, now: number): Reminder | null {
  if (!isRunning(task)) return null;
  const due = (what: Reminder['what'], since: number | null | undefined, after: number): Reminder | null => {
    if (since == null) return null;
    const seconds = Math.floor((now - since) / 1_000);
    return seconds < after ? null : { what, seconds, count: 1 + Math.floor((seconds - after) / reminders.every) };
  };
  return (task.held ? due('hold', task.holdSince, reminders.hold) : null) ?? (task.recording === 'paused' ? due('paused', task.recordingPausedAt ?? pausedAt, reminders.paused) : null);
}

/** A task whose reminder is due. */
export interface Due {
  task: TaskView;
  reminder: Reminder;
}

/** The longest wait that is due. A paused recording of the task on the stage is told by its own bar. */
export function longestDue(tasks: TaskView[], selected: string | null, pausedAt: (taskId: string) => number | null, now: number): Due | null {
  const due = tasks.flatMap((task) => {
    const reminder = reminderOf(task, pausedAt(task.taskId), now);
    return reminder !== null && (reminder.what === 'hold' || task.taskId !== selected) ? [{ task, reminder }] : [];
  });
  return due.sort((one, other) => other.reminder.seconds - one.reminder.seconds)[0] ?? null;
}

/** How far each task's reminders were told, by task. */
export type Reminded = Record<string, string>;

/** Reminders that are new since last time, and what has been told by now. A window that opens late tells once. */
export function newReminders(told: Reminded, due: { taskId: string; reminder: Reminder | null }[]): { told: Reminded; fresh: { taskId: string; reminder: Reminder }[] } {
  const fresh: { taskId: string; reminder: Reminder }[] = [];
  const next: Reminded = {};
  for (const { taskId, reminder } of due) {
    if (reminder === null) continue;
    const key = `${reminder.what} ${reminder.count}`;
    if (told[taskId] !== key) fresh.push({ taskId, reminder });
    next[taskId] = key;
  }
  return { told: next, fresh };
}
