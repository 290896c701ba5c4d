import type { Participant } from '../backend/generated/Participant';
import type { TaskView } from '../backend/generated/TaskView';
import { firstName, phone } from './format';

/** Whether a participant is the one who called or was called. */
export function isCustomer(participant: Participant): boolean {
  return participant.type.toLowerCase() === 'customer';
}

/** Everybody who is in the call now, the customer first, the agent last. */
export function present(task: TaskView, me: string): Participant[] {
  const rank = (each: Participant) => (isCustomer(each) ? 0 : each.id === me ? 2 : 1);
  return task.participants.filter((each) => each.hasJoined && !each.hasLeft).sort((one, other) => rank(one) - rank(other));
}

/** The others in the call who are neither the customer nor the agent. */
export function colleagues(task: TaskView, me: string): Participant[] {
  return present(task, me).filter((each) => !isCustomer(each) && each.id !== me);
}

/** How somebody is called in a sentence: the first name, or the number. */
export function shortName(name: string): string {
  const text = name.trim();
  if (/^\+?[\d\s()./-]+$/.test(text)) return phone(text);
  return firstName(text);
}

/** Two letters for a name. */
export function initials(name: string): string {
  return name.split(/\s+/).map((word) => [...word][0] ?? '').filter((letter) => /\p{L}/u.test(letter)).slice(0, 2).join('').toLocaleUpperCase();
}
