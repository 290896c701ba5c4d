/** The one running clock of the window. It stands still while nobody can see it. */
export class Clock {
  now = $state(0);
  readonly #read: () => number;

  constructor(read: () => number) {
    this.#read = read;
    this.now = read();
  }

  /** Reads the time at once, for an update that has just come. */
  tick(): void {
    this.now = this.#read();
  }

  /** Runs until the returned function is called. Five ticks a second keep every second in step. */
  start(): () => void {
    const timer = setInterval(() => {
      if (!document.hidden) this.tick();
    }, 200);
    const seen = () => {
      document.documentElement.toggleAttribute('data-hidden', document.hidden);
      if (!document.hidden) this.tick();
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }
}
