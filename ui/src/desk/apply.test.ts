import { describe, expect, it } from 'vitest';

import type { Change } from '../backend/generated/Change';
import { connected, desk, held, offered } from '../stories/cast';
import { apply, gap, type Known } from './apply';

const start: Known = { rev: 4, snapshot: { ...desk, tasks: [offered] } };
const next = (change: Change, rev = 5) => apply(start, { rev, change });

describe('apply', () => {
  it('starts with the snapshot, whatever its number', () => {
    expect(apply(null, { rev: 17, change: { kind: 'snapshot', snapshot: desk } })).toEqual({ rev: 17, snapshot: desk });
  });
  it('cannot start with anything but a snapshot', () => {
    expect(apply(null, { rev: 0, change: { kind: 'task', task: offered } })).toBe(gap);
  });
  it('starts over with a later snapshot', () => {
    expect(next({ kind: 'snapshot', snapshot: desk }, 1)).toEqual({ rev: 1, snapshot: desk });
  });
  it.each([4, 3, 6, 60])('notices a doubled, old or missing update (rev %i after 4)', (rev) => {
    expect(next({ kind: 'task', task: connected }, rev)).toBe(gap);
  });
  it('adds a new task at the end', () => {
    const other = { ...connected, taskId: 'other' };
    const after = next({ kind: 'task', task: other }) as Known;
    expect(after.snapshot.tasks.map((task) => task.taskId)).toEqual(['daniel', 'other']);
  });
  it('replaces a task where it stands', () => {
    const both: Known = { rev: 4, snapshot: { ...desk, tasks: [offered, { ...offered, taskId: 'other' }] } };
    const after = apply(both, { rev: 5, change: { kind: 'task', task: held } }) as Known;
    expect(after.snapshot.tasks.map((task) => [task.taskId, task.phase])).toEqual([['daniel', 'held'], ['other', 'offered']]);
  });
  it('removes a task, and one that is not there is no trouble', () => {
    expect((next({ kind: 'removed', taskId: 'daniel' }) as Known).snapshot.tasks).toEqual([]);
    expect((next({ kind: 'removed', taskId: 'nobody' }) as Known).snapshot.tasks).toHaveLength(1);
  });
  it('keeps the tasks when the desk changes', () => {
    const after = next({ kind: 'desk', desk: { ...desk, lostSince: 1, tasks: [] } }) as Known;
    expect(after.snapshot.lostSince).toBe(1);
    expect(after.snapshot.tasks).toEqual([offered]);
  });
  it('counts events, samples and what it does not understand, and changes nothing', () => {
    const unknown = { kind: 'weather' } as unknown as Change;
    const changes: Change[] = [{ kind: 'event', name: 'task:hold', task: held, reason: null }, unknown];
    for (const change of changes) expect(next(change)).toEqual({ rev: 5, snapshot: start.snapshot });
  });
  it('leaves the value before untouched', () => {
    const frozen = Object.freeze({ rev: 4, snapshot: Object.freeze({ ...desk, tasks: Object.freeze([offered]) as unknown as typeof desk.tasks }) });
    apply(frozen, { rev: 5, change: { kind: 'task', task: connected } });
    expect(frozen.snapshot.tasks).toEqual([offered]);
  });
});
