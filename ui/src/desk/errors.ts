import type { CommandErrorView } from '../backend/generated/CommandErrorView';
import type { Snapshot } from '../backend/generated/Snapshot';
import { outdialReason } from './dial';
import type { Messages } from '../messages';

/** The commands an error note can be about; the names of the window's backend. */
export type CommandName = string;

/** A command that failed, until it is dismissed, repeated or no longer matters. */
export interface Failure {
  /** Command and task: a second failure of the same takes the place of the first. */
  key: string;
  command: CommandName;
  /** Empty for commands of the desk. */
  taskId: string;
  /** Whom the command was about, as the agent calls them; empty if nobody. */
  target: string;
  error: CommandErrorView;
  /** What was true when it failed: once that changes, the failure is history. */
  about: string;
  /** Name of the agent's state then. */
  state: string;
  again: (() => void) | null;
}

/** What a failure of the task (or of the desk, without one) is about. */
export function circumstances(snapshot: Snapshot | null, taskId: string): string {
  if (taskId === '') return [snapshot?.agent?.agentId, snapshot?.station?.teamId, snapshot?.station?.option, snapshot?.state?.state, snapshot?.state?.auxCodeId].join(' ');
  const task = snapshot?.tasks.find((each) => each.taskId === taskId);
  return task === undefined ? '' : [task.phase, task.held, task.recording, task.muted, task.consult?.state, task.consult?.onHold].join(' ');
}

/** Words for a failure: what happened, what it means now, why if that is known in words. */
export function wording(failure: Failure, name: string, t: Messages): { title: string; detail: string } {
  const { error, command } = failure;
  const [title, meaning] = t.errors.commands[command]?.(name, failure.target) ?? [t.errors.unknown, ''];
  const now = command === 'setState' && failure.state !== '' ? t.state.still(failure.state) : meaning;
  const reason = humanReason(error.reason);
  // The shell's own words about a sign-in already say what to do.
  if ((command === 'signInWithConsent' || command === 'signIn') && error.code.startsWith('Deskline.') && error.message !== '') return { title, detail: sentence(error.message) };
  const outdial = command === 'startOutdial' && error.kind === 'refused' ? outdialReason(error.reason) : null;
  if (outdial !== null) return { title, detail: t.dial.failed[outdial] };
  const why = error.kind === 'refused' && reason !== '' ? `${reason}.` : (t.errors.kinds[error.kind] ?? t.errors.unknown);
  return { title, detail: [now, why].filter((part) => part !== '').join(' ') };
}

/** Words of a program as a sentence. */
function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Reasons in words are shown, bare codes are not: they are in the tracking id's log. */
function humanReason(reason: string | null): string {
  if (reason === null || !/\p{Ll}/u.test(reason) || !/\s/.test(reason.trim())) return '';
  return reason.trim().replace(/[.!\s]+$/, '');
}

/** Whether the agent has to read it: what a newer command replaced is no failure. */
export function isWorthTelling(error: CommandErrorView): boolean {
  return error.kind !== 'superseded';
}
