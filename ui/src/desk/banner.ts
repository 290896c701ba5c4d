import type { AccountView } from '../backend';
import type { Link } from '../backend/generated/Link';
import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import type { Due } from './reminders';
import { isRunning } from './stage';

/** What can be wrong with the ways to the centre; the most urgent wins. */
export type Banner =
  | { kind: 'lost'; since: number; in: 'call' | 'task' | 'idle' }
  | { kind: 'taken'; inCall: boolean }
  | { kind: 'media'; link: 'lost' | 'restoring' | 'failed' }
  | { kind: 'calling'; failed: boolean; inCall: boolean }
  | { kind: 'back'; lasted: number };

type Gone = 'lost' | 'restoring' | 'failed';
const isGone = (link: Link): link is Gone => link === 'lost' || link === 'restoring' || link === 'failed';

/** What is wrong with the ways to the centre, for a desk with `task` on its stage. */
export function bannerOf(snapshot: Snapshot, task: TaskView | null, back: { lasted: number } | null): Banner | null {
  const inCall = task !== null && task.mediaType === 'telephony' && isRunning(task);
  if (snapshot.agent === null) return null;
  // Signed in, and nobody tries to reach the centre: another computer took the session over.
  if (snapshot.connection.routing === 'off' && !snapshot.signingIn) return { kind: 'taken', inCall };
  const isBrowser = snapshot.station?.option === 'BROWSER';
  const { media, calling } = snapshot.connection;
  // Without its sound a call is silence, whatever else is gone.
  if (isBrowser && inCall && isGone(media)) return { kind: 'media', link: media };
  if (snapshot.lostSince !== null) {
    return { kind: 'lost', since: snapshot.lostSince, in: inCall ? 'call' : task !== null && isRunning(task) ? 'task' : 'idle' };
  }
  if (isBrowser && isGone(calling)) return { kind: 'calling', failed: calling === 'failed', inCall };
  return back === null ? null : { kind: 'back', lasted: back.lasted };
}

/** Everything that may want the one place above the stage. */
export interface Asking {
  snapshot: Snapshot;
  task: TaskView | null;
  account: AccountView | null;
  back: { lasted: number } | null;
  /** A customer who waits, or a recording that rests, for long. */
  due: Due | null;
  /** The call on the stage was taken by itself a moment ago. */
  isAuto: boolean;
  /** What the agent has read and put away, by its key. */
  read: ReadonlySet<string>;
}

/** The one note above the stage. */
export type TopNote =
  | { kind: 'connection'; banner: Banner }
  | { kind: 'account' }
  | { kind: 'microphoneGone'; name: string }
  | { kind: 'microphoneSilent'; name: string; key: string }
  | { kind: 'narrowBand'; name: string; key: string }
  | { kind: 'speakerGone'; name: string; key: string }
  | { kind: 'reminder'; due: Due }
  | { kind: 'auto' };

/** Chooses the one note that is shown (design 6.9): what the customer suffers from comes first, what only informs last. */
export function topNote({ snapshot, task, account, back, due, isAuto, read }: Asking): TopNote | null {
  if (snapshot.agent === null) return null;
  const banner = bannerOf(snapshot, task, back);
  const connection: TopNote | null = banner === null ? null : { kind: 'connection', banner };
  const is = (...kinds: Banner['kind'][]) => (banner !== null && kinds.includes(banner.kind) ? connection : null);
  const need = account?.need?.kind ?? null;
  const isBrowser = snapshot.station?.option === 'BROWSER';
  const inCall = task !== null && task.mediaType === 'telephony' && isRunning(task);
  const { devices } = snapshot;
  const unread = <T extends { key: string }>(note: T): T | null => (read.has(note.key) ? null : note);
  const microphone = devices.microphone ?? '';
  const silent = isBrowser && inCall && !task.muted && !task.held && devices.microphoneSilent ? unread({ kind: 'microphoneSilent' as const, name: microphone, key: `silent ${task.taskId} ${microphone}` }) : null;
  const speaker = isBrowser && devices.missingSpeaker !== null ? unread({ kind: 'speakerGone' as const, name: devices.missingSpeaker, key: `speaker ${devices.missingSpeaker}` }) : null;
  const narrow = isBrowser && inCall && devices.narrowBand ? unread({ kind: 'narrowBand' as const, name: microphone, key: `narrow ${microphone}` }) : null;
  const signIn: TopNote = { kind: 'account' };
  return (
    is('taken') ??
    // Somebody is in the middle of it: the code or the link must stay in sight.
    (account !== null && account.step !== null ? signIn : null) ??
    is('media') ??
    (isBrowser && inCall && devices.missingMicrophone !== null ? ({ kind: 'microphoneGone', name: devices.missingMicrophone } as const) : null) ??
    // The connection does not come back before somebody signed in.
    (need === 'signIn' || need === 'setUp' ? signIn : null) ??
    is('lost') ??
    silent ??
    is('calling') ??
    speaker ??
    (due === null ? null : ({ kind: 'reminder', due } as const)) ??
    narrow ??
    is('back') ??
    (need === 'endsSoon' || need === 'notStored' ? signIn : null) ??
    (isAuto ? ({ kind: 'auto' } as const) : null)
  );
}
