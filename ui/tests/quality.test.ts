import { fireEvent, screen } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Heard, Levels } from '../src/backend';
import type { QualityView } from '../src/backend/generated/QualityView';
import type { Verdict } from '../src/backend/generated/Verdict';
import { connected, desk, goodLine, noon, station, wrapUp } from '../src/stories/cast';
import { Hand, open, settle, tell } from './render';

const get = (id: string) => screen.getByTestId(id);
const has = (id: string) => screen.queryByTestId(id) !== null;
const press = async (id: string) => {
  await fireEvent.click(get(id));
  await settle();
};
const key = async (name: string) => {
  await fireEvent.keyDown(document.body, { key: name });
  await settle();
};
const talk = { ...connected, startedAt: noon };
const verdict = (change: Partial<Verdict>): Verdict => ({ level: 'poor', side: 'network', direction: 'out', since: noon, ...change });

beforeEach(() => sessionStorage.clear());

async function calling() {
  const hand = new Hand({ ...desk, tasks: [talk] });
  const { container } = await open(hand.backend);
  const measure = async (sample: Partial<QualityView>, seconds = 1) => {
    hand.now += seconds * 1_000;
    await hand.send({ kind: 'quality', taskId: 'daniel', sample: { ...goodLine, ...sample } });
  };
  return { hand, container, measure };
}

describe('call quality', () => {
  it('says that it measures until it knows', async () => {
    const { measure } = await calling();
    expect(get('quality').textContent).toContain('Measuring');
    await measure({});
    expect(get('quality').textContent).toContain('Good');
    expect(get('quality').getAttribute('aria-label')).toBe('Call quality: good. Show details');
  });

  it('is not there for a call on a phone', async () => {
    const hand = new Hand({ ...desk, station: { ...station, option: 'EXTENSION' }, tasks: [talk] });
    await open(hand.backend);
    expect(has('quality')).toBe(false);
    await key('q');
    expect(has('call-quality')).toBe(false);
  });

  it('opens with Q and with the chip, closes with Q and Escape, and gives the focus back', async () => {
    await calling();
    await key('q');
    expect(has('call-quality')).toBe(true);
    await key('q');
    expect(has('call-quality')).toBe(false);
    await press('quality');
    expect(has('call-quality')).toBe(true);
    await key('Escape');
    expect(has('call-quality')).toBe(false);
    expect(document.activeElement).toBe(get('quality'));
  });

  it('changes between the pages of the call', async () => {
    await calling();
    await press('quality');
    await press('pane-details');
    expect(has('details')).toBe(true);
    await press('pane-quality');
    expect(has('call-quality')).toBe(true);
  });

  it('names the side at fault, what each side hears, and what to do', async () => {
    const { hand, measure } = await calling();
    await measure({ outLossPct: 6.2, verdict: verdict({}) });
    await press('quality');
    expect(get('quality-verdict').textContent).toBe('Your network is losing your voice');
    hand.now += 24_000;
    await measure({ outLossPct: 6.2, verdict: verdict({ since: hand.now - 24_000 }) }, 0);
    expect(get('quality-detail').textContent).toBe('Daniel hears gaps in your voice. You hear Daniel well. It began 24\u00a0s ago.');
    expect(get('fault-path').dataset.side).toBe('network');
    expect(get('fault-path').getAttribute('aria-label')).toContain('The trouble is at: Network.');
    expect(get('quality-advice').textContent).toContain('Plug in a network cable.');
    expect(get('measure-lostOut').textContent).toContain('6.2\u00a0%');
    await measure({ verdict: verdict({ side: 'farEnd', direction: 'in' }), lossPct: 4 });
    expect(get('quality-verdict').textContent).toBe('The trouble is on Daniel’s side');
    await measure({ verdict: verdict({ level: 'good', side: null, direction: null, since: null }) });
    expect(get('quality-verdict').textContent).toBe('The line is good');
    expect(has('quality-advice')).toBe(false);
  });

  it('gives no advice while nobody knows the cause', async () => {
    const { measure } = await calling();
    await measure({ verdict: verdict({ level: 'fair', side: null, direction: 'in' }) });
    await press('quality');
    expect(get('quality-verdict').textContent).toBe('The line is not good');
    expect(get('fault-path').dataset.side).toBe('');
    expect(has('quality-advice')).toBe(false);
  });

  it('does not claim how the agent is heard while nobody reported it', async () => {
    const { measure } = await calling();
    await measure({ outLossPct: null, outMos: null });
    await press('quality');
    expect(get('quality-detail').textContent).toBe('You hear Daniel well.');
    expect(get('measure-lostOut').textContent).toContain('not reported yet');
  });

  it('is spoken once for each change', async () => {
    const { container, measure } = await calling();
    await measure({});
    await measure({ verdict: verdict({}) });
    expect(container.querySelector('[aria-live="polite"]')?.textContent).toBe('Call quality poor: your network');
  });

  it('copies a report', async () => {
    const { hand, measure } = await calling();
    await measure({ verdict: verdict({}) });
    await press('quality');
    await press('copy-report');
    const [[text]] = hand.called('copyText') as [[string]];
    expect(text).toContain('Verdict: Poor, your network');
    expect(text).not.toContain('Daniel');
    await hand.done('copyText');
    expect(get('copy-report').textContent).toContain('Copied');
  });

  it('starts anew with every call', async () => {
    const { hand, measure } = await calling();
    await measure({ verdict: verdict({}) });
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    await hand.task(talk);
    expect(get('quality').dataset.level).toBe('measuring');
  });

});

describe('the microphone', () => {
  async function muted() {
    const hand = new Hand({ ...desk, tasks: [{ ...talk, muted: true }] });
    let speak: (levels: Levels) => void = () => undefined;
    hand.backend.levels = async (listener) => {
      speak = listener;
      return () => undefined;
    };
    const { container } = await open(hand.backend);
    const talks = async (talkingWhileMuted: boolean) => {
      speak({ input: 0.1, output: 0, talkingWhileMuted });
      await settle();
    };
    const spoken = () => container.querySelector('[data-testid="live-assertive"]')?.textContent;
    return { hand, talks, spoken };
  }

  it('warns who talks while muted, lets them unmute, and goes when they stop', async () => {
    const { hand, talks, spoken } = await muted();
    await talks(false);
    expect(has('muted-toast')).toBe(false);
    await talks(true);
    expect(get('muted-toast').textContent).toContain('You are muted.');
    expect(get('mute').className).toContain('pulse');
    expect(spoken()).toBe('You are muted.');
    await press('unmute');
    expect(hand.called('toggleMute')).toEqual([['daniel']]);
    // Not before the sound says so.
    expect(get('mute').getAttribute('aria-pressed')).toBe('true');
    await hand.task({ ...talk, muted: false });
    expect(has('muted-toast')).toBe(false);
    expect(get('mute').getAttribute('aria-pressed')).toBe('false');
  });

  it('stops warning a while after the last word', async () => {
    const { hand, talks } = await muted();
    await talks(true);
    await talks(false);
    hand.now += 5_000;
    await vi.advanceTimersByTimeAsync(1_100);
    expect(has('muted-toast')).toBe(false);
  });

  it('does not warn who does not want it', async () => {
    localStorage.setItem('deskline.window', JSON.stringify({ warnMuted: false }));
    const { talks } = await muted();
    await talks(true);
    expect(has('muted-toast')).toBe(false);
  });

  it('is told to be silent, and its test is one press away', async () => {
    await tell('12-microphone-silent');
    expect(get('microphone-silent').textContent).toContain('We hear nothing from Jabra Evolve2 65');
    await press('test-microphone');
    expect(has('settings')).toBe(true);
    expect(get('trial').textContent).toBe('The bar shows your microphone in this call.');
    // It is the call's: nothing is recorded beside it.
    expect(has('try-microphone')).toBe(false);
  });
});

describe('the settings of the voice', () => {
  async function settings() {
    const hand = new Hand(desk);
    await open(hand.backend);
    await press('nav-settings');
    return hand;
  }

  it('are sent for the microphone in use, and shown at once', async () => {
    const hand = await settings();
    expect(get('voice-device').textContent).toBe('Kept for Jabra Evolve2 65.');
    await press('noise-strong');
    await press('far-noise');
    const strong = { ...desk.devices.voice, noise: 'strong' };
    expect(hand.called('setVoiceSettings')).toEqual([['Jabra Evolve2 65', strong], ['Jabra Evolve2 65', { ...strong, farNoise: false }]]);
    expect(get('noise-strong').getAttribute('aria-checked')).toBe('true');
  });

  it('go back to what holds when the change is refused', async () => {
    const hand = await settings();
    await press('echo-off');
    expect(get('echo-off').getAttribute('aria-checked')).toBe('true');
    await hand.fail('setVoiceSettings', { kind: 'invalid', code: '', message: '' });
    expect(get('echo-auto').getAttribute('aria-checked')).toBe('true');
    expect(get('settings').textContent).toContain('The sound settings did not change');
  });

  it('record the microphone and stop when asked', async () => {
    const hand = await settings();
    await press('try-microphone');
    const [[kind, listener]] = hand.called('tryDevice') as [[string, (heard: Heard) => void]];
    expect(kind).toBe('microphone');
    listener({ phase: 'recording', level: 0.1, leftMs: 3_200 });
    await settle();
    expect(get('trial').textContent).toBe('Recording, 4\u00a0s left');
    expect(get('try-microphone').textContent).toBe('Stop');
    await press('try-microphone');
    expect(hand.called('stopTrial')).toHaveLength(1);
    await hand.done('tryDevice');
    expect(get('try-microphone').textContent).toBe('Record 5 s and play');
    expect(get('trial').textContent).toBe('Aim for the middle.');
  });

  it('end a trial when their page goes', async () => {
    const hand = await settings();
    await press('try-speaker');
    await press('settings-close');
    expect(hand.called('stopTrial')).toHaveLength(1);
  });
});

describe('hearing the original', () => {
  it('lasts as long as the button is held, however it is let go', async () => {
    const { hand } = await calling();
    const button = get('hear-original');
    await fireEvent.pointerDown(button, { button: 0, pointerId: 1 });
    await fireEvent.pointerUp(button);
    await fireEvent.keyDown(button, { key: ' ' });
    await fireEvent.keyDown(button, { key: ' ' });
    await fireEvent.blur(button);
    await fireEvent.pointerDown(button, { button: 0, pointerId: 1 });
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    expect(hand.called('hearOriginal')).toEqual([[true], [false], [true], [false], [true], [false]]);
  });

  it('is not offered where nothing is cleaned', async () => {
    const voice = { ...desk.devices.voice, farNoise: false };
    await open(new Hand({ ...desk, devices: { ...desk.devices, voice }, tasks: [talk] }).backend);
    expect(has('hear-original')).toBe(false);
  });
});

describe('what stands above the stage', () => {
  const notes = () => [...document.querySelectorAll('[data-testid="active-call"] .note:not(.hold-note .note)')].map((note) => (note as HTMLElement).dataset.testid);
  const lost = (routing: 'lost' | 'restoring' | 'failed') => ({ ...desk, lostSince: noon, connection: { ...desk.connection, routing } });

  it('is one note, however much is wrong', async () => {
    const hand = new Hand({ ...desk, devices: { ...desk.devices, missingSpeaker: 'Jabra Evolve2 65' }, tasks: [talk] });
    await open(hand.backend);
    expect(notes()).toEqual(['speaker-missing']);
    await hand.account({ canConsent: true, need: { kind: 'endsSoon', at: noon } });
    expect(notes()).toEqual(['speaker-missing']);
    await hand.send({ kind: 'desk', desk: { ...lost('lost'), devices: { ...desk.devices, missingSpeaker: 'Jabra Evolve2 65' } } });
    expect(notes()).toEqual(['banner']);
    await hand.account({ need: { kind: 'signIn' } });
    expect(notes()).toEqual(['account-note']);
  });

  it('makes room, whatever it is', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    expect(has('call-data')).toBe(true);
    await hand.account({ canConsent: true, need: { kind: 'endsSoon', at: noon } });
    expect(has('call-data')).toBe(false);
  });

  it('counts the attempts it saw, and none it did not', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    for (const routing of ['lost', 'restoring', 'lost', 'restoring'] as const) await hand.send({ kind: 'desk', desk: lost(routing) });
    expect(get('banner').textContent).toContain('0:00 · try 2');
    await hand.send({ kind: 'desk', desk: lost('failed') });
    expect(get('banner').textContent).not.toContain('try');
  });

  it('does not guess attempts made before this window looked', async () => {
    const hand = new Hand({ ...lost('lost'), tasks: [talk] });
    await open(hand.backend);
    await hand.send({ kind: 'desk', desk: lost('restoring') });
    expect(get('banner').textContent).not.toContain('try');
  });

  it('says what became of the sound, by how far it is', async () => {
    const hand = new Hand({ ...desk, tasks: [talk] });
    await open(hand.backend);
    const told = [];
    for (const media of ['lost', 'restoring', 'failed'] as const) {
      await hand.send({ kind: 'desk', desk: { ...desk, connection: { ...desk.connection, media } } });
      told.push(get('banner').querySelector('.t-strong')?.textContent);
    }
    expect(told).toEqual(['The sound stopped', 'Reconnecting the sound', 'There is no sound']);
  });
});

describe('a call that broke off', () => {
  it('is told beyond its end and can be called back', async () => {
    const hand = new Hand({ ...desk, tasks: [{ ...talk, startedAt: noon - 391_000 }] });
    await open(hand.backend);
    const media = (to: 'failed' | 'off') => ({ kind: 'desk' as const, desk: { ...desk, connection: { ...desk.connection, media: to } } });
    await hand.send(media('failed'));
    await hand.send(media('off'));
    await hand.task({ ...wrapUp, startedAt: noon - 391_000, wrapUpSince: noon });
    expect(get('error-note').textContent).toContain('The call broke off after 6:31.');
    // First the work after the call.
    expect(has('call-back')).toBe(false);
    await hand.send({ kind: 'removed', taskId: 'daniel' });
    await press('call-back');
    expect(hand.called('startOutdial')).toEqual([['+442079460958', null]]);
    await hand.done('startOutdial');
    expect(has('error-note')).toBe(false);
  });

  it('is none that the agent ended', async () => {
    const hand = new Hand({ ...desk, connection: { ...desk.connection, media: 'failed' }, tasks: [talk] });
    await open(hand.backend);
    await press('end');
    await hand.task({ ...wrapUp, wrapUpSince: noon });
    expect(has('error-note')).toBe(false);
  });
});

describe('a sign-in that is kept and cannot be used', () => {
  it('says what stands in its way after a cold start', async () => {
    const hand = new Hand({ ...desk, agent: null, station: null, state: null });
    await open(hand.backend);
    await hand.account({ canConsent: true, need: { kind: 'setUp', text: 'The integration C1 is not accepted (tracking id T-9).' } });
    expect(get('account-note').textContent).toContain('Tell your administrator');
    expect(get('account-note').textContent).toContain('T-9');
    await press('consent');
    await hand.fail('signInWithConsent', { kind: 'refused', code: 'Deskline.SetUp', message: 'The integration C1 is not accepted.', trackingId: 'T-9' });
    // Once is enough.
    expect(has('account-note')).toBe(false);
    expect(has('error-note')).toBe(true);
  });
});
