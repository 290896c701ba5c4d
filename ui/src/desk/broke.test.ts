import { describe, expect, it } from 'vitest';

import type { Link } from '../backend/generated/Link';
import type { Snapshot } from '../backend/generated/Snapshot';
import { connected, desk, noon, wrapUp } from '../stories/cast';
import { SoundWatch } from './broke';

const talk = { ...connected, startedAt: noon - 391_000 };
const at = (media: Link, tasks: Snapshot['tasks']): Snapshot => ({ ...desk, connection: { ...desk.connection, media }, tasks });

/** What the last step told. */
function play(steps: Snapshot[], isEnding = false) {
  const watch = new SoundWatch();
  let before: Snapshot | null = null;
  let told = null;
  for (const step of steps) {
    told = watch.follow(before, step, () => isEnding, noon);
    before = step;
  }
  return told;
}

describe('a call that broke off', () => {
  it('ended without its sound, into wrap-up or into nothing', () => {
    const lost = [at('up', [talk]), at('lost', [talk]), at('failed', [talk]), at('off', [talk])];
    expect(play([...lost, at('off', [{ ...wrapUp, startedAt: talk.startedAt, wrapUpSince: noon }])])?.lasted).toBe(391);
    expect(play([...lost, at('off', [])])?.task).toBe(talk);
  });
  it('is none if the sound came back, or the agent asked for the end', () => {
    expect(play([at('lost', [talk]), at('restoring', [talk]), at('up', [talk]), at('off', [talk]), at('off', [])])).toBeNull();
    expect(play([at('failed', [talk]), at('failed', [])], true)).toBeNull();
    expect(play([at('up', [talk]), at('off', [])])).toBeNull();
  });
  it('is none if another call takes its place', () => {
    expect(play([at('failed', [talk]), at('up', [{ ...talk, taskId: 'other' }]), at('off', [])])).toBeNull();
  });
});
