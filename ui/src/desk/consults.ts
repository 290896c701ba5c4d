import type { TaskView } from '../backend/generated/TaskView';
import { person, phone } from './format';
import type { Told } from './notices';
import { shortName } from './people';
import { isRunning } from './stage';

/** What ends a consult by the agent's own will. */
const ownWays = ['endConsult', 'consultTransfer', 'consultConference'];

/**
 * What the agent should read when a consult of theirs is over: nobody answered, or the other side
 * left. Null if they ended it themselves (`wasAsked`), or if it became something else.
 */
export function consultOver(before: TaskView, after: TaskView, wasAsked: boolean, at: number): Told | null {
  const { consult } = before;
  if (consult === undefined || consult.isConsulted || after.consult !== undefined || after.conference !== undefined) return null;
  if (wasAsked || !isRunning(after) || before.pending.some((each) => ownWays.includes(each))) return null;
  // The centre's own word for a consult nobody took is the same note: it is told once.
  const topic = consult.state === 'answered' ? 'consultGone' : 'task:consultFailed';
  const names = { customer: person(after.customer).short, colleague: shortName(consult.name !== '' ? consult.name : phone(consult.to)) };
  return { kind: 'told', topic, taskId: after.taskId, detail: '', names, consult, at };
}

/** Whether the note of a consult has done its work: the customer was taken back, or the next consult began. */
export function isConsultPast(before: TaskView, after: TaskView): boolean {
  return after.consult !== undefined || after.conference !== undefined || !isRunning(after) || (before.held && !after.held);
}
