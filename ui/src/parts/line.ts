import type { Stretch } from '../desk/history';

/** Patterns of the Line; the names of its style classes. */
export type LineKind = 'talk' | 'hold' | 'consult' | 'conf' | 'wrap' | 'chat' | 'idle' | 'ready' | 'done' | 'lost';

/** One piece of the Line. */
export interface LinePiece {
  kind: LineKind;
  seconds: number;
}

/** A text below the Line; without a place it goes to the ends. */
export interface LineScale {
  text: string;
  at?: number;
}

/** The pattern of each stretch; what was not seen is as thin as idle. */
export const kindOf: Record<Stretch | 'lost', LineKind> = {
  unseen: 'idle',
  talk: 'talk',
  hold: 'hold',
  consult: 'consult',
  conference: 'conf',
  wrapUp: 'wrap',
  writing: 'chat',
  lost: 'lost',
};
