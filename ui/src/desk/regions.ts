/**
 * Moves focus to the next part of the window (bar, stage, dock, pane): to its first control, or to
 * the part itself. False if there is none.
 */
export function nextRegion(page: Document, step: 1 | -1): boolean {
  const regions = [...page.querySelectorAll<HTMLElement>('[data-region]')].filter((region) => region.offsetParent !== null || region === page.activeElement);
  if (regions.length === 0) return false;
  const at = regions.findIndex((region) => region.contains(page.activeElement));
  const to = at < 0 ? (step > 0 ? 0 : regions.length - 1) : (at + step + regions.length) % regions.length;
  const region = regions[to];
  if (region === undefined) return false;
  const control = region.querySelector<HTMLElement>('button:not([disabled]):not([tabindex="-1"]), input, select, [tabindex="0"]');
  if (control === null) region.tabIndex = -1;
  (control ?? region).focus();
  return true;
}
