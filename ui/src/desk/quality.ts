import type { QualityView } from '../backend/generated/QualityView';

/** What the chip says. */
export type QualityLevel = 'good' | 'fair' | 'poor';

/** Judges a sample by its estimated MOS, else by loss; null while nothing is measured. */
export function levelOf(sample: QualityView): QualityLevel | null {
  if (sample.mos !== null) return sample.mos >= 3.8 ? 'good' : sample.mos >= 3.1 ? 'fair' : 'poor';
  if (sample.lossPct !== null) return sample.lossPct <= 1 ? 'good' : sample.lossPct <= 5 ? 'fair' : 'poor';
  return null;
}
