import type { Devices } from '../backend/generated/Devices';
import type { Messages } from '../messages';
import { countdown, sum } from './format';
import { type Measured, measuresOf, verdictOf } from './quality';

const nbsp = '\u00a0';

/** `6.2 %`, `48 ms`: a share keeps one digit, a time none. */
export function amount(value: number, unit: string): string {
  return `${unit === '%' ? value.toFixed(1) : value.toFixed(0)}${nbsp}${unit}`;
}

/** What a codec is called; its rate is what is heard of it. */
export function codecName(codec: string): string {
  return ({ opus: 'Opus 48 kHz', pcmu: 'G.711 µ-law 8 kHz', pcma: 'G.711 A-law 8 kHz' } as Record<string, string>)[codec.toLowerCase()] ?? codec;
}

/** `24 s`, `3 min`, `1:05 h`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  return seconds < 60 ? countdown(seconds) : sum(seconds);
}

/** What somebody who helps wants to read. It names devices and figures, no customer, no number, no agent. */
export function qualityReport(trend: Measured[], devices: Devices, facts: string[], now: number, t: Messages): string {
  const words = t.quality.report;
  const sample = trend.at(-1)?.sample;
  const verdict = verdictOf(sample);
  const known = (value: number | null | undefined, unit: string) => (value == null ? words.unknown : amount(value, unit));
  const lines: [string, string][] = [
    [words.verdict, [t.quality[verdict.level], verdict.side === null ? '' : t.quality.sides(verdict.side, ''), verdict.direction ?? '', verdict.since === null ? '' : t.quality.began(span(now - verdict.since))].filter((part) => part !== '').join(', ')],
    ...measuresOf(trend).map((measure): [string, string] => {
      const unit = t.quality.units[measure.name];
      const values = measure.points.map((point) => point.value);
      const range = values.length === 0 ? '' : ` (${amount(Math.min(...values), unit)} … ${amount(Math.max(...values), unit)}, ${t.quality.last(span(now - (measure.points[0]?.at ?? now)))})`;
      return [t.quality.measures[measure.name], `${known(measure.value, unit)}${range}`];
    }),
  ];
  if (sample !== undefined) {
    const mos = (value: number | null | undefined) => (value == null ? words.unknown : value.toFixed(2));
    lines.push(
      [words.mosIn, mos(sample.mos)],
      [words.mosOut, mos(sample.outMos)],
      [words.codec, sample.codec === null ? words.unknown : codecName(sample.codec)],
      [words.concealed, known(sample.concealedPct, '%')],
      [words.discarded, known(sample.discardPct, '%')],
      [words.buffer, known(sample.bufferMs, 'ms')],
      [words.mouthToEar, known(sample.mouthToEarMs, 'ms')],
      [words.packets, words.sentReceived(sample.sent, sample.received)],
    );
  }
  lines.push([words.microphone, devices.microphone ?? words.unknown], [words.speaker, devices.speaker ?? words.unknown]);
  return [words.title(new Date(now).toISOString()), ...lines.map(([name, value]) => `${name}: ${value.replaceAll(nbsp, ' ')}`), ...facts.map((fact) => fact.replaceAll(nbsp, ' '))].join('\n');
}
