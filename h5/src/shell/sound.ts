import { ref } from 'vue'
import { keep, kept } from './storage'

const KEY = 'muted'

/** Kept over visits; sound and haptics share it. */
export const muted = ref(kept(KEY) === '1')
let audio: AudioContext | undefined

/** Browsers start sound only from a gesture: call this inside a tap. */
export function unlock(): void {
  try {
    audio ??= new AudioContext()
    void audio.resume()
  } catch {
    // a phone without Web Audio plays silently
  }
}

export function toggleMuted(): void {
  muted.value = !muted.value
  keep(KEY, muted.value ? '1' : '0')
  if (!muted.value) unlock()
}

export interface Tone {
  from: number // Hz
  to?: number
  ms: number
  delay?: number
  gain?: number
  wave?: OscillatorType
}

export function play(...tones: Tone[]): void {
  if (muted.value || audio?.state !== 'running') return
  for (const tone of tones) sing(audio, tone)
}

function sing(context: AudioContext, { from, to = from, ms, delay = 0, gain = 0.12, wave = 'sine' }: Tone): void {
  const start = context.currentTime + delay / 1000
  const end = start + ms / 1000
  const voice = context.createOscillator()
  const level = context.createGain()
  voice.type = wave
  voice.frequency.setValueAtTime(from, start)
  voice.frequency.exponentialRampToValueAtTime(to, end)
  level.gain.setValueAtTime(gain, start)
  level.gain.exponentialRampToValueAtTime(0.001, end)
  voice.connect(level).connect(context.destination)
  voice.start(start)
  voice.stop(end)
}

/** Milliseconds on, off, on, ... where the phone can. */
export function buzz(...pattern: number[]): void {
  if (!muted.value && audio) navigator.vibrate?.(pattern)
}
