import { buzz, play } from '../../shell/sound'

/** A ballot falls into the box. */
export function castSound(): void {
  play({ from: 520, to: 780, ms: 90 }, { from: 780, to: 1040, ms: 120, delay: 80 })
  buzz(20)
}

export function pickSound(): void {
  play({ from: 660, ms: 50, gain: 0.06 })
}

export function refusedSound(): void {
  play({ from: 300, to: 180, ms: 180, wave: 'triangle' })
  buzz(40, 40, 40)
}
