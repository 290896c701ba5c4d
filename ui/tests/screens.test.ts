import { cleanup, fireEvent, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';

import { stories } from '../src/stories';
import { agent, available, connected, desk, held, noon, nothing, offered, station, wrapUp } from '../src/stories/cast';
import { Hand, open, settle, tell } from './render';

const get = (id: string) => screen.getByTestId(id);
const has = (id: string) => screen.queryByTestId(id) !== null;
const press = async (id: string) => {
  await fireEvent.click(get(id));
  await settle();
};
const key = async (name: string, init: KeyboardEventInit = {}) => {
  await fireEvent.keyDown(document.body, { key: name, ...init });
  await settle();
};
const refused = { kind: 'refused', code: 'Service.aqm.task', message: 'Error', trackingId: 'T-1', reason: null, fieldName: null, status: 409 };
const signedOut = { ...desk, agent: null, station: null, state: null };
const ring = { ...offered, offerEndsAt: noon + 20_000, offerLastsMs: 20_000 };
const talk = { ...connected, startedAt: noon };

describe('every story', () => {
  it.each(Object.keys(stories))('%s is drawn with one heading and names on every control', async (name) => {
    const { container } = await tell(name);
    expect(container.querySelectorAll('main h1')).toHaveLength(1);
    for (const control of container.querySelectorAll('button, input:not([type="checkbox"]), select')) {
      const label = control.getAttribute('aria-label') ?? (control.id === '' ? null : container.querySelector(`label[for="${control.id}"]`)?.textContent) ?? control.textContent;
      expect(label?.trim(), control.outerHTML).not.toBe('');
    }
    // Nothing the centre did not send turns up as a word of a programmer.
    expect(container.textContent).not.toMatch(/undefined|null|NaN|\[object/);
  });
});

describe('signing in', () => {
  it('sends the token and forgets it only when it was taken', async () => {
    const hand = new Hand(signedOut);
    await open(hand.backend);
    const field = get('sign-in-token') as HTMLInputElement;
    await fireEvent.input(field, { target: { value: ' abc ' } });
    await press('sign-in-submit');
    expect(hand.called('signIn')).toEqual([['abc']]);
    await hand.fail('signIn', refused);
    expect(get('error-note').textContent).toContain('Sign-in failed');
    expect(get('tracking-id').textContent).toBe('T-1');
    expect(field.value).toBe(' abc ');
    await press('sign-in-submit');
    await hand.done('signIn');
    expect(field.value).toBe('');
    expect(has('error-note')).toBe(false);
  });
  it('does not send an empty token', async () => {
    const hand = new Hand(signedOut);
    await open(hand.backend);
    await press('sign-in-submit');
    expect(hand.called('signIn')).toEqual([]);
  });
  it('uses a kept account once by itself', async () => {
    const hand = new Hand(signedOut, { storedAccount: true });
    await open(hand.backend);
    expect(hand.called('signIn')).toEqual([[undefined]]);
    await hand.fail('signIn', refused);
    expect(hand.called('signIn')).toHaveLength(1);
    expect(get('sign-in-submit').textContent).toContain('Sign in as last time');
  });
  it('offers the session only when there is no password store, and says why', async () => {
    const hand = new Hand(signedOut, { credentialStore: 'memory', credentialProblem: 'no bus' });
    await open(hand.backend);
    expect(get('session-only').textContent).toContain('no bus');
    expect(get('sign-in-submit').textContent).toContain('for this session only');
  });
  it('starts the sandbox, and hides it where there is none', async () => {
    const hand = new Hand(signedOut);
    const { unmount } = await open(hand.backend);
    await press('practice');
    expect(hand.called('startSandbox')).toHaveLength(1);
    unmount();
    await open(new Hand(signedOut, { sandboxAvailable: false }).backend);
    expect(has('practice')).toBe(false);
  });
});

describe('station login', () => {
  const atStation = { ...desk, station: null, state: null };
  it('logs in on this computer with the default team', async () => {
    const hand = new Hand(atStation);
    await open(hand.backend);
    await press('station-login');
    expect(hand.called('stationLogin')).toEqual([[{ teamId: 'team-1', loginOption: 'BROWSER' }]]);
  });
  it('asks for the number before it bothers the centre', async () => {
    const hand = new Hand(atStation);
    await open(hand.backend);
    await press('login-option-EXTENSION');
    await press('station-login');
    expect(hand.called('stationLogin')).toEqual([]);
    expect(get('dial-number-problem').textContent).toContain('Enter the extension');
  });
  it('shows the refusal at the field that is at fault', async () => {
    const hand = new Hand(atStation);
    await open(hand.backend);
    await fireEvent.change(get('team'), { target: { value: 'team-2' } });
    await press('login-option-EXTENSION');
    await fireEvent.input(get('dial-number'), { target: { value: '4410' } });
    await press('station-login');
    expect(hand.called('stationLogin')).toEqual([[{ teamId: 'team-2', loginOption: 'EXTENSION', dialNumber: '4410' }]]);
    await hand.fail('stationLogin', { ...refused, reason: 'DUPLICATE_LOCATION', fieldName: 'EXTENSION' });
    expect(get('dial-number-problem').textContent).toContain('Extension 4410 is already in use');
    expect(get('dial-number').getAttribute('aria-invalid')).toBe('true');
    expect(has('error-note')).toBe(false);
    await press('login-option-BROWSER');
    expect(has('error-note')).toBe(false);
  });
  it('offers only the ways the agent may use', async () => {
    await open(new Hand({ ...atStation, agent: { ...agent, loginOptions: ['AGENT_DN'], defaultDialNumber: '+442079460100' } }).backend);
    expect(has('login-option-BROWSER')).toBe(false);
    expect((get('dial-number') as HTMLInputElement).value).toBe('+442079460100');
  });
  it('remembers team and device, if wanted', async () => {
    const hand = new Hand(atStation);
    const { unmount } = await open(hand.backend);
    await fireEvent.change(get('team'), { target: { value: 'team-2' } });
    await press('station-login');
    await hand.done('stationLogin');
    unmount();
    await open(new Hand(atStation).backend);
    expect((get('team') as HTMLSelectElement).value).toBe('team-2');
  });
});

describe('an offer', () => {
  it('counts whole seconds to the return to the queue', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task(ring);
    expect(get('ring-left').textContent).toBe('20\u00a0s');
    hand.now = noon + 15_100;
    await vi.advanceTimersByTimeAsync(250);
    expect(get('ring-left').textContent).toBe('5\u00a0s');
    expect(get('live-assertive').textContent).toBe('5 seconds');
  });
  it('is accepted once, and End comes only 600 ms after the call', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task(ring);
    await press('accept');
    await press('accept');
    await key('a');
    expect(hand.called('accept')).toEqual([['daniel']]);
    expect(has('ring-field')).toBe(true);
    await hand.task(talk);
    await hand.done('accept');
    expect(has('active-call')).toBe(true);
    expect(has('end')).toBe(false);
    await key('E', { shiftKey: true });
    expect(hand.called('end')).toEqual([]);
    await vi.advanceTimersByTimeAsync(600);
    await press('end');
    expect(hand.called('end')).toEqual([['daniel']]);
  });
  it('silences the sound and keeps ringing on screen', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task(ring);
    await press('silence');
    expect(hand.called('silenceRing')).toHaveLength(1);
    expect(has('ring-field')).toBe(true);
  });
  it('leaves a note when it was missed, until the agent is available again', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task(ring);
    hand.now = noon + 20_000;
    await hand.send({ kind: 'desk', desk: { ...desk, state: { ...available, state: 'RONA', name: 'RONA', since: hand.now } } });
    await hand.send({ kind: 'event', name: 'task:rejected', task: { ...ring, can: nothing }, reason: 'RONA_TIMER_EXPIRED' });
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect(get('missed-note').textContent).toContain('Daniel Okafor went back to the queue');
    expect(get('missed-note').textContent).toContain('It rang for 20\u00a0s. You get no calls until you are available again.');
    await press('go-available');
    expect(hand.called('setState')).toEqual([[{ state: 'Available', auxCodeId: '0', reason: 'Available' }]]);
    await hand.send({ kind: 'desk', desk });
    await hand.done('setState');
    expect(has('missed-note')).toBe(false);
  });
  it('that went elsewhere says that the agent is still available', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task(ring);
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect(get('missed-note').textContent).toContain('The call went to someone else');
    expect(get('missed-note').textContent).toContain('You are still available.');
  });
  it('that could not be connected keeps the tracking id', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task(ring);
    await press('accept');
    await hand.fail('accept', refused);
    expect(get('error-note').textContent).toContain('The call could not be connected to you');
    await hand.send({ kind: 'event', name: 'task:rejected', task: ring, reason: 'ASSIGN_FAILED' });
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect(has('error-note')).toBe(false);
    expect(get('missed-note').textContent).toContain('The call could not be connected to you.');
    expect(get('tracking-id').textContent).toBe('T-1');
  });
  it('that was declined tells so', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await hand.task(ring);
    await press('decline');
    expect(hand.called('decline')).toEqual([['daniel']]);
    await hand.send({ kind: 'event', name: 'task:rejected', task: ring, reason: 'x' });
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect(get('missed-note').textContent).toContain('You declined.');
  });
  it('beside a call comes as a tab; the call keeps the stage', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    await hand.task({ ...ring, taskId: 'second' });
    expect(has('active-call')).toBe(true);
    expect(get('task-tab-second').textContent).toContain('Ringing');
    await press('task-tab-second');
    expect(has('ring-field')).toBe(true);
    await press('task-tab-daniel');
    expect(has('active-call')).toBe(true);
  });
});

describe('a call', () => {
  const begin = async (task = talk) => {
    const hand = new Hand({ ...desk, tasks: [task] });
    await open(hand.backend);
    return hand;
  };
  it('runs its clock from the time of the service', async () => {
    const hand = await begin({ ...talk, startedAt: noon - 233_000 });
    expect(get('call-clock').textContent).toBe('3:53');
    hand.now = noon + 1_000;
    await vi.advanceTimersByTimeAsync(250);
    expect(get('call-clock').textContent).toBe('3:54');
  });
  it('is on hold only when the centre says so', async () => {
    const hand = await begin();
    await press('hold');
    expect(hand.called('hold')).toEqual([['daniel']]);
    expect(has('on-hold')).toBe(false);
    expect(get('hold').getAttribute('aria-busy')).toBe('true');
    await vi.advanceTimersByTimeAsync(200);
    expect(get('hold').querySelector('.busy')).not.toBeNull();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(get('hold').textContent).toContain('Still trying');
    await press('hold');
    expect(hand.called('hold')).toHaveLength(1);
    await hand.task({ ...held, startedAt: noon, holdSince: noon });
    await hand.done('hold');
    expect(get('on-hold').textContent).toContain('Daniel hears music, not you.');
    hand.now = noon + 84_000;
    await vi.advanceTimersByTimeAsync(250);
    expect(get('hold-clock').textContent).toBe('1:24');
    await press('resume');
    expect(hand.called('resume')).toEqual([['daniel']]);
  });
  it('says what a refused hold means, with tracking id, copy and retry', async () => {
    const hand = await begin();
    await press('hold');
    await hand.fail('hold', refused);
    expect(get('error-note').textContent).toContain('Daniel is not on hold and can hear you.');
    await press('copy-tracking-id');
    expect(hand.called('copyText')).toEqual([['T-1']]);
    await press('try-again');
    expect(hand.called('hold')).toHaveLength(2);
    expect(has('error-note')).toBe(false);
  });
  it('takes the note away when the call has changed anyway', async () => {
    const hand = await begin();
    await press('hold');
    await hand.fail('hold', refused);
    await hand.task({ ...held, startedAt: noon, holdSince: noon });
    expect(has('error-note')).toBe(false);
  });
  it('keeps quiet about a command that a newer one replaced', async () => {
    const hand = await begin();
    await press('hold');
    await hand.fail('hold', { ...refused, kind: 'superseded' });
    expect(has('error-note')).toBe(false);
  });
  it('shows mute as a pressed button of the same name', async () => {
    const hand = await begin();
    await key('m');
    expect(hand.called('toggleMute')).toEqual([['daniel']]);
    expect(get('mute').getAttribute('aria-pressed')).toBe('false');
    await hand.task({ ...talk, muted: true });
    await hand.done('toggleMute');
    expect(get('mute').getAttribute('aria-pressed')).toBe('true');
    expect(get('mute').textContent).toContain('Mute');
    expect(get('live-polite').textContent).toBe('Muted');
  });
  it('pauses and resumes the recording', async () => {
    const hand = await begin();
    await press('recording-toggle');
    expect(hand.called('pauseRecording')).toEqual([['daniel']]);
    await hand.task({ ...talk, recording: 'paused' });
    await hand.done('pauseRecording');
    await press('recording-toggle');
    expect(hand.called('resumeRecording')).toEqual([['daniel']]);
  });
  it('says nothing of a recording there is not', async () => {
    await begin({ ...talk, recording: 'off' });
    expect(has('recording-toggle')).toBe(false);
    expect(document.body.textContent).not.toContain('Recording');
  });
  it('sends digits typed and pressed, in order', async () => {
    const hand = await begin();
    await key('k');
    await press('digit-4');
    await key('#');
    expect(hand.called('sendDigits')).toEqual([['daniel', '4']]);
    await hand.done('sendDigits');
    expect(hand.called('sendDigits')).toEqual([['daniel', '4'], ['daniel', '#']]);
    await hand.done('sendDigits');
    expect(get('digits').textContent).toBe('4#');
    await key('Escape');
    expect(has('keypad-panel')).toBe(false);
  });
  it('draws what the centre does not allow now disabled, with the reason', async () => {
    await begin({ ...talk, can: { ...talk.can, consult: false, transfer: false } });
    for (const id of ['consult', 'transfer', 'conference']) {
      expect(get(id).getAttribute('aria-disabled')).toBe('true');
      expect(get(id).getAttribute('title')).toBe('Your contact centre does not allow this now.');
    }
  });
  it('keeps mute and keypad while the connection is lost, and lets the rest wait', async () => {
    const hand = await begin();
    await hand.send({ kind: 'desk', desk: { ...desk, lostSince: noon - 7_000 } });
    expect(get('banner').textContent).toContain('Your call is still up. Keep talking.');
    expect(get('hold').getAttribute('aria-disabled')).toBe('true');
    expect(get('mute').getAttribute('aria-disabled')).toBe('false');
    expect(get('keypad').getAttribute('aria-disabled')).toBe('false');
    await press('hold');
    await key('h');
    expect(hand.called('hold')).toEqual([]);
    expect(get('end').getAttribute('aria-disabled')).toBe('false');
    await hand.send({ kind: 'desk', desk });
    expect(get('banner').textContent).toContain('Connected again after 0:07');
    await vi.advanceTimersByTimeAsync(6_100);
    expect(has('banner')).toBe(false);
  });
  it('tells that the customer cannot hear the agent when the microphone is gone', async () => {
    const hand = await begin();
    await hand.send({ kind: 'desk', desk: { ...desk, devices: { ...desk.devices, missingMicrophone: 'Jabra', microphones: ['Built-in microphone'] } } });
    expect(get('microphone-missing').textContent).toContain('Daniel cannot hear you');
    await press('use-microphone');
    expect(hand.called('chooseDevice')).toEqual([['microphone', 'Built-in microphone']]);
  });
  it('leaves to the phone what the phone does', async () => {
    const onPhone = { ...desk, station: { ...station, option: 'EXTENSION' as const, dialNumber: '4410' }, agent: { ...agent, endCallEnabled: false } };
    await open(new Hand({ ...onPhone, tasks: [talk] }).backend);
    expect([has('mute'), has('keypad'), has('end'), has('hold')]).toEqual([false, false, false, true]);
  });
  it('tells that the sound moved to another speaker, once', async () => {
    const hand = await begin();
    const moved = { ...desk, devices: { ...desk.devices, speaker: 'Built-in speakers', missingSpeaker: 'Jabra Evolve2 65' } };
    await hand.send({ kind: 'desk', desk: moved });
    expect(get('speaker-missing').textContent).toContain('Sound moved to Built-in speakers.');
    await fireEvent.click(screen.getByLabelText('Dismiss'));
    await hand.send({ kind: 'desk', desk: { ...moved } });
    expect(has('speaker-missing')).toBe(false);
  });
  it('chooses tasks by number in the order of the tabs', async () => {
    const hand = await begin();
    await hand.task({ ...ring, taskId: 'second' });
    await key('1', { ctrlKey: true });
    expect(has('ring-field')).toBe(true);
    await key('Tab', { ctrlKey: true });
    expect(has('active-call')).toBe(true);
  });
  it('says the call time when asked, and never by itself', async () => {
    await begin({ ...talk, startedAt: noon - 233_000 });
    expect(get('live-assertive').textContent).toBe('');
    await key('t', { ctrlKey: true });
    expect(get('live-assertive').textContent).toBe('Call time 3 minutes 53 seconds');
  });
  it('draws the line with its sentence, and keeps it over a reload of the page', async () => {
    const began = noon - 60_000;
    const hand = new Hand({ ...desk, tasks: [{ ...talk, startedAt: began }] });
    hand.now = began;
    const { unmount } = await open(hand.backend);
    hand.now = began + 30_000;
    await hand.task({ ...held, startedAt: began, holdSince: hand.now });
    unmount();
    const again = new Hand({ ...desk, tasks: [{ ...held, startedAt: began, holdSince: began + 30_000 }] });
    await open(again.backend);
    expect(screen.getByRole('img', { name: 'Talked 0:30, on hold 0:30' })).toBeTruthy();
  });
  it('subscribes again when an update is missing, and shows what is true now', async () => {
    const hand = await begin();
    await hand.send({ kind: 'task', task: { ...talk, muted: true } }, 1);
    expect(hand.subscriptions).toBe(2);
    expect(get('mute').getAttribute('aria-pressed')).toBe('false');
    await hand.task({ ...talk, muted: true });
    expect(get('mute').getAttribute('aria-pressed')).toBe('true');
  });
});

describe('wrap-up', () => {
  const due = { ...wrapUp, startedAt: noon - 60_000, wrapUpSince: noon, autoWrapup: { endsAt: noon + 60_000, cancellable: true }, can: { ...nothing, wrapup: true, cancelAutoWrapupTimer: true } };
  const begin = async (task = due) => {
    const hand = new Hand({ ...desk, tasks: [task] });
    await open(hand.backend);
    return hand;
  };
  it('finds a code and finishes with it', async () => {
    const hand = await begin();
    expect(get('wrap-up-finish').getAttribute('aria-disabled')).toBe('true');
    await fireEvent.input(get('wrap-up-search'), { target: { value: 'tier' } });
    await settle();
    expect(has('wrap-up-code-code-3')).toBe(true);
    expect(has('wrap-up-code-code-1')).toBe(false);
    await press('wrap-up-finish');
    expect(hand.called('wrapup')).toEqual([['daniel', 'code-3', 'Refund, escalated to Tier 2']]);
  });
  it('takes a click and the keys 1 to 9, then Enter', async () => {
    const hand = await begin();
    await press('wrap-up-code-code-4');
    expect(get('wrap-up-code-code-4').getAttribute('aria-selected')).toBe('true');
    await key('2', { code: 'Digit2' });
    expect(get('wrap-up-code-code-2').getAttribute('aria-selected')).toBe('true');
    await key('Enter');
    expect(hand.called('wrapup')).toEqual([['daniel', 'code-2', 'Refund refused']]);
  });
  it('calls favourite only what was really used, and only beside a search', async () => {
    for (const _ of [1, 2]) {
      const hand = await begin();
      await press('wrap-up-code-code-4');
      await press('wrap-up-finish');
      await hand.done('wrapup');
      cleanup();
    }
    await begin();
    expect(document.body.textContent).not.toContain('You use these most');
    await fireEvent.input(get('wrap-up-search'), { target: { value: 'refund' } });
    await settle();
    expect(document.body.textContent).toContain('You use these most');
    expect(screen.getAllByRole('option').map((row) => row.getAttribute('data-testid'))).toEqual(['wrap-up-code-code-1', 'wrap-up-code-code-2', 'wrap-up-code-code-3', 'wrap-up-code-code-4']);
  });
  it('keeps the choice when it could not be saved', async () => {
    const hand = await begin();
    await press('wrap-up-code-code-4');
    await press('wrap-up-finish');
    await hand.fail('wrapup', refused);
    expect(get('error-note').textContent).toContain('Wrap-up was not saved');
    expect(get('wrap-up-code-code-4').getAttribute('aria-selected')).toBe('true');
    await press('try-again');
    expect(hand.called('wrapup')).toHaveLength(2);
  });
  it('counts down to the default code and can be kept open', async () => {
    const hand = await begin();
    expect(get('wrap-up').textContent).toContain('1:00');
    expect(get('auto-wrap-up').textContent).toContain('Information given');
    await press('keep-open');
    expect(hand.called('cancelAutoWrapup')).toEqual([['daniel']]);
    const { autoWrapup: _gone, ...kept } = due;
    await hand.task(kept as typeof due);
    expect(has('keep-open')).toBe(false);
  });
  it('does not offer to keep it open where the centre forbids it', async () => {
    await begin({ ...due, autoWrapup: { endsAt: noon + 60_000, cancellable: false } });
    expect(has('keep-open')).toBe(false);
  });
  it('tells that wrap-up was not sent by itself', async () => {
    const hand = await begin();
    await hand.send({ kind: 'event', name: 'autoWrapupFailed', task: due, reason: 'x_3c1f8e42-77aa-4d0e-9b1f-0e7f2c6a5d11' });
    expect(get('error-note').textContent).toContain('Wrap-up was not sent by itself');
    expect(get('tracking-id').textContent).toContain('3c1f8e42');
  });
  it('tells that the sound of a call did not come back after a restart', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    await hand.send({ kind: 'event', name: 'voiceNotAttached', task: talk, reason: 'x' });
    expect(get('error-note').textContent).toContain('You cannot hear this call here');
    expect(has('end')).toBe(true);
  });
  it('ends in the list of last calls', async () => {
    const hand = await begin();
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect(has('idle')).toBe(true);
    expect(get('last-calls').textContent).toContain('Daniel Okafor');
  });
});

describe('the state menu', () => {
  it('shows what may be chosen, never what the system sets', async () => {
    await open(new Hand(desk).backend);
    await press('state-button');
    expect(has('state-option-0')).toBe(true);
    expect(has('state-option-102')).toBe(true);
    expect(has('state-option-199')).toBe(false);
    expect(get('state-option-0').getAttribute('aria-selected')).toBe('true');
  });
  it('filters, chooses and closes', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await key('S', { shiftKey: true });
    await fireEvent.input(get('state-filter'), { target: { value: 'lu' } });
    await fireEvent.keyDown(get('state-filter'), { key: 'Enter' });
    await settle();
    expect(hand.called('setState')).toEqual([[{ state: 'Idle', auxCodeId: '102', reason: 'Lunch' }]]);
    expect(has('state-menu')).toBe(false);
    await hand.send({ kind: 'desk', desk: { ...desk, state: { ...available, pending: '102' } } });
    expect(get('state-pending').textContent).toBe('then Lunch');
    await hand.fail('setState', refused);
    expect(get('error-note').textContent).toContain('Your state did not change');
    expect(get('error-note').textContent).toContain('You are still available.');
  });
  it('lets nobody leave the station during a task', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    await press('state-button');
    await press('station-logout');
    expect(hand.called('stationLogout')).toEqual([]);
  });
  it('closes with Escape', async () => {
    await open(new Hand(desk).backend);
    await press('state-button');
    await fireEvent.keyDown(window, { key: 'Escape' });
    await settle();
    expect(has('state-menu')).toBe(false);
  });
});

describe('the window', () => {
  it('says it is ready once, after the first snapshot', async () => {
    const hand = new Hand(desk);
    await open(hand.backend);
    await vi.advanceTimersByTimeAsync(100);
    await hand.task(ring);
    await vi.advanceTimersByTimeAsync(100);
    expect(hand.called('windowReady')).toHaveLength(1);
  });
  it('masks sensitive values', async () => {
    await open(new Hand({ ...desk, tasks: [{ ...talk, variables: [{ name: 'Card', value: '5120334109', isSensitive: true }] }] }).backend);
    expect(document.body.textContent).toContain('Card');
    expect(document.body.innerHTML).not.toContain('5120334109');
  });
  it('starts with an empty day for another agent', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect(has('last-calls')).toBe(true);
    await hand.send({ kind: 'snapshot', snapshot: signedOut });
    expect(has('sign-in')).toBe(true);
    await hand.send({ kind: 'snapshot', snapshot: { ...desk, agent: { ...agent, agentId: 'agent-2' } } });
    expect(has('idle')).toBe(true);
    expect(has('last-calls')).toBe(false);
  });
  it('forgets a failed sign-in when the agent is in another way', async () => {
    const hand = new Hand(signedOut);
    await open(hand.backend);
    await fireEvent.input(get('sign-in-token'), { target: { value: 'abc' } });
    await press('sign-in-submit');
    await hand.fail('signIn', refused);
    await hand.send({ kind: 'snapshot', snapshot: { ...desk, station: null, state: null } });
    expect(has('station-login-form')).toBe(true);
    expect(has('error-note')).toBe(false);
  });
  it('takes a chat as a simple contact', async () => {
    const chat = { ...talk, taskId: 'chat', mediaType: 'chat', can: { ...nothing, end: true } };
    const hand = new Hand({ ...desk, tasks: [chat] });
    await open(hand.backend);
    await press('end');
    expect(hand.called('end')).toEqual([['chat']]);
    await hand.task({ ...chat, phase: 'wrapUp', wrapUpRequired: true, can: { ...nothing, wrapup: true } });
    expect(has('wrap-up')).toBe(true);
  });
  it('has the microphone screen only when it is needed', async () => {
    const hand = new Hand({ ...desk, devices: { ...desk.devices, missingMicrophone: 'Jabra Evolve2 65', microphone: null, microphones: ['Built-in microphone'] } });
    await open(hand.backend);
    expect(get('microphone-missing').textContent).toContain('Jabra Evolve2 65 was unplugged');
    await hand.send({ kind: 'desk', desk });
    expect(has('microphone-missing')).toBe(false);
    expect(has('idle')).toBe(true);
  });
  it('tries again when the bridge is broken', async () => {
    const hand = new Hand(desk);
    const { subscribe } = hand.backend;
    let broken = true;
    hand.backend.subscribe = (listener) => (broken ? Promise.reject(new Error('gone')) : subscribe(listener));
    await open(hand.backend);
    expect(document.body.textContent).toContain('Deskline is starting again');
    broken = false;
    await vi.advanceTimersByTimeAsync(1_100);
    expect(has('idle')).toBe(true);
  });
});
