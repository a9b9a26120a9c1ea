import type { Leader } from '../events'

export interface Line extends Leader {
  key: string // equal masked names are told apart by their order
  moved: number
}

export function lines(top: readonly Leader[]): Line[] {
  const seen = new Map<string, number>()
  return top.map((leader) => {
    const nth = seen.get(leader.name) ?? 0
    seen.set(leader.name, nth + 1)
    return { ...leader, moved: leader.moved ?? 0, key: `${leader.name}#${nth}` }
  })
}

/** The same lines in the order in which they stood before the question. */
export function before(after: readonly Line[]): Line[] {
  return [...after].sort((a, b) => a.place + a.moved - (b.place + b.moved) || a.place - b.place)
}
