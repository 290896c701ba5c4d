import { type Backend, type SignInWay, commandError, type DeviceKind, type Heard, type WantedState } from '../backend';
import type { LoginOption } from '../backend/generated/LoginOption';
import type { Consult } from '../backend/generated/Consult';
import type { Snapshot } from '../backend/generated/Snapshot';
import type { TaskView } from '../backend/generated/TaskView';
import type { VoiceSettings } from '../backend/generated/VoiceSettings';
import type { Desk } from './desk.svelte';
import { type Found, targetOf, typeOf } from './directory.svelte';
import { phone } from './format';
import { circumstances, type Failure, isWorthTelling } from './errors';

/** How far a command is: pressed at once, busy after 150 ms, slow after 4 s. */
export type Waiting = 'pressed' | 'busy' | 'slow';

const busyAfter = 150;
const slowAfter = 4_000;

/** What the agent can do. Every command runs once at a time; its failure stays until it is read. */
export class Acts {
  waiting = $state.raw<Record<string, Waiting>>({});
  failures = $state.raw<Failure[]>([]);

  /** Opens the search for somebody else to ask; set by the window that has one. */
  onfind: ((taskId: string) => void) | null = null;

  readonly backend: Backend;
  readonly #desk: Desk;

  constructor(backend: Backend, desk: Desk) {
    this.backend = backend;
    this.#desk = desk;
  }

  /** How long the command has been under way; a command of somebody else counts as busy. */
  wait(command: string, task?: TaskView): Waiting | null {
    const own = this.waiting[key(command, task?.taskId ?? '')];
    if (own !== undefined) return own;
    return task?.pending.includes(wireName(command)) === true ? 'busy' : null;
  }

  /** The last failure of a command, if it was not read or repeated since. */
  failure(command: string, taskId = ''): Failure | null {
    return this.failures.find((each) => each.key === key(command, taskId)) ?? null;
  }

  dismiss(failure: Failure): void {
    this.failures = this.failures.filter((each) => each !== failure);
  }

  accept(task: TaskView): Promise<boolean> {
    this.#desk.answered(task.taskId, 'accepted');
    this.#desk.choose(task.taskId);
    return this.#run('accept', task.taskId, () => this.backend.accept(task.taskId));
  }

  acceptPreview(task: TaskView): Promise<boolean> {
    this.#desk.answered(task.taskId, 'accepted');
    this.#desk.choose(task.taskId);
    return this.#run('acceptPreview', task.taskId, () => this.backend.acceptPreview(task.taskId));
  }

  /** Calls a number; `origin` is the caller number to show, null leaves it to the centre. `ondone`: the call began, at first or when tried again. */
  startOutdial(destination: string, origin: string | null, ondone: () => void): Promise<boolean> {
    return this.#run('startOutdial', '', async () => {
      await this.backend.startOutdial(destination, origin);
      ondone();
    });
  }

  openTask(task: TaskView): Promise<boolean> {
    return this.#run('openTask', task.taskId, () => this.backend.openTask(task.taskId));
  }

  /** The state after the work in hand; null takes it back. */
  queueState(wanted: WantedState | null): Promise<boolean> {
    return this.#run('queueState', '', () => this.backend.queueState(wanted), { newest: true });
  }

  queueSignOut(wanted: boolean): Promise<boolean> {
    return this.#run('queueSignOut', '', () => this.backend.queueSignOut(wanted), { newest: true });
  }

  async decline(task: TaskView): Promise<boolean> {
    this.#desk.answered(task.taskId, 'declined');
    const isDone = await this.#run('decline', task.taskId, () => this.backend.decline(task.taskId));
    if (!isDone) this.#desk.answered(task.taskId, null);
    return isDone;
  }

  toggleMute(task: TaskView): Promise<boolean> {
    return this.#run('toggleMute', task.taskId, () => this.backend.toggleMute(task.taskId));
  }

  holdOrResume(task: TaskView): Promise<boolean> {
    return task.held
      ? this.#run('resume', task.taskId, () => this.backend.resume(task.taskId))
      : this.#run('hold', task.taskId, () => this.backend.hold(task.taskId));
  }

  toggleRecording(task: TaskView): Promise<boolean> {
    return task.recording === 'paused'
      ? this.#run('resumeRecording', task.taskId, () => this.backend.resumeRecording(task.taskId))
      : this.#run('pauseRecording', task.taskId, () => this.backend.pauseRecording(task.taskId));
  }

  consult(task: TaskView, found: Found): Promise<boolean> {
    return this.#run('consult', task.taskId, () => this.backend.consult(task.taskId, targetOf(found), typeOf[found.place]), { target: called(found) });
  }

  /** Asks the same side once more. */
  consultAgain(task: TaskView, consult: Consult): Promise<boolean> {
    return this.#run('consult', task.taskId, () => this.backend.consult(task.taskId, consult.to, consult.type), { target: consult.name });
  }

  transfer(task: TaskView, found: Found): Promise<boolean> {
    const type = typeOf[found.place];
    // Nobody can be given to an entry point unasked (contact-center 5.2); the search does not offer it.
    if (type === 'entryPoint') return Promise.resolve(false);
    return this.#run('transfer', task.taskId, () => this.backend.transfer(task.taskId, targetOf(found), type), { target: called(found) });
  }

  endConsult(task: TaskView): Promise<boolean> {
    return this.#run('endConsult', task.taskId, () => this.#leavingConsult(task, () => this.backend.endConsult(task.taskId)));
  }

  switchCall(task: TaskView): Promise<boolean> {
    return this.#run('switchCall', task.taskId, () => this.backend.switchCall(task.taskId));
  }

  consultTransfer(task: TaskView): Promise<boolean> {
    return this.#run('consultTransfer', task.taskId, () => this.#leavingConsult(task, () => this.backend.consultTransfer(task.taskId)), { target: task.consult?.name ?? '' });
  }

  consultConference(task: TaskView): Promise<boolean> {
    return this.#run('consultConference', task.taskId, () => this.#leavingConsult(task, () => this.backend.consultConference(task.taskId)), { target: task.consult?.name ?? '' });
  }

  /** Runs what ends a consult by the agent's will; once refused, its end would be news again. */
  async #leavingConsult(task: TaskView, ask: () => Promise<void>): Promise<void> {
    this.#desk.endingConsult(task.taskId, true);
    try {
      await ask();
    } catch (thrown) {
      this.#desk.endingConsult(task.taskId, false);
      throw thrown;
    }
  }

  exitConference(task: TaskView): Promise<boolean> {
    return this.#run('exitConference', task.taskId, () => this.backend.exitConference(task.taskId));
  }

  transferConference(task: TaskView): Promise<boolean> {
    return this.#run('transferConference', task.taskId, () => this.backend.transferConference(task.taskId));
  }

  end(task: TaskView): Promise<boolean> {
    this.#desk.endingCall(task.taskId, true);
    return this.#run('end', task.taskId, async () => {
      try {
        await this.backend.end(task.taskId);
      } catch (thrown) {
        this.#desk.endingCall(task.taskId, false);
        throw thrown;
      }
    });
  }

  wrapup(task: TaskView, code: { id: string; name: string }): Promise<boolean> {
    return this.#run('wrapup', task.taskId, () => this.backend.wrapup(task.taskId, code.id, code.name));
  }

  keepOpen(task: TaskView): Promise<boolean> {
    return this.#run('cancelAutoWrapup', task.taskId, () => this.backend.cancelAutoWrapup(task.taskId));
  }

  /** Digits go one after another: each waits for the one before. */
  sendDigits(task: TaskView, digits: string): Promise<boolean> {
    this.#digits = this.#digits.then(() => this.#run('sendDigits', task.taskId, () => this.backend.sendDigits(task.taskId, digits)));
    return this.#digits;
  }
  #digits: Promise<boolean> = Promise.resolve(true);

  goAvailable(): Promise<boolean> {
    return this.setState({ state: 'Available', auxCodeId: '0', reason: 'Available' });
  }

  setState(wanted: { state: 'Available' | 'Idle'; auxCodeId: string; reason: string }): Promise<boolean> {
    return this.#run('setState', '', () => this.backend.setState(wanted), { newest: true });
  }

  signIn(token?: string): Promise<boolean> {
    return this.#run('signIn', '', () => this.backend.signIn(token), { repeat: false });
  }

  /** Signs in with a person's consent; another way takes the place of the one under way. */
  signInWithConsent(way: SignInWay): Promise<boolean> {
    return this.#run('signInWithConsent', '', () => this.backend.signInWithConsent(way), { newest: true, repeat: false });
  }

  cancelSignIn(): Promise<boolean> {
    return this.#run('cancelSignIn', '', () => this.backend.cancelSignIn());
  }

  /** Signs in here again after another computer took the session over. */
  takeOver(): Promise<boolean> {
    return this.#run('takeOver', '', () => this.backend.takeOver());
  }

  startSandbox(): Promise<boolean> {
    return this.#run('startSandbox', '', () => this.backend.startSandbox());
  }

  signOut(): Promise<boolean> {
    return this.#run('signOut', '', () => this.backend.signOut());
  }

  stationLogin(station: { teamId: string; loginOption: LoginOption; dialNumber?: string }): Promise<boolean> {
    return this.#run('stationLogin', '', () => this.backend.stationLogin(station));
  }

  stationLogout(): Promise<boolean> {
    return this.#run('stationLogout', '', () => this.backend.stationLogout());
  }

  tryNow(): Promise<boolean> {
    return this.#run('tryNow', '', () => this.backend.tryNow());
  }

  chooseDevice(kind: DeviceKind, name: string | null): Promise<boolean> {
    return this.#run('chooseDevice', '', () => this.backend.chooseDevice(kind, name), { newest: true });
  }

  setVoiceSettings(device: string, settings: VoiceSettings): Promise<boolean> {
    return this.#run('setVoiceSettings', '', () => this.backend.setVoiceSettings(device, settings), { newest: true });
  }

  /** Tries a device out; another trial takes the place of the one under way. */
  tryDevice(kind: DeviceKind, listener: (heard: Heard) => void): Promise<boolean> {
    return this.#run('tryDevice', '', () => this.backend.tryDevice(kind, listener), { newest: true, repeat: false });
  }

  stopTrial(): Promise<boolean> {
    return this.#run('stopTrial', '', () => this.backend.stopTrial(), { newest: true, repeat: false });
  }

  /** Pressing and letting go come close together: the later one counts. */
  hearOriginal(on: boolean): Promise<boolean> {
    return this.#run('hearOriginal', '', () => this.backend.hearOriginal(on), { newest: true });
  }

  silenceRing(): Promise<boolean> {
    return this.#run('silenceRing', '', () => this.backend.silenceRing());
  }

  copyText(text: string): Promise<boolean> {
    return this.#run('copyText', '', () => this.backend.copyText(text));
  }

  /** Forgets failures whose circumstances have changed, and those of tasks that are gone. */
  prune(snapshot: Snapshot | null): void {
    const left = this.failures.filter((each) => circumstances(snapshot, each.taskId) === each.about);
    if (left.length !== this.failures.length) this.failures = left;
  }

  /** Runs a command; false if it failed or is under way already. `newest`: a later choice replaces an earlier one. */
  async #run(command: string, taskId: string, ask: () => Promise<void>, how: { newest?: boolean; repeat?: boolean; target?: string } = {}): Promise<boolean> {
    const id = key(command, taskId);
    if (this.waiting[id] !== undefined && how.newest !== true) return false;
    const run = Symbol(id);
    this.#runs.set(id, run);
    const isMine = () => this.#runs.get(id) === run;
    this.failures = this.failures.filter((each) => each.key !== id);
    this.#wait(id, 'pressed');
    const timers = [
      setTimeout(() => isMine() && this.#wait(id, 'busy'), busyAfter),
      setTimeout(() => isMine() && this.#wait(id, 'slow'), slowAfter),
    ];
    try {
      await ask();
      return true;
    } catch (thrown) {
      const error = commandError(thrown);
      if (isMine() && isWorthTelling(error)) {
        const again = how.repeat === false ? null : () => void this.#run(command, taskId, ask, how);
        const about = circumstances(this.#desk.snapshot, taskId);
        this.failures = [...this.failures.filter((each) => each.key !== id), { key: id, command, taskId, target: how.target ?? '', error, about, state: stateName(this.#desk.snapshot), again }];
        if (command === 'accept') this.#desk.acceptFailed(taskId, error.trackingId);
      }
      return false;
    } finally {
      timers.forEach(clearTimeout);
      if (isMine()) {
        this.#runs.delete(id);
        this.#wait(id, null);
      }
    }
  }
  #runs = new Map<string, symbol>();

  #wait(id: string, waiting: Waiting | null): void {
    const { [id]: _old, ...rest } = this.waiting;
    this.waiting = waiting === null ? rest : { ...rest, [id]: waiting };
  }
}

/** What somebody found is called in a sentence. */
function called({ item }: Found): string {
  return item.name === item.number ? phone(item.name) : item.name;
}

/** What the agent's state is called; the centre names only idle codes. */
function stateName(snapshot: Snapshot | null): string {
  const state = snapshot?.state ?? null;
  if (state === null) return '';
  return state.state === 'Available' || state.name === '' ? state.state : state.name;
}

function key(command: string, taskId: string): string {
  return `${command} ${taskId}`;
}

/** The command's name in `TaskView.pending`. */
function wireName(command: string): string {
  return command === 'cancelAutoWrapup' ? 'cancelAutoWrapupTimer' : command;
}
