/** A short sound, made of two notes. */

const NOTES = [
  { hertz: 659.26, at: 0 },
  { hertz: 987.77, at: 0.09 },
];
const SECONDS = 0.4;
const LOUDNESS = 0.08;

/** Silent on a page that nobody has clicked on yet: there browsers would keep it for the first click. */
export function chime(): void {
  if (!navigator.userActivation?.hasBeenActive) return;
  const context = new AudioContext();
  for (const { hertz, at } of NOTES) {
    const note = new OscillatorNode(context, { frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    const starts = context.currentTime + at;
    volume.gain.setValueAtTime(0, starts);
    volume.gain.linearRampToValueAtTime(LOUDNESS, starts + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.0001, starts + SECONDS);
    note.connect(volume).connect(context.destination);
    note.start(starts);
    note.stop(starts + SECONDS);
    note.onended = () => at > 0 && void context.close();
  }
}
