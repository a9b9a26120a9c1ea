import { buzz, play } from '../../shell/sound'

/** The wheel's sounds and haptics. */
export function goSound(): void {
  play({ from: 320, to: 760, ms: 260, gain: 0.12, wave: 'triangle' }, { from: 180, to: 420, ms: 300, gain: 0.08, wave: 'sawtooth' })
  buzz(18)
}

export function wonSound(): void {
  for (const [i, note] of [659, 784, 988, 1319, 1568].entries()) play({ from: note, ms: 220, delay: i * 85, wave: 'triangle' })
  buzz(30, 30, 70)
}

export function thanksSound(): void {
  for (const [i, note] of [523, 440].entries()) play({ from: note, ms: 240, delay: i * 130, wave: 'triangle' })
}

export function refusedSound(): void {
  play({ from: 240, to: 170, ms: 160, gain: 0.1, wave: 'triangle' })
}
