import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';

/** Tasks worth a place: one that cannot be taken yet or is over is not shown. */
export function shownTasks(snapshot: Snapshot): TaskView[] {
  return snapshot.tasks.filter((task) => task.phase !== 'reserved' && task.phase !== 'ended');
}

/** An offer stands in front of everything else; otherwise the oldest is first. */
export function tabOrder(tasks: TaskView[]): TaskView[] {
  return [...tasks.filter(isOffer), ...tasks.filter((task) => !isOffer(task))];
}

/** Whether the task still waits for an answer. */
export function isOffer(task: TaskView): boolean {
  return task.phase === 'offered';
}

/** Whether the customer of the task is on the line or in the chat. */
export function isRunning(task: TaskView): boolean {
  return task.phase === 'connected' || task.phase === 'held' || task.phase === 'consulting' || task.phase === 'conference';
}

/** Whether wrap-up is owed. */
export function isWrapUp(task: TaskView): boolean {
  return task.wrapUpRequired || task.phase === 'wrapUp';
}

/**
 * The task that has the stage. What the agent chose stays as long as it is there; an offer takes
 * the stage only if nothing else has it, so that a running call is never pushed aside.
 */
export function onStage(snapshot: Snapshot, chosen: string | null): TaskView | null {
  const tasks = shownTasks(snapshot);
  return (
    tasks.find((task) => task.taskId === chosen) ??
    tasks.find((task) => isRunning(task) && task.mediaType === 'telephony') ??
    tasks.find(isRunning) ??
    tasks.find(isWrapUp) ??
    tasks.find(isOffer) ??
    null
  );
}

/** The state as the button shows it. */
export type Standing =
  | { kind: 'signedOut' }
  | { kind: 'ringing' }
  | { kind: 'available'; since: number | null }
  | { kind: 'idle'; name: string; since: number | null }
  | { kind: 'missed'; since: number | null }
  | { kind: 'noMicrophone'; since: number | null }
  | { kind: 'engaged'; media: 'call' | 'consult' | 'conference' | 'other' }
  | { kind: 'tasks'; count: number }
  | { kind: 'wrapUp'; since: number | null };

/** Whether the centre set the agent idle because an offer was not answered. */
export function isRona(snapshot: Snapshot): boolean {
  const { state } = snapshot;
  if (state === null) return false;
  return /^rona$/i.test(state.state) || (state.state !== 'Available' && /\brona\b/i.test(state.name));
}

/** Whether calls would reach this computer, but no microphone is there to answer them. */
export function lacksMicrophone(snapshot: Snapshot): boolean {
  const { station, devices } = snapshot;
  if (station?.option !== 'BROWSER') return false;
  return devices.missingMicrophone !== null || (devices.microphone === null && devices.microphones.length === 0);
}

/** What the agent's state button says: tasks come before the state the centre keeps. */
export function standing(snapshot: Snapshot): Standing {
  const { state } = snapshot;
  const tasks = shownTasks(snapshot).filter((task) => !isOffer(task));
  const first = tasks[0];
  if (tasks.length > 1) return { kind: 'tasks', count: tasks.length };
  if (first !== undefined && isWrapUp(first)) return { kind: 'wrapUp', since: first.wrapUpSince ?? null };
  if (first !== undefined) return { kind: 'engaged', media: first.mediaType !== 'telephony' ? 'other' : first.consult !== undefined ? 'consult' : first.conference !== undefined ? 'conference' : 'call' };
  if (state === null) return { kind: 'signedOut' };
  if (isRona(snapshot)) return { kind: 'missed', since: state.since };
  if (lacksMicrophone(snapshot) && state.state !== 'Available') return { kind: 'noMicrophone', since: state.since };
  if (state.state === 'Available') return { kind: 'available', since: state.since };
  return { kind: 'idle', name: state.name !== '' ? state.name : state.state, since: state.since };
}
