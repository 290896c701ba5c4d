// Takes pictures of every story: compact and expanded, light and dark.
// node scripts/shots.mjs [--out DIR] [--only PART] [--size compact] [--theme dark] [--text 200] [--dir rtl] [--lang long] [--width 360] [--height 600]
// Needs a build in dist/ and a Chromium (CHROMIUM, default /usr/bin/chromium).
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';
import { preview } from 'vite';

import { audit } from './audit.mjs';

const { values } = parseArgs({
  options: { out: { type: 'string', default: 'shots' }, only: { type: 'string' }, text: { type: 'string' }, dir: { type: 'string' }, lang: { type: 'string' }, height: { type: 'string' }, width: { type: 'string' }, size: { type: 'string' }, theme: { type: 'string' } },
});
const folder = new URL('../src/stories/', import.meta.url);
const source = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
const names = [...source.matchAll(/^ {2,4}'([0-9][\w-]+)':/gm)].map((found) => found[1]).filter((name) => values.only === undefined || values.only.split(',').some((part) => name.includes(part)));
const sizes = { compact: { width: 380, height: 720, scale: 2 }, expanded: { width: 1040, height: 720, scale: 1.5 } };

mkdirSync(values.out, { recursive: true });
const server = await preview({ root: new URL('..', import.meta.url).pathname, preview: { port: 0, host: '127.0.0.1' }, logLevel: 'warn' });
const address = server.resolvedUrls.local[0];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--hide-scrollbars'] });
let problems = 0;
for (const [size, { width, height, scale }] of Object.entries(sizes)) {
  if (values.size !== undefined && values.size !== size) continue;
  const context = await browser.newContext({ viewport: { width: Number(values.width ?? width), height: Number(values.height ?? height) }, deviceScaleFactor: scale, locale: 'en-GB', timezoneId: 'UTC' });
  const page = await context.newPage();
  let current = '';
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      problems += 1;
      console.error(`${current}: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => {
    problems += 1;
    console.error(`${current}: ${error.message}`);
  });
  for (const name of names) {
    for (const theme of ['light', 'dark']) {
      if (values.theme !== undefined && values.theme !== theme) continue;
      current = `${name}-${size}-${theme}`;
      const query = new URLSearchParams({ story: name, theme, ...(values.text ? { text: values.text } : {}), ...(values.dir ? { dir: values.dir } : {}), ...(values.lang ? { lang: values.lang } : {}) });
      await page.goto(`${address}?${query}`);
      await page.evaluate(() => document.fonts.ready);
      await page.waitForTimeout(700);
      // The string stands as in the reference, whatever moment of its breath it is.
      await page.evaluate(() => document.getAnimations().forEach((each) => { each.pause(); each.currentTime = 1000; }));
      for (const finding of await page.evaluate(audit)) {
        problems += 1;
        console.error(`${current}: ${finding}`);
      }
      await page.screenshot({ path: join(values.out, `${current}.png`) });
    }
  }
  await context.close();
}
await browser.close();
await server.close();
console.log(`${names.length} stories, ${problems} problems, in ${values.out}`);
process.exitCode = problems === 0 ? 0 : 1;
