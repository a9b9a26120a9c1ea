import type { Contestant, Standing } from './events'

/** A line of the live ranking; equal numbers of votes stand by the contestants' own numbers, as on the server. */
export interface Placed {
  id: string
  place: number // from 1
  votes: number
  move: number | null // places gained since the look before; null: was not there
  part: number // of the leader's votes, 0 to 1
}

/** The ranking of what is known, with movement against an earlier order. */
export function placed(lines: Standing[], numberOf: (id: string) => number, before: string[]): Placed[] {
  const sorted = [...lines].sort((a, b) => b.votes - a.votes || numberOf(a.id) - numberOf(b.id))
  const most = Math.max(1, sorted[0]?.votes ?? 1)
  return sorted.map(({ id, votes }, at) => {
    const was = before.indexOf(id)
    return { id, place: at + 1, votes, move: was < 0 ? null : was - at, part: votes / most }
  })
}

/** A contestant's own number, which its id holds: c0007. */
export function numberIn(id: string): number {
  return Number(id.slice(1))
}

/** Votes that were given, but do not count: kept apart in a review, or removed. */
export function apart({ raw, counted, removed }: Contestant): { kept: number; removed: number } | null {
  if (raw === null || counted === null || removed === null) return null
  return { kept: raw - counted - removed, removed }
}
