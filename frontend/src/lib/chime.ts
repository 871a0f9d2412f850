let audio: AudioContext | undefined;

/** Two soft notes. Silent where the browser allows no sound. */
export function chime(): void {
	if (typeof AudioContext === 'undefined') return;
	audio ??= new AudioContext();
	for (const [index, hertz] of [587, 880].entries()) {
		const at = audio.currentTime + index * 0.12;
		const tone = new OscillatorNode(audio, { frequency: hertz });
		const volume = new GainNode(audio, { gain: 0 });
		volume.gain.setTargetAtTime(0.12, at, 0.01);
		volume.gain.setTargetAtTime(0, at + 0.06, 0.08);
		tone.connect(volume).connect(audio.destination);
		tone.start(at);
		tone.stop(at + 0.6);
	}
}
