import { buzz, play } from '../../shell/sound'

/** The quiz's sounds and haptics. */
export function tapSound(): void {
  play({ from: 620, to: 820, ms: 70, wave: 'triangle' })
  buzz(14)
}

export function tickSound(last: boolean): void {
  play({ from: last ? 1175 : 587, ms: last ? 320 : 110, gain: 0.14, wave: 'triangle' })
}

export function rightSound(): void {
  for (const [i, note] of [784, 988, 1319].entries()) play({ from: note, ms: 170, delay: i * 80, wave: 'triangle' })
  buzz(30, 30, 50)
}

export function wrongSound(): void {
  play({ from: 260, to: 150, ms: 320, gain: 0.16, wave: 'sawtooth' })
  buzz(90)
}

export function fanfare(): void {
  for (const [i, note] of [523, 659, 784, 1047, 784, 1047].entries()) {
    play({ from: note, ms: 220, delay: i * 130, wave: 'triangle' })
  }
  buzz(40, 40, 80)
}
