// Packs PNG files into Apple's icon container: pack-icns.mjs FOLDER OUT.icns
import { readFileSync, writeFileSync } from 'node:fs';

const [folder, out] = process.argv.slice(2);
const kinds = [['icp4', 16], ['icp5', 32], ['ic11', 32], ['ic12', 64], ['ic07', 128], ['ic13', 256], ['ic08', 256], ['ic14', 512], ['ic09', 512], ['ic10', 1024]];
const parts = kinds.map(([kind, size]) => {
  const png = readFileSync(`${folder}/${size}.png`);
  const head = Buffer.alloc(8);
  head.write(kind, 0, 'ascii');
  head.writeUInt32BE(png.length + 8, 4);
  return Buffer.concat([head, png]);
});
const head = Buffer.alloc(8);
head.write('icns', 0, 'ascii');
head.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0), 4);
writeFileSync(out, Buffer.concat([head, ...parts]));
