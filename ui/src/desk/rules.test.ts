import { describe, expect, it } from 'vitest';

import { en } from '../messages/en';
import { messagesFor, pseudo } from '../messages';
import { available, connected, desk, held, noon, offered, station, wrapUp } from '../stories/cast';
import { announce } from './announce';
import type { AccountNeed } from '../backend';
import { type Asking, bannerOf, topNote } from './banner';
import { addCall, dayScale, daySums, freshDay, observeDay } from './day';
import { wording } from './errors';
import { meaning, type Press } from './keys';
import { type News, notice, trackingIdIn, withdrawn } from './notices';
import { find, highlight } from './search';
import { isRona, onStage, standing } from './stage';
import { stationProblem } from './station';

describe('who has the stage', () => {
  const other = { ...offered, taskId: 'other' };
  it('keeps a running call there when a second one is offered', () => {
    expect(onStage({ ...desk, tasks: [connected, other] }, null)?.taskId).toBe('daniel');
  });
  it('gives it to the offer if nothing else is there', () => {
    expect(onStage({ ...desk, tasks: [other] }, null)?.taskId).toBe('other');
  });
  it('follows the agent as long as the task is there', () => {
    expect(onStage({ ...desk, tasks: [connected, other] }, 'other')?.taskId).toBe('other');
    expect(onStage({ ...desk, tasks: [connected] }, 'other')?.taskId).toBe('daniel');
  });
  it('shows neither what cannot be taken yet nor what is over', () => {
    expect(onStage({ ...desk, tasks: [{ ...offered, phase: 'reserved' }, { ...connected, taskId: 'x', phase: 'ended' }] }, 'x')).toBeNull();
  });
});

describe('the state button', () => {
  it('says what the agent does before what the centre keeps', () => {
    expect(standing({ ...desk, tasks: [held] })).toEqual({ kind: 'engaged', media: 'call' });
    expect(standing({ ...desk, tasks: [held, { ...wrapUp, taskId: 'w' }] })).toEqual({ kind: 'tasks', count: 2 });
    expect(standing({ ...desk, tasks: [{ ...wrapUp, wrapUpSince: 5 }] })).toEqual({ kind: 'wrapUp', since: 5 });
    expect(standing({ ...desk, tasks: [offered] })).toMatchObject({ kind: 'available' });
    expect(standing({ ...desk, state: { ...available, state: 'Idle', name: 'Lunch' } })).toMatchObject({ kind: 'idle', name: 'Lunch' });
    expect(standing({ ...desk, state: null })).toEqual({ kind: 'signedOut' });
  });
  it('knows RONA by state or by the name of the code', () => {
    expect(isRona({ ...desk, state: { ...available, state: 'RONA' } })).toBe(true);
    expect(isRona({ ...desk, state: { ...available, state: 'Idle', name: 'Agent RONA' } })).toBe(true);
    expect(isRona({ ...desk, state: { ...available, state: 'Idle', name: 'Corona break' } })).toBe(false);
    expect(isRona(desk)).toBe(false);
  });
});

describe('keys', () => {
  const press = (key: string, change: Partial<Press> = {}): Press => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, repeat: false, ...change });
  const free = { typing: false, single: true };
  it.each([['a', 'accept'], ['D', 'decline'], ['m', 'mute'], ['h', 'hold'], ['r', 'recording'], ['k', 'keypad'], ['/', 'search'], ['F6', 'nextRegion']])('%s: %s', (key, action) => {
    expect(meaning(press(key), free)).toBe(action);
  });
  it('needs Shift for End and the state menu', () => {
    expect(meaning(press('E', { shiftKey: true }), free)).toBe('end');
    expect(meaning(press('e'), free)).toBeNull();
    expect(meaning(press('S', { shiftKey: true }), free)).toBe('stateMenu');
    expect(meaning(press('A', { shiftKey: true }), free)).toBeNull();
  });
  it('leaves letters to text fields, but not commands', () => {
    expect(meaning(press('a'), { ...free, typing: true })).toBeNull();
    expect(meaning(press('2', { ctrlKey: true }), { ...free, typing: true })).toEqual({ task: 2 });
    expect(meaning(press('t', { ctrlKey: true }), free)).toBe('sayTime');
  });
  it('needs Alt when single keys are off, and never takes AltGr', () => {
    const off = { typing: false, single: false };
    expect(meaning(press('m'), off)).toBeNull();
    expect(meaning(press('m', { altKey: true }), off)).toBe('mute');
    expect(meaning(press('m', { altKey: true }), free)).toBeNull();
    expect(meaning(press('m', { altKey: true, ctrlKey: true }), off)).toBeNull();
  });
  it('does nothing twice while a key is held', () => {
    expect(meaning(press('m', { repeat: true }), free)).toBeNull();
  });
});

describe('notices', () => {
  const history = { taskId: 'daniel', offeredAt: noon - 20_000, stretches: [], recording: [], pausedAt: null };
  const news: News = { name: 'task:rejected', reason: 'RONA_TIMER_EXPIRED', task: { ...offered, offerLastsMs: 20_000 }, before: offered, history, answer: null, at: noon + 400 };
  it('tells how long it rang', () => {
    expect(notice(news)).toMatchObject({ kind: 'missed', how: 'rona', rang: 20 });
  });
  it('tells a refused accept and an own refusal apart', () => {
    expect(notice({ ...news, answer: 'accepted' })).toMatchObject({ how: 'notConnected' });
    expect(notice({ ...news, answer: 'declined' })).toMatchObject({ how: 'declined' });
    expect(notice({ ...news, reason: 'AGENT_DECLINED' })).toMatchObject({ how: 'declined' });
  });
  it('knows a customer who hung up while it rang', () => {
    expect(notice({ ...news, name: 'task:end' })).toMatchObject({ how: 'hungUp' });
  });
  it('is silent about the end of a call that was taken', () => {
    const taken = { ...history, stretches: [{ from: noon - 9, what: 'talk' as const }] };
    expect(notice({ ...news, name: 'task:end', history: taken })).toBeNull();
    expect(withdrawn(connected, taken, null, noon)).toBeNull();
  });
  it('says that an offer that only left went to someone else', () => {
    expect(withdrawn(offered, history, null, noon)).toMatchObject({ how: 'elsewhere' });
  });
  it('finds a tracking id in a detail', () => {
    expect(trackingIdIn('refused, tracking id deskline_3c1f8e42-77aa-4d0e-9b1f-0e7f2c6a5d11_0')).toBe('deskline_3c1f8e42-77aa-4d0e-9b1f-0e7f2c6a5d11_0');
    expect(trackingIdIn('no id here')).toBe('');
  });
});

describe('the banner', () => {
  const lost = { ...desk, lostSince: 5, connection: { ...desk.connection, routing: 'lost' as const } };
  it('says what the loss means here', () => {
    expect(bannerOf(lost, connected, null)).toEqual({ kind: 'lost', since: 5, in: 'call' });
    expect(bannerOf(lost, null, { lasted: 3 })).toEqual({ kind: 'lost', since: 5, in: 'idle' });
  });
  it('tells of a lost voice only in a call, of a lost line only outside', () => {
    const connection = { routing: 'up', calling: 'lost', media: 'restoring' } as const;
    expect(bannerOf({ ...desk, connection }, connected, null)).toEqual({ kind: 'media', link: 'restoring' });
    expect(bannerOf({ ...desk, connection }, null, null)).toEqual({ kind: 'calling', failed: false, inCall: false });
    expect(bannerOf({ ...desk, connection, station: { ...station, option: 'EXTENSION' } }, connected, null)).toBeNull();
  });
  it('tells a line that did not come back from one that may, in a call too', () => {
    const connection = { routing: 'up', calling: 'failed', media: 'up' } as const;
    expect(bannerOf({ ...desk, connection }, connected, null)).toEqual({ kind: 'calling', failed: true, inCall: true });
    expect(bannerOf({ ...desk, connection: { ...connection, media: 'failed' } }, connected, null)).toEqual({ kind: 'media', link: 'failed' });
  });
  it('is there when it is back, and not otherwise', () => {
    expect(bannerOf(desk, null, { lasted: 19 })).toEqual({ kind: 'back', lasted: 19 });
    expect(bannerOf(desk, null, null)).toBeNull();
  });
});

describe('the one note above the stage', () => {
  const quiet: Asking = { snapshot: desk, task: null, account: null, back: null, due: null, isAuto: false, read: new Set() };
  const account = (need: AccountNeed | null) => ({ canConsent: true, need, keyring: null, missing: [], step: null, offersDevice: null });
  const kind = (change: Partial<Asking>) => topNote({ ...quiet, ...change })?.kind ?? null;
  const devices = (change: Partial<typeof desk.devices>) => ({ ...desk, devices: { ...desk.devices, ...change } });
  const lost = { ...desk, lostSince: noon, connection: { ...desk.connection, routing: 'lost' as const } };
  it('is none, or the most urgent', () => {
    expect(kind({})).toBeNull();
    expect(kind({ snapshot: lost, task: connected, account: account({ kind: 'endsSoon', at: noon }) })).toBe('connection');
    // It does not come back before somebody signed in.
    expect(kind({ snapshot: lost, task: connected, account: account({ kind: 'signIn' }) })).toBe('account');
    const mute = { ...lost, connection: { ...lost.connection, media: 'lost' as const } };
    expect(topNote({ ...quiet, snapshot: mute, task: connected, account: account({ kind: 'signIn' }) })).toEqual({ kind: 'connection', banner: { kind: 'media', link: 'lost' } });
    expect(kind({ snapshot: desk, account: account({ kind: 'notStored' }), back: { lasted: 3 } })).toBe('connection');
    expect(kind({ isAuto: true })).toBe('auto');
  });
  it('tells of devices where they matter', () => {
    const gone = devices({ missingMicrophone: 'Jabra', microphone: null });
    expect(kind({ snapshot: gone, task: connected })).toBe('microphoneGone');
    expect(kind({ snapshot: gone })).toBeNull();
    expect(kind({ snapshot: { ...gone, station: { ...station, option: 'EXTENSION' } }, task: connected })).toBeNull();
    const silent = devices({ microphoneSilent: true });
    expect(kind({ snapshot: silent, task: connected })).toBe('microphoneSilent');
    // Nobody expects to be heard while muted here, or on hold.
    expect(kind({ snapshot: silent, task: { ...connected, muted: true } })).toBeNull();
    expect(kind({ snapshot: silent, task: held })).toBeNull();
    expect(kind({ snapshot: devices({ narrowBand: true }), task: connected })).toBe('narrowBand');
    expect(kind({ snapshot: devices({ narrowBand: true, missingSpeaker: 'Jabra' }), task: connected })).toBe('speakerGone');
  });
  it('does not come back once it was read', () => {
    const snapshot = devices({ missingSpeaker: 'Jabra' });
    const note = topNote({ ...quiet, snapshot });
    expect(note?.kind).toBe('speakerGone');
    expect(topNote({ ...quiet, snapshot, read: new Set(note !== null && 'key' in note ? [note.key] : []) })).toBeNull();
  });
});

describe('errors in words', () => {
  const error = { kind: 'refused', code: '', message: '', trackingId: 'x', reason: null as string | null, fieldName: null, status: 409 };
  const failure = (reason: string | null, kind = 'refused') => ({ key: '', command: 'hold', taskId: 'daniel', target: '', about: '', state: '', again: null, error: { ...error, reason, kind } });
  it('says what it means for the customer', () => {
    expect(wording(failure(null), 'Daniel', en)).toEqual({ title: 'Hold failed', detail: 'Daniel is not on hold and can hear you. Webex refused this.' });
  });
  it('shows reasons in words, never bare codes', () => {
    expect(wording(failure('The media server is busy.'), 'Daniel', en).detail).toContain('The media server is busy.');
    expect(wording(failure('MEDIA_BUSY'), 'Daniel', en).detail).not.toContain('MEDIA_BUSY');
  });
  it('has words for kinds and commands it does not know', () => {
    expect(wording({ ...failure(null, 'odd'), command: 'dance' }, '', en).title).toBe('Webex refused this.');
  });
  it('names the station field at fault', () => {
    const wrong = { ...error, reason: 'DUPLICATE_LOCATION', fieldName: 'EXTENSION' };
    expect(stationProblem(wrong, 'EXTENSION', '4410', en)).toEqual({ field: 'EXTENSION', text: 'Extension 4410 is already in use by another agent.' });
    expect(stationProblem({ ...wrong, reason: 'INVALID_DIAL_NUMBER', fieldName: 'AGENT_DN' }, 'AGENT_DN', '1', en)?.field).toBe('AGENT_DN');
    expect(stationProblem({ ...wrong, fieldName: 'generic' }, 'AGENT_DN', '1', en)).toBeNull();
  });
});

describe('what is spoken', () => {
  const texts = (before: typeof desk, after: typeof desk) => announce(before, after, noon, en).map((each) => each.text);
  it('announces an offer once, with what is known', () => {
    const after = { ...desk, tasks: [offered] };
    expect(texts(desk, after)).toEqual(['Incoming call, Daniel Okafor, Billing Priority, Card charged twice. Accept with A.']);
    expect(texts(after, after)).toEqual([]);
  });
  it('never speaks a sensitive value', () => {
    const secret = { ...offered, variables: [{ name: 'Reason', value: '5120', isSensitive: true }] };
    expect(texts(desk, { ...desk, tasks: [secret] })[0]).not.toContain('5120');
  });
  it.each([
    [offered, connected, 'Connected'],
    [connected, held, 'On hold'],
    [held, connected, 'Resumed'],
    [connected, { ...connected, muted: true }, 'Muted'],
    [{ ...connected, muted: true }, connected, 'Microphone on'],
    [connected, { ...connected, recording: 'paused' as const }, 'Recording paused'],
    [{ ...connected, startedAt: noon - 588_000 }, { ...wrapUp, startedAt: noon - 588_000, autoWrapup: { endsAt: noon + 60_000, cancellable: true } }, 'Call ended, 9:48. Wrap-up closes in 60 seconds.'],
  ])('tells the change %#', (before, after, text) => {
    expect(texts({ ...desk, tasks: [before] }, { ...desk, tasks: [after] })).toEqual([text]);
  });
  it('tells of the connection', () => {
    expect(texts({ ...desk, tasks: [connected] }, { ...desk, tasks: [connected], lostSince: 1 })).toEqual(['Reconnecting. Your call is still up.']);
    expect(texts({ ...desk, lostSince: 1 }, desk)).toEqual(['Connected again.']);
  });
});

describe('search', () => {
  const codes = ['Card replaced', 'Refund agreed', 'Über Karte', 'No refund'].map((name) => ({ name }));
  it('puts beginnings before words before the rest, without case and accents', () => {
    expect(find(codes, 'REF').map((each) => each.name)).toEqual(['Refund agreed', 'No refund']);
    expect(find(codes, 'uber').map((each) => each.name)).toEqual(['Über Karte']);
    expect(find(codes, ' ')).toHaveLength(4);
    expect(find(codes, 'zzz')).toEqual([]);
  });
  it('marks what was found', () => {
    expect(highlight('Refund agreed', 'ref')).toEqual([{ text: 'Ref', hit: true }, { text: 'und agreed', hit: false }]);
    expect(highlight('Refund', '')).toEqual([{ text: 'Refund', hit: false }]);
  });
});

describe('the day', () => {
  it('adds up what the agent did since the window opened', () => {
    let day = observeDay(freshDay, { ...desk, state: { ...available, since: noon } }, noon + 1_000);
    day = observeDay(day, { ...desk, tasks: [offered] }, noon + 50_000);
    day = observeDay(day, { ...desk, tasks: [connected] }, noon + 60_000);
    day = observeDay(day, { ...desk, state: { ...available, state: 'Idle' } }, noon + 90_000);
    expect(daySums(day, noon + 100_000)).toEqual({ ready: 60, call: 30, idle: 10 });
    expect(observeDay(day, { ...desk, state: null }, noon).stretches).toEqual([]);
  });
  it('lists a contact once, newest first', () => {
    const history = { taskId: '', offeredAt: null, stretches: [], recording: [], pausedAt: null };
    const call = (taskId: string, endedAt: number) => ({ task: { ...connected, taskId }, history, endedAt, missed: null });
    const day = addCall(addCall(addCall(freshDay, call('a', 1)), call('b', 2)), call('a', 3));
    expect(day.calls.map((each) => [each.task.taskId, each.endedAt])).toEqual([['a', 3], ['b', 2]]);
  });
  it('rescales seldom', () => {
    expect([10, 1_800, 1_801, 20_000, 90_000].map(dayScale)).toEqual([1_800, 1_800, 3_600, 28_800, 90_000]);
  });
});

describe('words', () => {
  it('has plurals and full words for time', () => {
    expect(en.state.tasks(1)).toBe('1 task');
    expect(en.state.tasks(2)).toBe('2 tasks');
    expect(en.call.time(233)).toBe('Call time 3 minutes 53 seconds');
    expect(en.spoken(3_661)).toBe('1 hour 1 minute 1 second');
    expect(en.spoken(0)).toBe('0 seconds');
  });
  it('falls back to English', () => {
    expect(messagesFor(['xx', 'en-GB']).language).toBe('en');
    expect(messagesFor([]).messages).toBe(en);
  });
  it('stretches every text for trying the layout', () => {
    const long = pseudo(en);
    expect(long.tiles.hold.length).toBeGreaterThan(en.tiles.hold.length);
    expect(long.state.tasks(2)).toContain('2 taasks');
  });
});
