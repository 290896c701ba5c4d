import { describe, expect, it } from 'vitest';

import type { QualityView } from '../backend/generated/QualityView';
import type { Verdict } from '../backend/generated/Verdict';
import { en } from '../messages/en';
import { desk, goodLine, noon } from '../stories/cast';
import { drawSpark, type Measure, measuresOf, QualityVoice, remember, troubleOf, verdictOf } from './quality';
import { amount, qualityReport, span } from './report';

const good: Verdict = { level: 'good', side: null, direction: null, since: null };
const poor = (side: Verdict['side']): Verdict => ({ level: 'poor', side, direction: 'out', since: noon });

describe('the last minute', () => {
  it('keeps sixty seconds, whatever the clock does', () => {
    const trend = Array.from({ length: 90 }, (_, at) => noon + at * 1_000).reduce((all, at) => remember(all, goodLine, at), [] as ReturnType<typeof remember>);
    expect(trend[0]?.at).toBe(noon + 29_000);
    expect(trend.at(-1)?.at).toBe(noon + 89_000);
    // The computer's clock was set back: what seems to lie ahead is not drawn.
    expect(remember(trend, goodLine, noon)).toEqual([{ at: noon, sample: goodLine }]);
  });
  it('shows what nobody reported as unknown, and judges by the published limits', () => {
    const sample: QualityView = { ...goodLine, outLossPct: null, outJitterMs: 48, jitterMs: 6, rttMs: 401, lossPct: 1 };
    const measures = measuresOf(remember([], sample, noon));
    expect(measures.map(({ name, value, isBad }) => [name, value, isBad])).toEqual([['lostOut', null, false], ['jitter', 48, true], ['roundTrip', 401, true], ['lostIn', 1, false]]);
    expect(measuresOf([]).every((measure) => measure.value === null && measure.points.length === 0)).toBe(true);
  });
});

describe('the drawing of a measure', () => {
  const measure = (points: Measure['points']): Measure => ({ name: 'jitter', value: 1, limit: 30, isBad: false, points });
  it('ends at the right edge and breaks where nothing was measured', () => {
    const { line } = drawSpark(measure([{ at: noon - 30_000, value: 0 }, { at: noon - 29_000, value: 0 }, { at: noon - 1_000, value: 36.6 }, { at: noon, value: 36.6 }]), noon);
    expect(line).toBe('M120 39L124 39M236 5L240 5');
  });
  it('draws nothing from a single sample, and keeps the limit in sight of great values', () => {
    expect(drawSpark(measure([{ at: noon, value: 5 }]), noon).line).toBe('');
    expect(drawSpark(measure([{ at: noon - 1_000, value: 3_000 }, { at: noon, value: 3_000 }]), noon).limit).toBeLessThan(39);
  });
});

describe('what is wrong', () => {
  it('is named by what was measured on the way that suffers', () => {
    const sample: QualityView = { ...goodLine, outLossPct: 5, jitterMs: 80, rttMs: 900 };
    expect(troubleOf(sample, { ...poor('network'), direction: 'out' }, desk.devices)).toBe('loss');
    expect(troubleOf(sample, { ...poor('network'), direction: 'in' }, desk.devices)).toBe('jitter');
    expect(troubleOf({ ...sample, jitterMs: 2 }, { ...poor('network'), direction: 'in' }, desk.devices)).toBe('delay');
    expect(troubleOf(goodLine, poor('network'), desk.devices)).toBe('other');
    expect(troubleOf(sample, poor('microphone'), { ...desk.devices, microphoneSilent: true })).toBe('silent');
  });
  it('is nothing as long as nobody judged', () => {
    expect(verdictOf(undefined).level).toBe('measuring');
  });
});

describe('what is spoken of quality', () => {
  it('is each change once, and not more than one in thirty seconds', () => {
    const voice = new QualityVoice();
    expect(voice.hear(good, 0)).toBeNull();
    expect(voice.hear({ ...good, level: 'measuring' }, 500)).toBeNull();
    expect(voice.hear(poor('network'), 1_000)).toEqual(poor('network'));
    expect(voice.hear(poor('network'), 2_000)).toBeNull();
    expect(voice.hear(good, 20_000)).toBeNull();
    expect(voice.hear(poor('network'), 25_000)).toBeNull();
    // It went well again and stayed so: told late rather than never.
    expect(voice.hear(good, 30_999)).toBeNull();
    expect(voice.hear(good, 31_000)).toEqual(good);
    expect(voice.hear(poor('network'), 61_000)).toEqual(poor('network'));
    expect(voice.hear(poor('computer'), 91_000)).toEqual(poor('computer'));
  });
});

describe('the report', () => {
  it('names figures and devices, and no person', () => {
    const trend = remember(remember([], { ...goodLine, outLossPct: 6.2, verdict: poor('network') }, noon - 24_000), { ...goodLine, outLossPct: 4, outMos: null, verdict: { ...poor('network'), since: noon - 24_000 } }, noon);
    const report = qualityReport(trend, desk.devices, ['noise removal on'], noon, en);
    expect(report).toContain('Verdict: Poor, your network, out, It began 24 s ago.');
    expect(report).toContain('Lost going out: 4.0 % (4.0 % … 6.2 %, last 24 s)');
    expect(report).toContain('MOS going out: unknown');
    expect(report).toContain('Microphone: Jabra Evolve2 65');
    expect(report).toContain('noise removal on');
    expect(report).not.toMatch(/Daniel|Okafor|Marta|\+44|undefined|NaN/);
    expect(qualityReport([], desk.devices, [], noon, en)).toContain('Verdict: Measuring');
  });
  it('writes amounts and spans as they are read', () => {
    expect([amount(6.25, '%'), amount(47.6, 'ms')]).toEqual(['6.3\u00a0%', '48\u00a0ms']);
    expect([span(24_400), span(190_000), span(-5)]).toEqual(['24\u00a0s', '3\u00a0min', '0\u00a0s']);
  });
});
