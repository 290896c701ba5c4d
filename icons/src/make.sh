#!/usr/bin/env bash
# Draws every icon again. Needs node, Chromium (the painter) and ImageMagick.
set -euo pipefail
cd "$(dirname "$0")"
node draw.mjs
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

paint() { # NAME SIZE OUT.png
  printf '<!doctype html><style>*{margin:0}img{display:block;width:%spx;height:%spx}</style><img src="file://%s">' \
    "$2" "$2" "$PWD/$1.svg" >"$work/page.html"
  chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
    --default-background-color=00000000 --window-size=1100,1100 --screenshot="$work/page.png" \
    "file://$work/page.html" >/dev/null 2>&1
  convert "$work/page.png" -crop "$2x$2+0+0" +repage -strip "PNG32:$3"
}

for size in 16 24 32; do paint icon-small $size "$work/$size.png"; done
for size in 48 64 128 256 512 1024; do paint icon $size "$work/$size.png"; done
cp "$work/32.png" ../32x32.png
cp "$work/128.png" ../128x128.png
cp "$work/256.png" "../128x128@2x.png"
cp "$work/512.png" ../icon.png
convert "$work"/{16,24,32,48,64,128,256}.png ../icon.ico
node pack-icns.mjs "$work" ../icon.icns
mkdir -p ../tray
for tray in tray-*.svg; do name=${tray%.svg}; paint "$name" 32 "../tray/${name#tray-}.png"; paint "$name" 64 "../tray/${name#tray-}@2x.png"; done
