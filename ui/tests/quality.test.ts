import { fireEvent, screen } from '@testing-library/svelte';
import { beforeEach, describe, expect, it } from 'vitest';

import type { QualityView } from '../src/backend/generated/QualityView';
import type { Verdict } from '../src/backend/generated/Verdict';
import { connected, desk, goodLine, noon, station } from '../src/stories/cast';
import { Hand, open, settle } from './render';

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
