import type { Link } from '../backend/generated/Link';
import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import { isRunning } from './stage';

/** The one banner that is worth showing; the most urgent wins. */
export type Banner =
  | { kind: 'lost'; since: number; in: 'call' | 'task' | 'idle' }
  | { kind: 'taken'; inCall: boolean }
  | { kind: 'media'; failed: boolean }
  | { kind: 'calling' }
  | { kind: 'back'; lasted: number };

const isGone = (link: Link) => link === 'lost' || link === 'restoring' || link === 'failed';

/** Chooses the banner for a desk with `task` on its stage. */
export function bannerOf(snapshot: Snapshot, task: TaskView | null, back: { lasted: number } | null): Banner | null {
  const inCall = task !== null && task.mediaType === 'telephony' && isRunning(task);
  if (snapshot.agent === null) return null;
  // Signed in, and nobody tries to reach the centre: another computer took the session over.
  if (snapshot.connection.routing === 'off' && !snapshot.signingIn) return { kind: 'taken', inCall };
  if (snapshot.lostSince !== null) {
    return { kind: 'lost', since: snapshot.lostSince, in: inCall ? 'call' : task !== null && isRunning(task) ? 'task' : 'idle' };
  }
  if (snapshot.station?.option === 'BROWSER') {
    if (inCall && isGone(snapshot.connection.media)) return { kind: 'media', failed: snapshot.connection.media === 'failed' };
    if (!inCall && isGone(snapshot.connection.calling)) return { kind: 'calling' };
  }
  return back === null ? null : { kind: 'back', lasted: back.lasted };
}
