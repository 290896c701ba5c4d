import type { Levels } from '../backend';
import type { Devices } from '../backend/generated/Devices';
import type { QualityView } from '../backend/generated/QualityView';
import type { Verdict } from '../backend/generated/Verdict';
import { ago, connected, desk, goodLine } from './cast';
import type { Story } from './index';

const good: Verdict = { level: 'good', side: null, direction: null, since: null };

/** What only the other side could report. */
const untold = { outLossPct: null, outJitterMs: null, outMos: null, mouthToEarMs: null };

/** Figures that look like a line's, the same at every look. */
function wobble(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const sampled = (at: number, sample: QualityView) => ({ at, change: { kind: 'quality' as const, taskId: 'daniel', sample } });

/** A minute of samples, one a second; `since` seconds ago it went wrong. */
function minute(since: number, bad: (by: () => number) => Partial<QualityView>, verdict: Partial<Verdict> & Pick<Verdict, 'level'>, lasts = 60, always: Partial<QualityView> = {}): Story['told'] {
  const by = wobble(since * 7_919 + lasts);
  return Array.from({ length: lasts }, (_, index) => {
    const seconds = lasts - 1 - index;
    const sample: QualityView = {
      ...goodLine,
      rttMs: 110 + by() * 6, jitterMs: 11 + by() * 4, lossPct: by() * 0.2, outLossPct: by() * 0.2, outJitterMs: 10 + by() * 4, mouthToEarMs: 148, bufferMs: 40, sent: 50 * index, received: 50 * index, verdict: good,
      ...(seconds <= since ? bad(by) : {}),
      ...(seconds <= since - 3 ? { verdict: { ...good, ...verdict, since: ago(since) } } : {}),
      ...always,
    };
    return sampled(ago(seconds), sample);
  });
}

/** States of call quality, of the sound's treatment, and of what is heard of the microphone. */
export function qualityStories(call: (total: number) => Story['told'], voice: Levels): Record<string, Story> {
  const open = [{ press: 'quality' }];
  const devices = (change: Partial<Devices>) => ({ at: ago(1), change: { kind: 'desk' as const, desk: { ...desk, devices: { ...desk.devices, ...change } } } });
  const losing = minute(24, (by) => ({ outLossPct: 4.2 + by() * 4, jitterMs: 30 + by() * 30, outJitterMs: 40 + by() * 14, outMos: 2.6 }), { level: 'poor', side: 'network', direction: 'out' });
  return {
    '13-call-quality': { told: [...call(233), ...losing], levels: voice, gestures: open },
    '13-quality-good': { told: [...call(233), ...minute(0, () => ({}), { level: 'good' })], levels: voice, gestures: open },
    '13-quality-measuring': { told: [...call(233), sampled(ago(1), { ...goodLine, rttMs: null, ...untold, verdict: { ...good, level: 'measuring' } })], levels: voice, gestures: open },
    '13-quality-fair': { told: [...call(233), ...minute(71, (by) => ({ rttMs: 430 + by() * 60 }), { level: 'fair', side: 'network', direction: 'both' })], levels: voice, gestures: open },
    '13-quality-far-end': { told: [...call(233), ...minute(12, (by) => ({ lossPct: 2 + by() * 3 }), { level: 'poor', side: 'farEnd', direction: 'in' })], levels: voice, gestures: open },
    '13-quality-computer': { told: [...call(233), ...minute(35, (by) => ({ jitterMs: 60 + by() * 30 }), { level: 'poor', side: 'computer', direction: 'both' }, 40)], levels: voice, gestures: open },
    '13-quality-microphone': { told: [...call(233), ...minute(15, () => ({}), { level: 'poor', side: 'microphone', direction: 'out' }), devices({ microphoneSilent: true })], levels: { input: 0, output: 0.1 }, gestures: open },
    '13-quality-untold': { told: [...call(233), ...minute(0, () => ({}), { level: 'good' }, 60, untold)], levels: voice, gestures: open },
    '11-settings-strong': { told: [{ at: ago(9), change: { kind: 'snapshot', snapshot: { ...desk, devices: { ...desk.devices, speaker: 'Built-in speakers', speakerIsHeadset: false, voice: { echo: 'auto', noise: 'strong', farNoise: true, gain: false } } } } }], gestures: [{ press: 'nav-settings' }] },
    '11-settings-trial': { told: [{ at: ago(9), change: { kind: 'snapshot', snapshot: desk } }], gestures: [{ press: 'nav-settings' }, { press: 'try-microphone' }] },
    '11-settings-in-call': { told: call(233), levels: voice, gestures: [{ press: 'speaker-button' }] },
    '12-microphone-silent': { told: [...call(233), devices({ microphoneSilent: true })], levels: { input: 0, output: 0.1 } },
    '04b-talking-while-muted': { told: [...call(233), { at: ago(20), change: { kind: 'task', task: { ...connected, startedAt: ago(233), muted: true } } }, sampled(ago(1), goodLine)], levels: { input: 0.05, output: 0.02, talkingWhileMuted: true } },
    '12-narrow-band': { told: [...call(233), devices({ narrowBand: true })], levels: voice },
    '12-speaker-gone-in-call': { told: [...call(233), devices({ missingSpeaker: 'Jabra Evolve2 65', speaker: 'Built-in speakers', speakerIsHeadset: false })], levels: voice },
    '04-quality-poor': { told: [...call(233), ...losing], levels: voice },
    '04-quality-measuring': { told: [...call(3).slice(0, 3)], levels: voice },
  };
}
