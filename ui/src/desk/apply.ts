import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import type { Update } from '../backend/generated/Update';

/** What is known, and the number of the update that made it so. */
export interface Known {
  rev: number;
  snapshot: Snapshot;
}

/** Nothing can be said until a whole snapshot comes: updates are missing, doubled or out of order. */
export const gap = Symbol('gap');

/**
 * Applies one update. Starts over with every snapshot, leaves the old value untouched, and answers
 * `gap` when an update is missing: then the window has to subscribe again.
 */
export function apply(known: Known | null, update: Update): Known | typeof gap {
  const { rev, change } = update;
  if (change.kind === 'snapshot') return { rev, snapshot: change.snapshot };
  if (known === null || rev !== known.rev + 1) return gap;
  const { snapshot } = known;
  switch (change.kind) {
    case 'desk':
      return { rev, snapshot: { ...change.desk, tasks: snapshot.tasks } };
    case 'task':
      return { rev, snapshot: { ...snapshot, tasks: put(snapshot.tasks, change.task) } };
    case 'removed':
      return { rev, snapshot: { ...snapshot, tasks: snapshot.tasks.filter((task) => task.taskId !== change.taskId) } };
    case 'event':
    case 'quality':
      return { rev, snapshot };
    default:
      // A newer shell may say more than this window understands; it must not lose count.
      return { rev, snapshot };
  }
}

function put(tasks: TaskView[], task: TaskView): TaskView[] {
  const at = tasks.findIndex((each) => each.taskId === task.taskId);
  return at < 0 ? [...tasks, task] : tasks.with(at, task);
}
