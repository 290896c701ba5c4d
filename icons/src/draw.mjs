// Draws the icon's sources: the plucked line of a ringing call. `./make.sh` turns them into pixels.
import { writeFileSync } from 'node:fs';

/** A wave packet: a sine of `periods` waves under a bell, from edge to edge through `middle`. */
function packet({ from, to, middle, height, periods, phase = 0, width = 0.2 }) {
  const points = [];
  const steps = 240;
  for (let i = 0; i <= steps; i++) {
    const t = i / steps;
    const bell = Math.exp(-((t - 0.5) ** 2) / (2 * width ** 2));
    const edge = Math.min(1, t / 0.06, (1 - t) / 0.06);
    const y = middle - height * bell * edge * Math.sin(2 * Math.PI * periods * (t - 0.5) + phase);
    points.push(`${(from + t * (to - from)).toFixed(1)} ${y.toFixed(1)}`);
  }
  return `M${points.join('L')}`;
}

const line = (d, colour, width, opacity = 1) =>
  `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"${opacity < 1 ? ` opacity="${opacity}"` : ''}/>`;

const svg = (size, body) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 1024 1024">${body}</svg>\n`;

const paper =
  '<rect x="64" y="64" width="896" height="896" rx="206" fill="#FBFBF9"/>' +
  '<rect x="68" y="68" width="888" height="888" rx="202" fill="none" stroke="#DFE2DB" stroke-width="8"/>';

const large = { from: 152, to: 872, middle: 512, periods: 3.5, width: 0.19 };
writeFileSync('icon.svg', svg(1024, paper +
  line(packet({ ...large, height: -250 }), '#15855A', 22, 0.38) +
  line(packet({ ...large, height: -135 }), '#15855A', 22, 0.62) +
  line(packet({ ...large, height: 262 }), '#161B18', 46)));

// At 32 pixels and below: one strand fewer, a wider wave, a heavier pen.
const small = { from: 172, to: 852, middle: 512, periods: 2.5, width: 0.21 };
writeFileSync('icon-small.svg', svg(1024, paper +
  line(packet({ ...small, height: -210 }), '#15855A', 48, 0.75) +
  line(packet({ ...small, height: 240 }), '#161B18', 68)));

// The tray: no paper. The system's panel may be light or dark, so each state has its own drawing.
const tray = { from: 60, to: 964, middle: 512, periods: 2.5, width: 0.2 };
const trays = {
  'tray-template': line(packet({ ...tray, height: 330 }), '#000000', 96), // macOS colours it itself
  'tray-idle': line(packet({ ...tray, height: 60 }), '#7C857F', 110),
  'tray-available': line(packet({ ...tray, height: 200 }), '#3DBE88', 110),
  'tray-ringing': line(packet({ ...tray, height: 400 }), '#3DBE88', 110),
  'tray-on-call': line(`M92 512L932 512`, '#3DBE88', 180),
  'tray-offline': line(`M120 512L904 512`, '#EF6A5E', 110).replace('/>', ' stroke-dasharray="1 196"/>'),
};
for (const [name, body] of Object.entries(trays)) writeFileSync(`${name}.svg`, svg(1024, body));
