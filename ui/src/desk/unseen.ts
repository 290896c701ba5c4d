import type { TaskView } from '../backend/generated/TaskView';

/** What the agent has last seen of each task. */
export type Seen = Record<string, string>;

const looks = (task: TaskView) => [task.phase, task.held].join(' ');

/** Counts the changes of every task that is not looked at; the one that is has none. */
export function observeUnseen(seen: Seen, counts: Record<string, number>, tasks: TaskView[], selected: string | null): { seen: Seen; counts: Record<string, number> } {
  const next: Seen = {};
  const nextCounts: Record<string, number> = {};
  for (const task of tasks) {
    const look = looks(task);
    next[task.taskId] = look;
    const count = task.taskId === selected ? 0 : (counts[task.taskId] ?? 0) + (seen[task.taskId] === look ? 0 : 1);
    if (count > 0) nextCounts[task.taskId] = count;
  }
  return { seen: next, counts: nextCounts };
}
