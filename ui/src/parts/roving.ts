/** Makes a group of buttons one stop of the Tab key; the arrows move inside it. */
export function roving(group: HTMLElement): { destroy: () => void } {
  const items = () => [...group.querySelectorAll<HTMLElement>('button, [role="tab"]')];
  let current: HTMLElement | null = null;

  const mark = () => {
    const all = items();
    const stop = current !== null && all.includes(current) ? current : (all.find((item) => item.getAttribute('aria-selected') === 'true') ?? all[0]);
    for (const item of all) item.tabIndex = item === stop ? 0 : -1;
  };
  const focused = (event: FocusEvent) => {
    if (event.target instanceof HTMLElement && items().includes(event.target)) {
      current = event.target;
      mark();
    }
  };
  const columns = () => {
    const all = items();
    const top = all[0]?.offsetTop;
    return Math.max(1, all.filter((item) => item.offsetTop === top).length);
  };
  const moved = (event: KeyboardEvent) => {
    const all = items();
    const at = all.findIndex((item) => item === document.activeElement);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const forward = document.documentElement.dir === 'rtl' ? -1 : 1;
    const step = { ArrowRight: forward, ArrowLeft: -forward, ArrowDown: columns(), ArrowUp: -columns() }[event.key];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? all.length - 1 : step === undefined ? undefined : at + step;
    if (to === undefined) return;
    event.preventDefault();
    all[to]?.focus();
  };
  const watch = new MutationObserver(mark);
  watch.observe(group, { childList: true, subtree: true });
  group.addEventListener('focusin', focused);
  group.addEventListener('keydown', moved);
  mark();
  return {
    destroy: () => {
      watch.disconnect();
      group.removeEventListener('focusin', focused);
      group.removeEventListener('keydown', moved);
    },
  };
}
