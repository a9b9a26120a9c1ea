/** Which part of a scratch card's foil is off, counted on a coarse lattice; places and radius are parts of the width. */
const ACROSS = 20

export class Foil {
  private readonly off = new Set<number>()
  private readonly down: number

  /** @param ratio height of the foil, as a part of its width */
  constructor(private readonly ratio: number) {
    this.down = Math.round(ACROSS * ratio)
  }

  /** Takes it off around a place. */
  scratch(x: number, y: number, radius: number): void {
    for (let row = 0; row < this.down; row++)
      for (let column = 0; column < ACROSS; column++) {
        const [dx, dy] = [(column + 0.5) / ACROSS - x, ((row + 0.5) / this.down) * this.ratio - y]
        if (dx * dx + dy * dy <= radius * radius) this.off.add(row * ACROSS + column)
      }
  }

  /** 0 to 1. */
  get part(): number {
    return this.off.size / (ACROSS * this.down)
  }

  renew(): void {
    this.off.clear()
  }
}
