import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import { isRunning, isWrapUp } from './stage';

/** A call whose sound was lost and that ended without it coming back. */
export interface BrokenCall {
  taskId: string;
  task: TaskView;
  /** How long it had lasted, in seconds; null if nobody knows when it began. */
  lasted: number | null;
}

/** Follows the sound of the call under way, to tell a call that broke off from one that somebody ended. */
export class SoundWatch {
  /** Its sound stopped and has not come back. */
  #without: string | null = null;

  /** The call that broke off with this change, if one did. `isEnding`: the agent asked for its end. */
  follow(before: Snapshot | null, after: Snapshot, isEnding: (taskId: string) => boolean, now: number): BrokenCall | null {
    const running = after.tasks.find((task) => task.mediaType === 'telephony' && isRunning(task)) ?? null;
    const { media } = after.connection;
    const was = this.#without;
    if (running !== null) {
      if (media === 'lost' || media === 'restoring' || media === 'failed') this.#without = running.taskId;
      // "Off" between two connections of the same call is no sound either.
      else if (media === 'up' || this.#without !== running.taskId) this.#without = null;
      return null;
    }
    this.#without = null;
    if (was === null || before === null || after.agent === null) return null;
    const task = before.tasks.find((each) => each.taskId === was && isRunning(each));
    const left = after.tasks.find((each) => each.taskId === was);
    if (task === undefined || (left !== undefined && !isWrapUp(left)) || isEnding(was)) return null;
    const until = left?.wrapUpSince ?? now;
    return { taskId: was, task, lasted: task.startedAt === null ? null : Math.max(0, (until - task.startedAt) / 1_000) };
  }
}
