import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import type { Messages } from '../messages';
import { isCalling } from './dial';
import { clock, person } from './format';
import { shortName } from './people';
import { isOffer, isRunning, isWrapUp, standing } from './stage';

/** One thing a screen reader says. */
export interface Spoken {
  how: 'assertive' | 'polite';
  text: string;
}

/** What a change is worth saying. Timers are never said here. */
export function announce(before: Snapshot | null, after: Snapshot, now: number, t: Messages): Spoken[] {
  const said: Spoken[] = [];
  const polite = (text: string) => said.push({ how: 'polite', text });
  for (const task of after.tasks) {
    const old = before?.tasks.find((each) => each.taskId === task.taskId);
    if (isCalling(task)) {
      if (old === undefined) polite(t.say.calling(title(task, t)));
    } else if (isOffer(task) && (old === undefined || !isOffer(old))) {
      said.push({ how: 'assertive', text: (task.preview ? t.say.preview : task.mediaType === 'telephony' ? t.say.incoming : t.say.incomingOther)(title(task, t), task.queue, firstReason(task)) });
    }
    if (old !== undefined) sayTask(old, task, now, t, polite);
  }
  if (before !== null) {
    if (before.lostSince === null && after.lostSince !== null) {
      said.push({ how: 'assertive', text: after.tasks.some(isRunning) ? t.say.lostInCall : t.say.lost });
    }
    if (before.lostSince !== null && after.lostSince === null && after.agent !== null) polite(t.say.back);
    const stateBefore = standing(before);
    const stateAfter = standing(after);
    if (stateAfter.kind === 'available' && stateBefore.kind !== 'available' && stateBefore.kind !== 'engaged') polite(t.state.available);
    if (stateAfter.kind === 'idle' && (stateBefore.kind !== 'idle' || stateBefore.name !== stateAfter.name)) polite(t.say.state(stateAfter.name));
  }
  return said;
}

function sayTask(old: TaskView, task: TaskView, now: number, t: Messages, polite: (text: string) => void): void {
  if (isOffer(old) && isRunning(task)) polite(t.say.connected);
  if (isRunning(old) && isRunning(task)) {
    if (old.consult === undefined && task.consult === undefined) {
      if (!old.held && task.held) polite(t.say.onHold);
      if (old.held && !task.held) polite(t.say.resumed);
    } else {
      sayConsult(old, task, t, polite);
    }
    sayPeople(old, task, t, polite);
  }
  if (!old.muted && task.muted) polite(t.say.muted);
  if (old.muted && !task.muted && isRunning(task)) polite(t.say.unmuted);
  if (old.recording === 'on' && task.recording === 'paused') polite(t.say.recordingPaused);
  if (old.recording === 'paused' && task.recording === 'on') polite(t.say.recording);
  if (isRunning(old) && isWrapUp(task)) {
    const lasted = task.startedAt === null ? '' : clock(((task.wrapUpSince ?? now) - task.startedAt) / 1_000);
    const closesIn = task.autoWrapup === undefined ? null : Math.max(0, Math.round((task.autoWrapup.endsAt - now) / 1_000));
    polite(t.say.ended(lasted, closesIn));
  }
}

function sayConsult(old: TaskView, task: TaskView, t: Messages, polite: (text: string) => void): void {
  const [before, now] = [old.consult, task.consult];
  if (now === undefined) {
    if (task.conference === undefined) polite(t.say.consultOver);
    return;
  }
  const name = shortName(now.name !== '' ? now.name : now.to);
  const customer = person(task.customer).short;
  if (now.state === 'asked') {
    if (before === undefined) polite(t.say.consultAsked(name));
  } else if (before?.state !== 'answered' || before.onHold !== now.onHold) {
    polite(now.onHold ? t.say.talkingTo(customer === '' ? t.consult.theCustomer : customer, name) : t.say.talkingTo(name, customer));
  }
}

function sayPeople(old: TaskView, task: TaskView, t: Messages, polite: (text: string) => void): void {
  if (task.conference === undefined) return;
  const isThere = (each: TaskView['participants'][number]) => each.hasJoined && !each.hasLeft;
  const [before, now] = [old.participants.filter(isThere), task.participants.filter(isThere)];
  for (const each of now) if (old.conference === undefined ? each.isConsulted : !before.some((other) => other.id === each.id)) polite(t.say.joined(shortName(each.name), now.length));
  for (const each of before) if (!now.some((other) => other.id === each.id)) polite(t.say.left(shortName(each.name)));
}

function title(task: TaskView, t: Messages): string {
  const { kind, title: text } = person(task.customer);
  if (kind === 'withheld') return t.person.withheld;
  return kind === 'none' ? t.person.none : text;
}

/** The value of a variable that says why the customer calls, if the centre sent one to show. */
function firstReason(task: TaskView): string {
  return task.variables.find((variable) => !variable.isSensitive && /reason/i.test(variable.name))?.value ?? '';
}
