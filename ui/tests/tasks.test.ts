import { fireEvent, screen } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Backend } from '../src/backend';
import { agent, connected, desk, held, noon, nothing, offered, wrapUp } from '../src/stories/cast';
import { Hand, open, settle } from './render';

const get = (id: string) => screen.getByTestId(id);
const has = (id: string) => screen.queryByTestId(id) !== null;
const press = async (id: string) => {
  await fireEvent.click(get(id));
  await settle();
};
const refused = { kind: 'refused', code: 'Service.aqm.task', message: 'Error', trackingId: 'T-1', reason: null as string | null, fieldName: null, status: 409 };
const talk = { ...connected, startedAt: noon };
const chat = { ...talk, taskId: 'lena', mediaType: 'chat', recording: 'off' as const, openUrl: true, can: { ...nothing, end: true, transfer: true, hold: true } };

/** A window whose directories and dial plan answer at once. */
async function dialing(change: Partial<typeof desk> = {}, answers: Partial<Backend> = {}) {
  const hand = new Hand({ ...desk, ...change });
  Object.assign(hand.backend, {
    directory: async (kind: string) => ({
      items: kind === 'callerNumbers' ? [{ id: 'c', name: 'Cards', detail: '', number: '+442079460100', presence: null, since: null, channel: null }] : [{ id: 'b', name: 'Tom Brandt', detail: '', number: '+49305550142', presence: null, since: null, channel: null }],
      page: 0,
      totalPages: 1,
    }),
    checkNumber: async (number: string) => (number.length < 9 ? 'tooShort' : number.startsWith('+1') ? 'notAllowed' : null),
    ...answers,
  });
  await open(hand.backend);
  await press('nav-dial');
  return hand;
}
const type = async (text: string) => {
  await fireEvent.input(get('dial-input'), { target: { value: text } });
  await vi.advanceTimersByTimeAsync(300);
};

beforeEach(() => sessionStorage.clear());

describe('dialling', () => {
  it('is not there without the right to', async () => {
    await open(new Hand({ ...desk, agent: { ...agent, outdialEnabled: false } }).backend);
    expect(has('nav-dial')).toBe(false);
  });
  it('says why a number cannot be called, and does not call it', async () => {
    const hand = await dialing();
    expect(get('dial-call').getAttribute('aria-disabled')).toBe('true');
    await type('+49 30');
    expect(get('dial-why').textContent).toContain('This number is too short for Germany.');
    await press('dial-call');
    await type('+1 202 555 0100');
    expect(get('dial-why').textContent).toContain('Your profile does not allow calls to this country.');
    await press('dial-call');
    expect(hand.called('startOutdial')).toEqual([]);
  });
  it('calls a chosen entry with the chosen caller number, and clears only when the call began', async () => {
    const hand = await dialing();
    await type('tom');
    await fireEvent.click(get('dial-found').querySelector('button') as HTMLElement);
    await vi.advanceTimersByTimeAsync(300);
    await fireEvent.change(get('dial-caller'), { target: { value: '+442079460100' } });
    await press('dial-call');
    expect(hand.called('startOutdial')).toEqual([['+49305550142', '+442079460100']]);
    expect(get('calling').textContent).toContain('Tom Brandt');
    expect(get('calling-cancel').getAttribute('aria-disabled')).toBe('true');
    await hand.fail('startOutdial', { ...refused, reason: 'CUSTOMER_BUSY' });
    expect(get('error-note').textContent).toContain('The number is busy.');
    expect((get('dial-input') as HTMLInputElement).value).toBe('+49 30 5550 142');
    await press('try-again');
    await hand.done('startOutdial');
    expect((get('dial-input') as HTMLInputElement).value).toBe('');
  });
  it('keeps what was typed while an offer covers it', async () => {
    const hand = await dialing();
    await type('+49 30 55');
    await hand.task({ ...offered, offerEndsAt: noon + 20_000, offerLastsMs: 20_000 });
    expect(has('dial-input')).toBe(false);
    expect(has('accept')).toBe(true);
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect((get('dial-input') as HTMLInputElement).value).toBe('+49 30 55');
  });
  it('types with the pad, takes a digit away, and does not ring for the agent’s own call', async () => {
    const hand = await dialing();
    for (const digit of '447') await press(`digit-${digit}`);
    await press('dial-erase');
    expect((get('dial-input') as HTMLInputElement).value).toBe('44');
    await hand.task({ ...offered, taskId: 'out', direction: 'outbound', autoAnswering: true, can: { ...nothing, end: true } });
    expect(has('accept')).toBe(false);
    expect(get('state-button').textContent).toContain('Calling');
    await press('calling-cancel');
    expect(hand.called('end')).toEqual([['out']]);
  });
});

describe('what comes after the work in hand', () => {
  it('queues a state during a call, and takes it back', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    await press('state-button');
    expect(get('state-hint').textContent).toBe('Your choice starts when this call ends.');
    await press('state-option-102');
    expect(hand.called('queueState')).toEqual([[{ state: 'Idle', auxCodeId: '102', reason: 'Lunch' }]]);
    expect(hand.called('setState')).toEqual([]);
    await hand.done('queueState');
    await hand.send({ kind: 'desk', desk: { ...desk, next: { name: 'Lunch', auxCodeId: '102', state: 'Idle' } } });
    expect(get('state-pending').textContent).toBe('then Lunch');
    await press('state-button');
    await press('state-option-102');
    expect(hand.called('queueState')[1]).toEqual([null]);
  });
  it('signs out after the call, or at once without one', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    await press('state-button');
    await press('station-logout');
    expect(hand.called('queueSignOut')).toEqual([[true]]);
    expect(hand.called('stationLogout')).toEqual([]);
  });
});

describe('several tasks', () => {
  it('hold, give away and open a digital contact', async () => {
    const hand = new Hand({ ...desk, tasks: [chat] });
    await open(hand.backend);
    await press('hold');
    await press('open-task');
    expect(hand.called('hold')).toEqual([['lena']]);
    expect(hand.called('openTask')).toEqual([['lena']]);
  });
  it('draws neither hold nor a page the centre does not offer', async () => {
    await open(new Hand({ ...desk, tasks: [{ ...chat, openUrl: false, can: { ...nothing, end: true } }] }).backend);
    expect(has('hold')).toBe(false);
    expect(has('open-task')).toBe(false);
    expect(get('transfer').getAttribute('aria-disabled')).toBe('true');
  });
  it('keep the running call on the stage while a second one rings in front', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    await hand.task({ ...offered, taskId: 'second' });
    expect(has('active-call')).toBe(true);
    expect(screen.getAllByRole('tab')[0]?.dataset['testid']).toBe('task-tab-second');
  });
  it('count what happens to a task that is not looked at', async () => {
    const hand = new Hand({ ...desk, tasks: [talk, chat] });
    await open(hand.backend);
    expect(get('unseen-lena').textContent).toBe('1');
    await press('task-tab-lena');
    expect(has('unseen-lena')).toBe(false);
  });
  it('remind of a customer who waits, once a minute', async () => {
    const hand = new Hand({ ...desk, tasks: [{ ...held, startedAt: noon - 400_000, holdSince: noon - 179_000 }, chat] });
    await open(hand.backend);
    expect(has('reminder')).toBe(false);
    hand.now = noon + 2_000;
    await vi.advanceTimersByTimeAsync(300);
    expect(get('reminder').textContent).toContain('has been on hold for 3:01');
    expect(get('task-tab-daniel').className).toContain('late');
    expect(document.querySelector('[aria-live="polite"]')?.textContent).toContain('on hold for 3 minutes');
  });
});

describe('offers of other kinds', () => {
  it('dials a campaign contact when it is taken', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task({ ...offered, preview: true, direction: 'outbound', can: { ...nothing, accept: true } });
    await press('accept');
    expect(hand.called('acceptPreview')).toEqual([['daniel']]);
    expect(hand.called('accept')).toEqual([]);
  });
  it('shows and says that a call was taken by itself, for a while', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task({ ...offered, autoAnswering: true });
    expect(has('auto-answer')).toBe(true);
    await hand.task(talk);
    expect(get('auto-answered').textContent).toContain('Connected');
    await vi.advanceTimersByTimeAsync(6_100);
    expect(has('auto-answered')).toBe(false);
  });
});

describe('a code chosen before wrap-up', () => {
  it('is still chosen there, even after the page was loaded again', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    const { unmount } = await open(hand.backend);
    await fireEvent.change(get('early-code'), { target: { value: 'code-4' } });
    unmount();
    const later = new Hand({ ...desk, tasks: [wrapUp] });
    await open(later.backend);
    await press('wrap-up-finish');
    expect(later.called('wrapup')).toEqual([['daniel', 'code-4', 'Card replaced']]);
  });
});

describe('a recording that rests', () => {
  it('counts down to the centre’s own resume', async () => {
    await open(new Hand({ ...desk, tasks: [{ ...talk, recording: 'paused', recordingPausedAt: noon - 21_000, recordingResumesAt: noon + 8_700 }] }).backend);
    expect(get('recording').textContent).toContain('0:21');
    expect(get('recording-resumes').textContent).toContain('9\u00a0s');
  });
});
