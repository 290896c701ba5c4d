import { beforeEach, describe, expect, it } from 'vitest';

import { ago, connected, held, noon, offered } from '../stories/cast';
import { ChosenCodes } from './chosenCodes.svelte';
import { countryOf, isCalling, looksLike, numberIn, outdialReason, shown } from './dial';
import { notice, withdrawn } from './notices';
import { newReminders, reminderOf } from './reminders';
import { observeUnseen } from './unseen';

describe('a typed number', () => {
  it.each([
    ['+49 30 5550-142', '+49305550142'],
    ['tel:+49 (0)30 5550 142', '+49305550142'],
    [' (020) 7946 0958 ', '02079460958'],
    ['4+4', '44'],
    ['*31#12', '*31#12'],
    ['Tom', ''],
    ['555 call', ''],
  ])('%s is dialled as %s', (typed, dialled) => expect(numberIn(typed)).toBe(dialled));
  it('is shown in groups, a name as it is', () => {
    expect(shown('+442079460958')).toBe('+44 20 7946 0958');
    expect(shown(' Tom ')).toBe('Tom');
  });
  it('names a country only where it is sure', () => {
    expect(countryOf('+49305550')).toBe('Germany');
    expect(countryOf('+351210')).toBe('Portugal');
    expect(countryOf('+12025550100')).toBe('');
    expect(countryOf('4410')).toBe('');
  });
});

describe('whom a text looks like', () => {
  const history = { taskId: 'x', offeredAt: null, stretches: [], recording: [], pausedAt: null };
  const past = (name: string, number: string, mediaType = 'telephony') => ({ task: { ...connected, mediaType, customer: { name, number } }, history, endedAt: noon, missed: null });
  const entry = (name: string, number: string | null) => ({ id: name, name, detail: '', number, presence: null, since: null, channel: null });
  it('puts the day first, names it by the address book, and lists nobody twice', () => {
    const found = looksLike('+4930', [past('', '+49305550142')], [entry('Tom Brandt', '+49 30 5550 142'), entry('Nobody', null)]);
    expect(found).toEqual([{ name: 'Tom Brandt', number: '+49305550142', at: noon }]);
  });
  it('finds by name without accents, and shows only calls of the day for an empty text', () => {
    expect(looksLike('jose', [], [entry('José', '123456')]).map((each) => each.name)).toEqual(['José']);
    expect(looksLike('', [past('Lena', 'lena@mail.example', 'chat'), past('Ines', '+351210012345')], [entry('Tom', '1')]).map((each) => each.name)).toEqual(['Ines']);
  });
});

describe('a call of the agent’s own', () => {
  const out = { ...offered, direction: 'outbound' as const, autoAnswering: true };
  it('is one that is answered by itself, or that was dialled here', () => {
    expect(isCalling(out)).toBe(true);
    expect(isCalling({ ...out, autoAnswering: false })).toBe(false);
    expect(isCalling({ ...out, autoAnswering: false }, '+442079460958')).toBe(true);
    expect(isCalling({ ...out, preview: true })).toBe(false);
    expect(isCalling({ ...out, phase: 'connected' })).toBe(false);
    expect(isCalling(offered, '+442079460958')).toBe(false);
  });
  it('is never missed', () => {
    const history = { taskId: 'daniel', offeredAt: noon, stretches: [], recording: [], pausedAt: null };
    expect(withdrawn(out, history, null, noon)).toBeNull();
    expect(notice({ name: 'task:end', reason: null, task: out, before: out, history, answer: null, at: noon })).toBeNull();
    expect(withdrawn({ ...out, direction: 'inbound' }, history, null, noon)).not.toBeNull();
  });
  it('tells a failure even when its contact is gone', () => {
    expect(notice({ name: 'task:outdialFailed', reason: 'CUSTOMER_BUSY', task: out, before: out, history: undefined, answer: null, at: noon })).toMatchObject({ kind: 'told', taskId: '', detail: 'CUSTOMER_BUSY' });
  });
  it('tells who did not answer a consult', () => {
    const asking = { ...out, direction: 'inbound' as const, customer: { name: 'Daniel Okafor', number: '' }, consult: { state: 'asked' as const, to: 'p', name: 'Priya Raman', onHold: false, type: 'agent' as const, isConsulted: false, canSwitch: false } };
    expect(notice({ name: 'task:consultFailed', reason: 'NO_ANSWER', task: out, before: asking, history: undefined, answer: null, at: noon })).toMatchObject({ kind: 'told', topic: 'task:consultFailed', names: { colleague: 'Priya' } });
  });
  it.each([['CUSTOMER_BUSY', 'busy'], ['NO_ANSWER', 'noAnswer'], ['INVALID_DESTINATION', 'wrongNumber'], ['call rejected', 'refused'], ['UNKNOWN_REASON', null], [null, null]])('%s means %s', (reason, meaning) => expect(outdialReason(reason)).toBe(meaning));
});

describe('reminders', () => {
  const waits = (seconds: number) => reminderOf({ ...held, holdSince: ago(seconds) }, null, noon);
  it('come at three minutes of hold, then each minute', () => {
    expect(waits(179)).toBeNull();
    expect(waits(180)?.count).toBe(1);
    expect(waits(239)?.count).toBe(1);
    expect(waits(240)).toEqual({ what: 'hold', seconds: 240, count: 2 });
  });
  it('come when a recording rests for two minutes, by the centre’s time if it told one', () => {
    const paused = { ...connected, recording: 'paused' as const };
    expect(reminderOf(paused, ago(119), noon)).toBeNull();
    expect(reminderOf(paused, ago(120), noon)).toMatchObject({ what: 'paused', count: 1 });
    expect(reminderOf({ ...paused, recordingPausedAt: ago(10) }, ago(500), noon)).toBeNull();
    expect(reminderOf({ ...paused, phase: 'wrapUp' }, ago(500), noon)).toBeNull();
  });
  it('are told once each, and anew after the customer was back', () => {
    const due = (seconds: number) => [{ taskId: 'daniel', reminder: waits(seconds) }];
    const first = newReminders({}, due(400));
    expect(first.fresh).toHaveLength(1);
    expect(newReminders(first.told, due(401)).fresh).toEqual([]);
    expect(newReminders(first.told, due(420)).fresh).toHaveLength(1);
    expect(newReminders(newReminders(first.told, due(3)).told, due(400)).fresh).toHaveLength(1);
  });
});

describe('codes chosen during a contact', () => {
  beforeEach(() => sessionStorage.clear());
  it('live through a reload, and leave with their task', () => {
    const codes = new ChosenCodes();
    codes.choose('a', 'code-1');
    codes.choose('b', 'code-2');
    const again = new ChosenCodes();
    expect(again.of('a')).toBe('code-1');
    again.keep(['b']);
    expect(new ChosenCodes().of('a')).toBeNull();
    expect(new ChosenCodes().of('b')).toBe('code-2');
    again.choose('b', null);
    expect(new ChosenCodes().of('b')).toBeNull();
  });
  it.each(['nonsense', '[1]', '{"a":5}', 'null'])('ignore %s', (text) => {
    sessionStorage.setItem('deskline.chosenCodes', text);
    expect(new ChosenCodes().of('a')).toBeNull();
  });
});

describe('tasks that are not looked at', () => {
  it('count what happened since, and nothing once they are seen', () => {
    const first = observeUnseen({}, {}, [connected, { ...offered, taskId: 'b' }], 'daniel');
    expect(first.counts).toEqual({ b: 1 });
    const same = observeUnseen(first.seen, first.counts, [connected, { ...offered, taskId: 'b' }], 'daniel');
    expect(same.counts).toEqual({ b: 1 });
    const more = observeUnseen(same.seen, same.counts, [connected, { ...connected, taskId: 'b' }], 'daniel');
    expect(more.counts).toEqual({ b: 2 });
    expect(observeUnseen(more.seen, more.counts, [connected, { ...connected, taskId: 'b' }], 'b').counts).toEqual({});
  });
});
