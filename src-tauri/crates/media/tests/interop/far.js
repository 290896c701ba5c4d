// The far side in a page: one call, a tone to say, an ear. Every function takes one object of wishes.
globalThis.far = (() => {
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio);
  const out = audio.createMediaStreamDestination();
  tone.connect(new GainNode(audio, { gain: 0.3 })).connect(out);
  const ear = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0 });
  const pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-compat' });
  pc.ontrack = ({ track }) => {
    const stream = new MediaStream([track]);
    // A remote track is silent in Web Audio unless something plays it.
    Object.assign(new Audio(), { srcObject: stream, muted: true }).play();
    audio.createMediaStreamSource(stream).connect(ear);
  };
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  async function described(local) {
    await pc.setLocalDescription(local);
    while (pc.iceGatheringState !== 'complete') await pause(20);
    return pc.localDescription.sdp;
  }

  return {
    async start({ hz }) {
      tone.frequency.value = hz;
      tone.start();
      await audio.resume();
      pc.addTrack(out.stream.getTracks()[0], out.stream);
    },
    async offer({ direction = 'sendrecv', iceRestart = false }) {
      pc.getTransceivers()[0].direction = direction;
      return described(await pc.createOffer({ iceRestart }));
    },
    async answer({ sdp }) {
      // An offer of its own that is still open is taken back by this.
      await pc.setRemoteDescription({ type: 'offer', sdp });
      return described(await pc.createAnswer());
    },
    async accept({ sdp }) {
      await pc.setRemoteDescription({ type: 'answer', sdp });
    },
    async heard() {
      const bins = new Float32Array(ear.frequencyBinCount);
      ear.getFloatFrequencyData(bins);
      const wave = new Float32Array(ear.fftSize);
      ear.getFloatTimeDomainData(wave);
      const rms = Math.sqrt(wave.reduce((sum, sample) => sum + sample * sample, 0) / wave.length);
      const hz = (bins.indexOf(Math.max(...bins)) * audio.sampleRate) / ear.fftSize;
      return { hz, db: 20 * Math.log10(rms + 1e-9) };
    },
    async dial({ digits }) {
      const { dtmf } = pc.getSenders()[0];
      if (!dtmf.canInsertDTMF) throw new Error('no key tones were agreed');
      dtmf.insertDTMF(digits);
      while (dtmf.toneBuffer !== '') await pause(20);
    },
    async state() {
      return { connection: pc.connectionState, signaling: pc.signalingState };
    },
  };
})();
undefined;
