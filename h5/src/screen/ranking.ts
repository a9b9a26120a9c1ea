/** Lines of a live ranking and how each one moved since the look before. */
export interface Line {
  name: string
  sum: number
}

export interface Ranked extends Line {
  key: string // equal masked names are told apart by their order
  rank: number // from 1
  move: number | null // places gained; null: was not there
}

export function ranked(lines: Line[], before: Ranked[]): Ranked[] {
  const seen = new Map<string, number>()
  return lines.map(({ name, sum }, index) => {
    const nth = seen.get(name) ?? 0
    seen.set(name, nth + 1)
    const key = `${name}#${nth}`
    const old = before.find((line) => line.key === key)
    return { key, name, sum, rank: index + 1, move: old ? old.rank - (index + 1) : null }
  })
}

/** Who gained since the look before: the wins that are worth a shout. */
export function gains(now: Ranked[], before: Ranked[]): Line[] {
  return now.flatMap(({ key, name, sum }) => {
    const gained = sum - (before.find((line) => line.key === key)?.sum ?? 0)
    return gained > 0 ? [{ name, sum: gained }] : []
  })
}
