import { describe, expect, it } from 'vitest';

import type { TaskView } from '../backend/generated/TaskView';
import { connected, held, offered, wrapUp } from '../stories/cast';
import { draw, type History, observe, parseHistories, pauses, scaleFor, sums } from './history';

/** Feeds views seen at the given seconds. */
function watch(...seen: [number, TaskView][]): History {
  let history: History | undefined;
  for (const [second, task] of seen) history = observe(history, task, second * 1_000);
  if (history === undefined) throw new Error('nothing was seen');
  return history;
}
const at = (startedAt: number, view: TaskView, change: Partial<TaskView> = {}): TaskView => ({ ...view, startedAt: startedAt * 1_000, ...change });

describe('the line of a call', () => {
  it('is drawn from what was seen, with the times of the service', () => {
    const history = watch([90, offered], [100, at(100, connected)], [233, at(100, held, { holdSince: 232_000 })], [274, at(100, connected)], [334, at(100, wrapUp, { wrapUpSince: 333_000 })]);
    expect(draw(history, 340_000).pieces).toEqual([
      { what: 'talk', seconds: 132 },
      { what: 'hold', seconds: 42 },
      { what: 'talk', seconds: 59 },
      { what: 'wrapUp', seconds: 7 },
    ]);
    expect(sums(history, 340_000)).toEqual({ talk: 191, hold: 42, wrapUp: 7 });
  });
  it('leaves open what happened before the window looked', () => {
    expect(draw(watch([200, at(100, connected)]), 210_000).pieces).toEqual([{ what: 'unseen', seconds: 100 }, { what: 'talk', seconds: 10 }]);
    expect(draw(watch([200, at(100, held, { holdSince: 180_000 })]), 210_000).pieces).toEqual([{ what: 'unseen', seconds: 80 }, { what: 'hold', seconds: 30 }]);
  });
  it('does not call a second of delay unseen', () => {
    expect(draw(watch([101, at(100, connected)]), 110_000).pieces).toEqual([{ what: 'talk', seconds: 10 }]);
  });
  it('never grows backwards when the service is late or early', () => {
    const history = watch([0, at(0, connected)], [10, at(0, held, { holdSince: 60_000 })], [20, at(0, connected)]);
    expect(draw(history, 30_000).pieces).toEqual([{ what: 'talk', seconds: 10 }, { what: 'hold', seconds: 10 }, { what: 'talk', seconds: 10 }]);
    expect(draw(history, -5_000).total).toBe(0);
  });
  it('shows the lost connection at the end only while it is lost', () => {
    const history = watch([0, at(0, connected)]);
    expect(draw(history, 30_000, 20_000).pieces).toEqual([{ what: 'talk', seconds: 20 }, { what: 'lost', seconds: 10 }]);
    expect(draw(history, 30_000).pieces).toEqual([{ what: 'talk', seconds: 30 }]);
  });
  it('stays the same value when nothing changed', () => {
    const before = watch([0, at(0, connected)]);
    expect(observe(before, at(0, connected, { muted: true }), 5_000)).toBe(before);
  });
  it('leaves no line for an offer that was never taken', () => {
    expect(watch([0, offered], [20, { ...offered, phase: 'ended' }]).stretches).toEqual([]);
  });
});

describe('the recording thread', () => {
  it('has a gap where the recording was paused', () => {
    const history = watch([0, at(0, connected)], [60, at(0, connected, { recording: 'paused' })], [81, at(0, connected)]);
    expect(draw(history, 100_000).recording).toEqual([{ on: true, seconds: 60 }, { on: false, seconds: 21 }, { on: true, seconds: 19 }]);
    expect(pauses(history, 100_000)).toEqual({ count: 1, seconds: 21, firstAt: 60_000 });
  });
  it('begins where recording began', () => {
    const history = watch([0, at(0, connected, { recording: 'off' })], [30, at(0, connected)]);
    expect(draw(history, 40_000).recording).toEqual([{ on: false, seconds: 30 }, { on: true, seconds: 10 }]);
  });
  it('knows since when it is paused, and that wrap-up is no pause', () => {
    const history = watch([0, at(0, connected)], [60, at(0, connected, { recording: 'paused' })], [70, at(0, connected, { recording: 'paused', muted: true })]);
    expect(history.pausedAt).toBe(60_000);
    const over = watch([0, at(0, connected)], [60, at(0, wrapUp, { wrapUpSince: 60_000, recording: 'off' })]);
    expect(pauses(over, 90_000).count).toBe(0);
  });
});

describe('scale and storage', () => {
  it('goes 5, 10, 20, 30, 60 minutes, then hours', () => {
    expect([0, 300, 301, 600, 1_200, 1_500, 3_600, 3_601, 9_000].map(scaleFor)).toEqual([300, 300, 600, 600, 1_200, 1_800, 3_600, 7_200, 10_800]);
  });
  it('comes back from storage as it was', () => {
    const history = watch([0, offered], [5, at(5, connected)]);
    expect(parseHistories(JSON.stringify([history]))).toEqual({ daniel: history });
  });
  it.each([null, '', 'x', '{}', '[1]', '[{"taskId":1}]', '[{"taskId":"a","offeredAt":null,"pausedAt":null,"stretches":[{"from":"x","what":"talk"}],"recording":[]}]', '[{"taskId":"a","offeredAt":null,"pausedAt":null,"stretches":[null],"recording":[]}]'])('drops nonsense: %s', (text) => {
    expect(parseHistories(text)).toEqual({});
  });
});
