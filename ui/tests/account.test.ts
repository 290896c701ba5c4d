import { fireEvent, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';

import { connected, desk, noon } from '../src/stories/cast';
import { Hand, open, settle } from './render';

const get = (id: string) => screen.getByTestId(id);
const has = (id: string) => screen.queryByTestId(id) !== null;
const press = async (id: string) => {
  await fireEvent.click(get(id));
  await settle();
};
const signedOut = { ...desk, agent: null, station: null, state: null };
const opened = { kind: 'opened', url: 'https://id.test/authorize' } as const;
const own = (word: string, message: string) => ({ kind: 'refused', code: `Deskline.${word}`, message, trackingId: '', reason: null, fieldName: null, status: null });

async function consenting(): Promise<Hand> {
  const hand = new Hand(signedOut);
  await open(hand.backend);
  await hand.account({ canConsent: true });
  return hand;
}

describe('signing in with consent', () => {
  it('is the way where an integration is set up, and a token is the other one', async () => {
    const hand = await consenting();
    expect(has('sign-in-token')).toBe(false);
    await press('consent');
    expect(hand.called('signInWithConsent')).toEqual([['browser']]);
    await hand.fail('signInWithConsent', own('Cancelled', 'cancelled'));
    await press('use-token');
    expect(has('sign-in-token')).toBe(true);
    expect(has('consent')).toBe(false);
  });
  it('says what to do in the browser, gives the link and takes back', async () => {
    const hand = await consenting();
    await press('consent');
    await hand.account({ step: opened });
    expect(get('sign-in-opened').textContent).toContain('Go on in your browser');
    expect(get('consent').getAttribute('aria-disabled')).toBe('true');
    await press('copy-link');
    expect(hand.called('copyText')).toEqual([[opened.url]]);
    await press('cancel-sign-in');
    expect(hand.called('cancelSignIn')).toHaveLength(1);
  });
  it('offers another device while it waits, and shows its code with a warning', async () => {
    const hand = await consenting();
    await press('consent');
    await hand.account({ step: opened, offersDevice: 'noAnswer' });
    await press('use-device');
    expect(hand.called('signInWithConsent')).toEqual([['browser'], ['device']]);
    await hand.account({ step: { kind: 'code', userCode: '204816', verificationUri: 'https://id.test/verify', expiresAt: noon + 65_000 }, offersDevice: null });
    expect(get('user-code').textContent).toBe('204816');
    expect(get('verification-uri').textContent).toBe('https://id.test/verify');
    expect(get('sign-in-code').textContent).toContain('Valid for 1:05');
    expect(get('sign-in-code').textContent).toContain('Only approve if you started this');
    expect(has('offers-device')).toBe(false);
  });
  it('shows the shell’s own words when it fails, and nothing when it was taken back', async () => {
    const hand = await consenting();
    await press('consent');
    await hand.fail('signInWithConsent', own('Denied', 'You did not allow access. Sign in again and choose Allow.'));
    expect(get('error-note').textContent).toContain('choose Allow');
    await press('consent');
    expect(has('error-note')).toBe(false);
    await hand.fail('signInWithConsent', { ...own('Cancelled', 'x'), kind: 'superseded' });
    expect(has('error-note')).toBe(false);
  });
  it('uses a kept sign-in again once its service is back, or begins anew', async () => {
    const hand = new Hand(signedOut, { storedAccount: true });
    await open(hand.backend);
    await hand.account({ canConsent: true });
    await hand.fail('signIn', { ...own('Service', 'not now'), kind: 'unreachable' });
    expect(get('consent').textContent).toContain('Sign in as last time');
    await press('consent');
    expect(hand.called('signIn')).toHaveLength(2);
    await hand.fail('signIn', { ...own('Service', 'not now'), kind: 'unreachable' });
    await press('consent-again');
    expect(hand.called('signInWithConsent')).toEqual([['browser']]);
  });
  it('offers another device when no port is free', async () => {
    const hand = await consenting();
    await hand.account({ offersDevice: 'noPort' });
    expect(get('offers-device').textContent).toContain('could not come back');
  });
});

describe('a sign-in that ends while the agent works', () => {
  const talking = { ...desk, tasks: [connected] };

  it('is told with the call going on, and signs in beside it', async () => {
    const hand = new Hand(talking);
    await open(hand.backend);
    await hand.account({ canConsent: true, need: { kind: 'signIn' } });
    expect(get('account-note').textContent).toContain('Your call goes on.');
    expect(has('end')).toBe(true);
    await press('sign-in-again');
    expect(hand.called('signInWithConsent')).toEqual([['browser']]);
    await hand.account({ step: opened });
    expect(has('sign-in-opened')).toBe(true);
    expect(has('end')).toBe(true);
    await hand.account({ step: null, need: null });
    expect(has('account-note')).toBe(false);
  });
  it('is the administrator’s matter when the set-up is wrong', async () => {
    const hand = new Hand(talking);
    await open(hand.backend);
    await hand.account({ canConsent: true, need: { kind: 'setUp', text: 'The integration C1 is not accepted (tracking id T-9).' } });
    expect(get('account-note').textContent).toContain('Tell your administrator');
    expect(get('account-note').textContent).toContain('T-9');
    expect(has('sign-in-again')).toBe(false);
  });
  it('names what the sign-in does not allow before the station login', async () => {
    const hand = new Hand({ ...desk, station: null, state: null });
    await open(hand.backend);
    await hand.account({ missing: [{ scope: 'spark:webrtc_calling', cost: 'no voice in this app; use a phone or an extension' }] });
    expect(get('missing-scopes').textContent).toContain('No voice in this app; use a phone or an extension (spark:webrtc_calling).');
  });
});

describe('a session that another computer took over', () => {
  const off = { routing: 'off', calling: 'off', media: 'off' } as const;

  it('is told, and taken back here', async () => {
    const hand = new Hand({ ...desk, connection: off });
    await open(hand.backend);
    expect(get('banner').textContent).toContain('You signed in on another computer');
    await press('take-over');
    expect(hand.called('takeOver')).toHaveLength(1);
  });
  it('does not offer in a call what would end it', async () => {
    const hand = new Hand({ ...desk, connection: { ...off, media: 'up' }, tasks: [connected] });
    await open(hand.backend);
    expect(get('banner').textContent).toContain('go on talking');
    expect(has('take-over')).toBe(false);
  });
});
