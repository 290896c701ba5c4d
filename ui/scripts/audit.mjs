/**
 * Runs inside a page and lists what a reader would miss: weak contrast, small or cut-off text, small
 * targets, controls without a name. Disabled controls may be faint: their reason is told elsewhere.
 */
export function audit() {
  const found = [];
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const parse = (text) => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return text.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (front, back) => [0, 1, 2].map((at) => front[at] * front[3] + back[at] * (1 - front[3]));
  const isSeen = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility !== 'hidden' && element.closest('.sr') === null;
  };
  const ground = (element) => {
    const layers = [];
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const text = node.textContent.trim();
    const element = node.parentElement;
    if (text === '' || !isSeen(element) || element.closest('option') !== null) continue;
    const style = getComputedStyle(element);
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const back = ground(element);
    const [a, b] = [luminance(over(parse(style.color), back)), luminance(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const isOff = element.closest('[disabled], [aria-disabled="true"]') !== null;
    if (ratio < 4.5 && !isOff) found.push(`contrast ${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
    if (parseFloat(style.fontSize) < 12) found.push(`small ${style.fontSize}: ${text.slice(0, 40)}`);
    if ((box.right > innerWidth + 1 || box.left < -1) && element.closest('.ell') === null) found.push(`outside: ${text.slice(0, 40)}`);
    const button = element.closest('button');
    if (button !== null) {
      const around = button.getBoundingClientRect();
      if ((box.right > around.right + 1 || box.left < around.left - 1) && element.closest('.ell') === null) found.push(`wider than its button: ${text.slice(0, 40)}`);
    }
  }
  for (const control of document.querySelectorAll('button, a, select, input:not([type="checkbox"]), [role="option"]')) {
    if (!isSeen(control)) continue;
    const box = control.getBoundingClientRect();
    const name = (control.getAttribute('aria-label') ?? document.getElementById(control.getAttribute('aria-labelledby') ?? '')?.textContent ?? control.labels?.[0]?.textContent ?? control.textContent ?? '').trim();
    if (name === '') found.push(`no name: ${control.outerHTML.slice(0, 80)}`);
    if ((box.height < 24 || box.width < 24) && !control.classList.contains('link')) found.push(`target ${Math.round(box.width)}x${Math.round(box.height)}: ${name.slice(0, 40)}`);
  }
  return found;
}
