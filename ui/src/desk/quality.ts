import type { Devices } from '../backend/generated/Devices';
import type { QualityLevel } from '../backend/generated/QualityLevel';
import type { QualityView } from '../backend/generated/QualityView';
import type { Side } from '../backend/generated/Side';
import type { Verdict } from '../backend/generated/Verdict';

/** A sample and when it came, in ms since the epoch. */
export interface Measured {
  at: number;
  sample: QualityView;
}

/** How far back the drawings reach, in ms. */
export const trendLasts = 60_000;

/** The four measures that are drawn, in the order of the screen. */
export type MeasureName = 'lostOut' | 'jitter' | 'roundTrip' | 'lostIn';

/** Where each measure begins to be heard; the field's published limits. */
export const limits: Record<MeasureName, number> = { lostOut: 1, jitter: 30, roundTrip: 400, lostIn: 1 };

/** What is going on: in what way the sound suffers. */
export type Trouble = 'loss' | 'jitter' | 'delay' | 'silent' | 'narrow' | 'other';

/** A measure with its last minute. */
export interface Measure {
  name: MeasureName;
  /** The latest value; null while nobody reports it. */
  value: number | null;
  limit: number;
  isBad: boolean;
  points: { at: number; value: number }[];
}

/** The app's verdict; without one nothing is claimed. */
export function verdictOf(sample: QualityView | undefined): Verdict {
  return sample?.verdict ?? { level: 'measuring', side: null, direction: null, since: null };
}

/** Keeps the last minute of samples. */
export function remember(trend: Measured[] | undefined, sample: QualityView, at: number): Measured[] {
  const from = at - trendLasts;
  // A clock that was set back must not leave the future in front of the present.
  return [...(trend ?? []).filter((each) => each.at >= from && each.at <= at), { at, sample }];
}

/** One of the measures in a sample. */
export function valueOf(sample: QualityView, name: MeasureName): number | null {
  switch (name) {
    case 'lostOut':
      return sample.outLossPct;
    case 'lostIn':
      return sample.lossPct;
    case 'roundTrip':
      return sample.rttMs;
    case 'jitter': {
      // The worse way is the one that is heard.
      const ways = [sample.jitterMs, sample.outJitterMs].filter((value) => value !== null);
      return ways.length === 0 ? null : Math.max(...ways);
    }
  }
}

/** The four measures of a call. */
export function measuresOf(trend: Measured[]): Measure[] {
  const last = trend.at(-1);
  return (Object.keys(limits) as MeasureName[]).map((name) => {
    const value = last === undefined ? null : valueOf(last.sample, name);
    const points = trend.flatMap(({ at, sample }) => {
      const value = valueOf(sample, name);
      return value === null ? [] : [{ at, value }];
    });
    return { name, value, limit: limits[name], isBad: value !== null && value > limits[name], points };
  });
}

/** Size of a drawing, in its own units. */
export const spark = { width: 240, height: 40 };

/** The drawing of a measure: the last minute ends at the right edge; where nothing was measured the line breaks. */
export function drawSpark(measure: Measure, now: number): { line: string; area: string; limit: number } {
  const top = Math.max(measure.limit * 1.22, ...measure.points.map((point) => point.value));
  const y = (value: number) => round(spark.height - 1 - (Math.max(0, value) / top) * (spark.height - 6));
  const x = (at: number) => round(spark.width * Math.max(0, Math.min(1, 1 - (now - at) / trendLasts)));
  const runs: { at: number; value: number }[][] = [];
  for (const point of measure.points) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    // Samples come once a second; two that are missing are a gap.
    if (run === undefined || before === undefined || point.at - before.at > 3_000) runs.push([point]);
    else run.push(point);
  }
  const drawn = runs.filter((run) => run.length > 1);
  const line = drawn.map((run) => `M${run.map((point) => `${x(point.at)} ${y(point.value)}`).join('L')}`).join('');
  const area = drawn.map((run) => `M${x(run[0]?.at ?? 0)} ${spark.height}L${run.map((point) => `${x(point.at)} ${y(point.value)}`).join('L')}L${x(run.at(-1)?.at ?? 0)} ${spark.height}Z`).join('');
  return { line, area, limit: y(measure.limit) };
}
const round = (value: number) => Math.round(value * 10) / 10;

/** In what way the sound suffers, for the sentence and the advice. */
export function troubleOf(sample: QualityView, verdict: Verdict, devices: Devices): Trouble {
  if (verdict.side === 'microphone') return devices.microphoneSilent ? 'silent' : devices.narrowBand ? 'narrow' : 'other';
  const isOver = (value: number | null, limit: number) => value !== null && value > limit;
  const [counts, ways] = [verdict.direction !== 'out', verdict.direction !== 'in'];
  if ((counts && isOver(sample.lossPct, limits.lostIn)) || (ways && isOver(sample.outLossPct, limits.lostOut))) return 'loss';
  if ((counts && isOver(sample.jitterMs, limits.jitter)) || (ways && isOver(sample.outJitterMs, limits.jitter))) return 'jitter';
  return isOver(sample.rttMs, limits.roundTrip) ? 'delay' : 'other';
}

/** How long a change of quality is not spoken after another, in ms. */
const quiet = 30_000;

/** Says a change of quality once, and seldom. */
export class QualityVoice {
  #said: { level: QualityLevel; side: Side | null } = { level: 'good', side: null };
  #at = -Infinity;

  /** The verdict to speak of now, if it is news and the last news is old enough. */
  hear(verdict: Verdict, now: number): Verdict | null {
    if (verdict.level === 'measuring') return null;
    const side = verdict.level === 'good' ? null : verdict.side;
    if (verdict.level === this.#said.level && side === this.#said.side) return null;
    if (now - this.#at < quiet) return null;
    this.#said = { level: verdict.level, side };
    this.#at = now;
    return verdict;
  }
}
