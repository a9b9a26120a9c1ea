import type { Charge } from '../../shell/wire'

/** What a member may still play: `plays` that cost nothing (null: without limit), and what another one costs. */
export interface Chances {
  plays: number | null
  cost: number | null
}

/** From the last charge and the room's price; null where plays are not counted. */
export function chancesOf(charge: Charge | null, price: number | null): Chances | null {
  if (!charge) return price ? { plays: 0, cost: price } : null
  const free = charge.free as number | null
  return { plays: free === null ? null : free + (charge.extra ?? 0), cost: price }
}

/** Whether so many plays can begin as far as this page knows; the server decides. */
export function enough(chances: Chances | null, times: number): boolean {
  if (!chances || chances.plays === null || chances.cost) return true
  return chances.plays >= times
}
