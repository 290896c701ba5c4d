#!/bin/sh
# Makes speech.wav from speech.ssml. Needs espeak-ng 1.51 and sox 14.4.
set -eu
cd "$(dirname "$0")"
espeak-ng -m -v en-us+m3 -s 150 -p 44 -a 60 -f speech.ssml --stdout |
  sox -R -t wav - -D -r 16000 -b 16 -c 1 speech.wav \
    highpass 80 treble -3 4000 reverb 10 50 20 \
    compand 0.005,0.15 6:-60,-60,-30,-20,-10,-12,0,-8 \
    gain -n -3.5 gain -l 3.6 gain -0.3 fade 0.05 12.4 0.1
