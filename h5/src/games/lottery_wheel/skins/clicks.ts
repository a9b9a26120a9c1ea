import { buzz, play } from '../../../shell/sound'

/** A stop passes the pointer. */
export function clickSound(): void {
  play({ from: 1250, to: 700, ms: 28, gain: 0.05, wave: 'square' })
}

export function crackSound(): void {
  play({ from: 190, to: 60, ms: 140, gain: 0.25, wave: 'square' }, { from: 900, to: 1500, ms: 120, delay: 90, gain: 0.08, wave: 'triangle' })
  buzz(40)
}
