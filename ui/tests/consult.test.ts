import { cleanup, fireEvent, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';

import type { Consult } from '../src/backend/generated/Consult';
import type { TaskView } from '../src/backend/generated/TaskView';
import { agent, connected, desk, held, noon, nothing } from '../src/stories/cast';
import { directories } from '../src/stories/consult';
import { Hand, open, settle } from './render';

const get = (id: string) => screen.getByTestId(id);
const has = (id: string) => screen.queryByTestId(id) !== null;
const press = async (id: string) => {
  await fireEvent.click(get(id));
  await settle();
};
const key = async (name: string, init: KeyboardEventInit = {}) => {
  await fireEvent.keyDown(document.activeElement ?? document.body, { key: name, ...init });
  await settle();
};
const type = async (text: string) => {
  await fireEvent.input(get('find-query'), { target: { value: text } });
  await vi.advanceTimersByTimeAsync(300);
};
const refused = { kind: 'refused', code: 'Service.aqm.task', message: 'Error', trackingId: 'T-1', reason: 'Priya is on a call', fieldName: null, status: 409 };
const talk: TaskView = { ...connected, startedAt: noon };
const priya: Consult = { state: 'answered', to: 'a1', name: 'Priya Raman', onHold: false, type: 'agent', isConsulted: false, since: noon, canSwitch: true };
const ready = { ...nothing, toggleMute: true, endConsult: true, consultTransfer: true, consultConference: true };
const consulting: TaskView = { ...held, startedAt: noon, holdSince: noon, phase: 'consulting', consult: priya, can: ready };

async function begin(task: TaskView = talk, lostSince: number | null = null) {
  const hand = new Hand({ ...desk, lostSince, tasks: [task] });
  hand.backend.directory = async (kind, { page }) => ({ items: kind === 'callerNumbers' ? [] : (directories[kind] ?? []), page, totalPages: 1 });
  await open(hand.backend);
  return hand;
}

describe('the search for somebody', () => {
  it('opens by tile and by key, and gives the focus back', async () => {
    await begin();
    await press('consult');
    expect(document.activeElement).toBe(get('find-query'));
    await key('Escape');
    expect(has('find')).toBe(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(document.activeElement).toBe(get('consult'));
    await key('t');
    expect(has('find')).toBe(true);
  });

  it('consults with Enter and transfers with Shift Enter, and waits for the centre', async () => {
    const hand = await begin();
    await press('consult');
    await type('pri');
    await key('Enter');
    expect(hand.called('consult')).toEqual([['daniel', 'a1', 'agent']]);
    expect(has('consulting')).toBe(false);
    await key('Enter', { shiftKey: true });
    expect(hand.called('transfer')).toEqual([]);
    await hand.done('consult');
    expect(has('find')).toBe(false);
    expect(has('active-call')).toBe(true);
    await hand.task(consulting);
    expect(get('leg-consult').textContent).toContain('Priya Raman');
  });

  it('keeps what was typed when an offer covers it', async () => {
    const hand = await begin();
    await press('consult');
    await type('noor');
    await hand.task({ ...talk, taskId: 'sofia', phase: 'offered', startedAt: null });
    expect(has('find')).toBe(false);
    await press('consult');
    expect((get('find-query') as HTMLInputElement).value).toBe('noor');
  });

  it('says who could not be reached, and offers somebody else', async () => {
    const hand = await begin();
    await press('transfer');
    await type('priya');
    await press('do-transfer');
    expect(hand.called('transfer')).toEqual([['daniel', 'a1', 'agent']]);
    await hand.fail('transfer', refused);
    await press('find-close');
    expect(get('error-note').textContent).toContain('Transfer to Priya Raman failed');
    expect(get('error-note').textContent).toContain('Priya is on a call.');
    await press('choose-other');
    expect((get('find-query') as HTMLInputElement).value).toBe('priya');
  });

  it('calls an address book entry by its number, and a typed number as it is', async () => {
    const hand = await begin();
    await press('consult');
    await type('print');
    await key('Enter');
    await hand.done('consult');
    await press('consult');
    await type('+49 30 5550142');
    await key('Enter');
    expect(hand.called('consult')).toEqual([['daniel', '+442079460123', 'dialNumber'], ['daniel', '+49305550142', 'dialNumber']]);
  });

  it('gives nobody to an entry point unasked', async () => {
    const hand = await begin();
    await press('consult');
    await press('find-scope-entryPoints');
    await press('found-e1');
    expect(has('do-transfer')).toBe(false);
    await key('Enter', { shiftKey: true });
    expect(hand.called('transfer')).toEqual([]);
    await press('do-consult');
    expect(hand.called('consult')).toEqual([['daniel', 'e1', 'entryPoint']]);
  });

  it('waits with the connection', async () => {
    const hand = await begin(talk, noon - 1_000);
    expect(get('consult').getAttribute('title')).toBe('Works again with the connection.');
    await press('consult');
    await key('c');
    expect(has('find')).toBe(false);
    expect(hand.called('consult')).toEqual([]);
  });
});

describe('a consult', () => {
  it('swaps by button and by key only where the centre lets it', async () => {
    const hand = await begin(consulting);
    await press('swap');
    expect(hand.called('switchCall')).toEqual([['daniel']]);
    await hand.done('switchCall');
    await hand.task({ ...consulting, held: false, consult: { ...priya, onHold: true } });
    expect(get('leg-customer').className).toContain('talking');
    await key('s');
    expect(hand.called('switchCall')).toHaveLength(2);
    await hand.done('switchCall');
    await hand.task({ ...consulting, consult: { ...priya, canSwitch: false } });
    await key('s');
    expect(hand.called('switchCall')).toHaveLength(2);
  });

  it('offers transfer and merge only once somebody answered', async () => {
    const hand = await begin({ ...consulting, consult: { ...priya, state: 'asked', canSwitch: false }, can: { ...nothing, endConsult: true } });
    expect(get('consult-transfer').getAttribute('title')).toBe('Possible once Priya answers.');
    await press('merge');
    expect(hand.calls.filter(([name]) => name === 'consultConference')).toEqual([]);
    expect(has('swap')).toBe(false);
    await hand.task(consulting);
    await press('merge');
    expect(hand.called('consultConference')).toEqual([['daniel']]);
    await press('consult-transfer');
    expect(hand.called('consultTransfer')).toEqual([['daniel']]);
  });

  it('says when the other side hung up, and leads back to the customer', async () => {
    const hand = await begin(consulting);
    await hand.task({ ...held, startedAt: noon });
    expect(get('error-note').textContent).toContain('Priya hung up');
    expect(get('error-note').textContent).toContain('Daniel is on hold.');
    expect(has('consult-again')).toBe(false);
    await press('back-to-customer');
    expect(hand.called('resume')).toEqual([['daniel']]);
    await hand.done('resume');
    expect(has('error-note')).toBe(true);
    await hand.task(talk);
    expect(has('error-note')).toBe(false);
  });

  it('says once that nobody answered, in whatever order it is told, and asks again', async () => {
    for (const isEventFirst of [true, false]) {
      const ringing = { ...consulting, consult: { ...priya, state: 'asked' as const, canSwitch: false }, can: { ...nothing, endConsult: true } };
      const over = { ...held, startedAt: noon, can: { ...held.can, consult: true } };
      const hand = await begin(ringing);
      const event = { kind: 'event' as const, name: 'task:consultFailed', task: over, reason: null };
      if (isEventFirst) await hand.send(event);
      await hand.task(over);
      if (!isEventFirst) await hand.send(event);
      expect(screen.getAllByTestId('error-note')).toHaveLength(1);
      expect(get('error-note').textContent).toContain('Priya did not answer');
      await press('consult-again');
      expect(hand.called('consult')).toEqual([['daniel', 'a1', 'agent']]);
      await hand.done('consult');
      await hand.task(consulting);
      expect(has('error-note')).toBe(false);
      cleanup();
    }
  });

  it('says nothing of a consult the agent ended, but does once that was refused', async () => {
    const hand = await begin(consulting);
    await press('end-consult');
    await hand.done('endConsult');
    await hand.task({ ...held, startedAt: noon });
    expect(has('error-note')).toBe(false);
    await hand.task(consulting);
    await press('end-consult');
    await hand.fail('endConsult', refused);
    await hand.task({ ...held, startedAt: noon });
    expect(get('error-note').textContent).toContain('Priya hung up');
  });

  it('ends by the dock, and the customer is named', async () => {
    const hand = await begin(consulting);
    expect(get('end-consult').textContent).toContain('End consult, back to Daniel');
    await press('end-consult');
    expect(hand.called('endConsult')).toEqual([['daniel']]);
  });

  it('shows the asked side who asks, and nothing it may not do', async () => {
    await begin({ ...talk, phase: 'consulting', consult: { ...priya, isConsulted: true, name: 'Tom Brandt', canSwitch: false }, can: { ...nothing, toggleMute: true } });
    expect(get('leg-consult').textContent).toContain('Tom Brandt');
    expect(get('asked-about').textContent).toContain('Daniel Okafor');
    for (const id of ['swap', 'consult-transfer', 'merge', 'leg-customer']) expect(has(id), id).toBe(false);
    expect(get('end-consult').getAttribute('aria-disabled')).toBe('true');
  });
});

describe('a conference', () => {
  const person = (id: string, kind: string, name: string, hasLeft = false) => ({ id, type: kind, name, hasJoined: true, hasLeft, isConsulted: false });
  const together: TaskView = {
    ...talk, phase: 'conference', conference: { agents: 2 },
    participants: [person(agent.agentId, 'Agent', agent.agentName), person('a1', 'Agent', 'Priya Raman'), person('c', 'Customer', 'Daniel Okafor'), person('a2', 'Agent', 'Noor Haddad', true)],
    can: { ...nothing, toggleMute: true, exitConference: true, transferConference: true, end: true, consult: true },
  };
  it('lists who is there, the customer first and the agent last', async () => {
    await begin(together);
    const people = [...get('conference').querySelectorAll('.person .nm')].map((each) => each.textContent);
    expect(people).toEqual(['Daniel Okafor', 'Priya Raman', 'You']);
    expect(get('conference').textContent).toContain('If you leave, Priya keeps the call with Daniel.');
  });
  it('leaves, hands over, ends for all and adds one more', async () => {
    const hand = await begin(together);
    await press('leave');
    await press('hand-over');
    await press('end');
    await press('add-person');
    expect(hand.called('exitConference')).toEqual([['daniel']]);
    expect(hand.called('transferConference')).toEqual([['daniel']]);
    expect(hand.called('end')).toEqual([['daniel']]);
    expect(has('find')).toBe(true);
  });
});
