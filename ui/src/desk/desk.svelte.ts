import type { Backend, Unsubscribe } from '../backend';
import type { QualityView } from '../backend/generated/QualityView';
import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import type { Change } from '../backend/generated/Change';
import type { Update } from '../backend/generated/Update';
import type { Messages } from '../messages';
import { announce, type Spoken } from './announce';
import { SoundWatch } from './broke';
import { apply, gap, type Known } from './apply';
import type { Clock } from './clock.svelte';
import { consultOver, isConsultPast } from './consults';
import { addCall, type Day, freshDay, observeDay } from './day';
import { type History, observe, parseHistories } from './history';
import { type Answer, isUntaken, type Missed, notice, type Told, withdrawn } from './notices';
import { clock, person } from './format';
import { type Measured, QualityVoice, remember, verdictOf } from './quality';
import { isRona } from './stage';

/** How long the note that the connection is back stays, in ms. */
const backFor = 6_000;
const storageKey = 'deskline.lines';

/** What the window knows: the snapshot, and what it has seen happen since it opened. */
export class Desk {
  snapshot = $state.raw<Snapshot | null>(null);
  /** The task the agent chose to see. */
  chosen = $state.raw<string | null>(null);
  histories = $state.raw<Record<string, History>>({});
  /** The last minute of samples of each call, oldest first. */
  trends = $state.raw<Record<string, Measured[]>>({});
  day = $state.raw<Day>(freshDay);
  missed = $state.raw<Missed | null>(null);
  told = $state.raw<Told[]>([]);
  /** The connection came back: how long it was gone, in seconds. */
  back = $state.raw<{ lasted: number } | null>(null);
  /** Attempts to reconnect since the connection was lost; null if that was before this window looked. */
  tries = $state.raw<number | null>(null);
  spoken = $state.raw<Spoken[]>([]);
  /** The bridge to the app is broken; it is tried again. */
  broken = $state.raw(false);

  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #t: Messages;
  #known: Known | null = null;
  #unsubscribe: Unsubscribe | null = null;
  #generation = 0;
  #answers = new Map<string, Answer>();
  #troubles = new Map<string, string>();
  #last = new Map<string, TaskView>();
  #ending = new Set<string>();
  #sound = new SoundWatch();
  /** Calls the agent asked to end. */
  #asked = new Set<string>();
  #voices = new Map<string, QualityVoice>();

  constructor(backend: Backend, clock: Clock, t: Messages) {
    this.#backend = backend;
    this.#clock = clock;
    this.#t = t;
    this.histories = parseHistories(readStorage());
  }

  /** Opens the stream; a missing update opens it anew. Resolves when the first subscription stands. */
  async open(): Promise<void> {
    const generation = ++this.#generation;
    this.#unsubscribe?.();
    this.#known = null;
    try {
      const unsubscribe = await this.#backend.subscribe((update) => {
        if (generation === this.#generation) this.#take(update);
      });
      if (generation === this.#generation) this.#unsubscribe = unsubscribe;
      else unsubscribe();
      this.broken = false;
    } catch {
      if (generation !== this.#generation) return;
      this.broken = true;
      setTimeout(() => {
        if (generation === this.#generation) void this.open();
      }, 1_000);
    }
  }

  /** Ends the stream. */
  close(): void {
    this.#generation += 1;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  /** Remembers what the agent did with an offer, so that its end can be told rightly. */
  answered(taskId: string, answer: Answer): void {
    this.#answers.set(taskId, answer);
  }

  /** Remembers that the agent asked to end, give away or join a consult: its end is no news then. */
  endingConsult(taskId: string, isAsked: boolean): void {
    if (isAsked) this.#ending.add(taskId);
    else this.#ending.delete(taskId);
  }

  /** Remembers that the agent asked to end the call: then it did not break off. */
  endingCall(taskId: string, isAsked: boolean): void {
    if (isAsked) this.#asked.add(taskId);
    else this.#asked.delete(taskId);
  }

  /** Remembers the tracking id of an accept that failed, for the note when the offer is gone. */
  acceptFailed(taskId: string, trackingId: string): void {
    this.#troubles.set(taskId, trackingId);
    if (this.missed?.taskId === taskId) this.missed = { ...this.missed, how: 'notConnected', trackingId };
  }

  /** Puts a task on the stage. */
  choose(taskId: string | null): void {
    this.chosen = taskId;
  }

  /** Takes a notice away. */
  forget(notice: Missed | Told): void {
    if (this.missed === notice) this.missed = null;
    this.told = this.told.filter((each) => each !== notice);
  }

  /** Says something to a screen reader. */
  say(...spoken: Spoken[]): void {
    if (spoken.length > 0) this.spoken = spoken;
  }

  #take(update: Update): void {
    const known = apply(this.#known, update);
    if (known === gap) {
      void this.open();
      return;
    }
    const before = this.#known?.snapshot ?? null;
    this.#known = known;
    this.#clock.tick();
    const now = this.#backend.now();
    this.#follow(known.snapshot, update.change, now);
    this.#news(update.change, now);
    this.#connection(before, known.snapshot, now);
    this.#broke(before, known.snapshot, now);
    if (before !== null) this.#consults(before, known.snapshot, now);
    if (before !== null) this.say(...announce(before, known.snapshot, now, this.#t));
    if (before?.agent?.agentId !== known.snapshot.agent?.agentId) this.#forgetDay();
    if (known.snapshot !== before) {
      this.day = observeDay(this.day, known.snapshot, now);
      this.snapshot = known.snapshot;
    }
    // The note has done its work when the agent has chosen a state again.
    if (this.missed !== null && before !== null && isRona(before) && !isRona(known.snapshot)) this.missed = null;
  }

  #follow(snapshot: Snapshot, change: Change, now: number): void {
    let histories = this.histories;
    for (const task of snapshot.tasks) {
      const history = observe(histories[task.taskId], task, now);
      if (histories[task.taskId] !== history) histories = { ...histories, [task.taskId]: history };
      // A new offer is more urgent than the one before.
      if (task.phase === 'offered' && this.#last.get(task.taskId)?.phase !== 'offered') this.missed = null;
      this.#last.set(task.taskId, task);
    }
    if (change.kind === 'snapshot') {
      // Only tasks that are there still have a line; the rest is of an earlier day.
      for (const id of this.#last.keys()) if (!snapshot.tasks.some((task) => task.taskId === id)) this.#last.delete(id);
      histories = Object.fromEntries(Object.entries(histories).filter(([id]) => snapshot.tasks.some((task) => task.taskId === id)));
    }
    if (histories !== this.histories) {
      this.histories = histories;
      writeStorage(JSON.stringify(Object.values(histories)));
    }
  }

  #news(change: Change, now: number): void {
    if (change.kind === 'quality') {
      this.#measured(change.taskId, change.sample, now);
    } else if (change.kind === 'event') {
      const id = change.task?.taskId ?? '';
      const before = this.#last.get(id) ?? null;
      // Asking again is its own answer.
      if (change.name === 'task:consultCreated') this.told = this.told.filter((each) => each.topic !== 'task:consultFailed' || each.taskId !== id);
      const history = this.histories[id];
      const found = notice({ name: change.name, reason: change.reason, task: change.task, before, history, answer: this.#answers.get(id) ?? null, at: now });
      if (found?.kind === 'missed') this.#miss(found, now);
      else if (found !== null) this.#tell(found);
    } else if (change.kind === 'removed') {
      this.#removed(change.taskId, now);
    }
  }

  #measured(taskId: string, sample: QualityView, now: number): void {
    this.trends = { ...this.trends, [taskId]: remember(this.trends[taskId], sample, now) };
    const voice = this.#voices.get(taskId) ?? new QualityVoice();
    this.#voices.set(taskId, voice);
    const news = voice.hear(verdictOf(sample), now);
    if (news === null) return;
    const task = this.#last.get(taskId);
    const name = task === undefined ? '' : person(task.customer).short;
    const side = news.level === 'good' || news.side === null ? '' : this.#t.quality.sides(news.side, name);
    this.say({ how: 'polite', text: this.#t.say.quality(this.#t.quality[news.level], side) });
  }

  #removed(taskId: string, now: number): void {
    const task = this.#last.get(taskId);
    const history = this.histories[taskId];
    if (task !== undefined && history !== undefined) {
      const gone = this.day.calls.some((call) => call.task.taskId === taskId) ? null : withdrawn(task, history, this.#answers.get(taskId) ?? null, now);
      if (gone !== null) this.#miss(gone, now);
      else if (!isUntaken(history)) this.day = addCall(this.day, { task, history, endedAt: now, missed: null });
    }
    this.#last.delete(taskId);
    this.#answers.delete(taskId);
    this.#ending.delete(taskId);
    this.#troubles.delete(taskId);
    this.told = this.told.filter((each) => each.taskId !== taskId);
    if (this.chosen === taskId) this.chosen = null;
    const { [taskId]: _gone, ...rest } = this.histories;
    this.histories = rest;
    const { [taskId]: _trend, ...trends } = this.trends;
    this.trends = trends;
    this.#voices.delete(taskId);
    writeStorage(JSON.stringify(Object.values(rest)));
  }

  #miss(found: Missed, now: number): void {
    const missed = { ...found, trackingId: this.#troubles.get(found.taskId) ?? '' };
    this.missed = missed;
    const history = this.histories[missed.taskId];
    if (history !== undefined) this.day = addCall(this.day, { task: missed.task, history, endedAt: now, missed });
  }

  /** Another agent starts with an empty day. */
  #forgetDay(): void {
    this.day = freshDay;
    this.missed = null;
    this.told = [];
    this.back = null;
    this.chosen = null;
  }

  /** Tells once: a later word on the same takes the place of the earlier, but forgets nothing it knew. */
  #tell(found: Told): void {
    const isSame = (each: Told) => each.topic === found.topic && each.taskId === found.taskId;
    const earlier = this.told.find(isSame);
    const names = found.names?.colleague === '' ? (earlier?.names ?? found.names) : found.names;
    this.told = [...this.told.filter((each) => !isSame(each)), { ...earlier, ...found, ...(names === undefined ? {} : { names }) }];
  }

  #consults(before: Snapshot, after: Snapshot, now: number): void {
    for (const task of after.tasks) {
      const old = before.tasks.find((each) => each.taskId === task.taskId);
      if (old === undefined || old === task) continue;
      if (isConsultPast(old, task)) {
        const left = this.told.filter((each) => (each.topic !== 'task:consultFailed' && each.topic !== 'consultGone') || each.taskId !== task.taskId);
        if (left.length !== this.told.length) this.told = left;
      }
      const over = consultOver(old, task, this.#ending.has(task.taskId), now);
      if (over !== null) this.#tell(over);
      if (old.consult !== undefined && task.consult === undefined) this.#ending.delete(task.taskId);
    }
  }

  #broke(before: Snapshot | null, after: Snapshot, now: number): void {
    const broken = this.#sound.follow(before, after, (taskId) => this.#asked.has(taskId), now);
    if (broken !== null) {
      // It is told beyond the task: called back is who was lost, once the work after the call is done.
      this.#tell({ kind: 'told', topic: 'callBroke', taskId: '', detail: '', broken: { task: broken.task, lasted: broken.lasted }, at: now });
      this.say({ how: 'assertive', text: this.#t.notices.callBroke(broken.lasted === null ? '' : clock(broken.lasted)) });
    }
    for (const taskId of this.#asked) if (!after.tasks.some((task) => task.taskId === taskId)) this.#asked.delete(taskId);
  }

  #connection(before: Snapshot | null, after: Snapshot, now: number): void {
    if (after.lostSince === null) this.tries = 0;
    else if (before === null) this.tries = null;
    // An attempt that gave up is not told apart from the next one; then nothing is counted.
    else if (after.connection.routing === 'failed') this.tries = null;
    else if (this.tries !== null && after.connection.routing === 'restoring' && before.connection.routing !== 'restoring') this.tries += 1;
    if (before === null || before.lostSince === null || after.lostSince !== null || after.agent === null) return;
    const back = { lasted: Math.max(0, (now - before.lostSince) / 1_000) };
    this.back = back;
    setTimeout(() => {
      if (this.back === back) this.back = null;
    }, backFor);
  }
}

function readStorage(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

/** Only times and task ids are written: the Line of a running call survives a reload of the page. */
function writeStorage(text: string): void {
  try {
    localStorage.setItem(storageKey, text);
  } catch {
    // A full or forbidden storage costs the Line after a reload, nothing else.
  }
}
