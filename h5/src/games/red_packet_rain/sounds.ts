import { buzz, play } from '../../shell/sound'

/** The rain's sounds and haptics. */
export function tapSound(bomb: boolean): void {
  if (bomb) {
    play({ from: 160, to: 36, ms: 420, gain: 0.3, wave: 'sawtooth' }, { from: 90, to: 30, ms: 520, gain: 0.3, wave: 'square' })
    buzz(90, 40, 140)
  } else {
    play({ from: 760, to: 1250, ms: 80, wave: 'triangle' })
    buzz(14)
  }
}

export function coinSound(): void {
  play({ from: 988, ms: 80, gain: 0.1, wave: 'square' }, { from: 1319, ms: 220, delay: 70, gain: 0.09, wave: 'square' })
}

export function prizeSound(): void {
  for (const [i, note] of [784, 988, 1175, 1568].entries()) play({ from: note, ms: 180, delay: i * 90, wave: 'triangle' })
  buzz(30, 30, 60)
}

export function tickSound(last: boolean): void {
  play({ from: last ? 1175 : 587, ms: last ? 380 : 130, gain: 0.16, wave: 'triangle' })
  buzz(last ? 60 : 20)
}

export function endSound(won: boolean): void {
  const notes = won ? [523, 659, 784, 1047] : [523, 440]
  for (const [i, note] of notes.entries()) play({ from: note, ms: 240, delay: i * 120, wave: 'triangle' })
}
