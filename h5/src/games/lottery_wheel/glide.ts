/**
 * How what turns (a wheel, a light on a ring, a reel) runs and comes to rest. Positions are in stops and only
 * rise; a stop's own place is its number. Speeds are stops a ms.
 */
export const RUN_UP_MS = 260
const STEEPEST = 3.2 // of the curve that comes to rest; a longer way makes it flatter

export interface Glide {
  from: number
  to: number
  ms: number
  power: number
}

/** `ms` after it began at `from`: quickening, then at full speed. */
export function running(from: number, speed: number, ms: number): number {
  const up = Math.min(Math.max(ms, 0), RUN_UP_MS)
  return from + speed * ((up * up) / (2 * RUN_UP_MS) + Math.max(0, ms - RUN_UP_MS))
}

/** From full speed at `from` to rest on `stop` of a ring of `stops`, in `ms`, without a jerk at the start. */
export function landing(from: number, speed: number, stops: number, stop: number, ms: number): Glide {
  const least = from + (speed * ms) / STEEPEST
  const to = least + ((((stop - least) % stops) + stops) % stops)
  return { from, to, ms, power: (speed * ms) / (to - from) }
}

/** Where a glide is `ms` after its start. */
export function gliding({ from, to, ms: all, power }: Glide, ms: number): number {
  if (ms >= all) return to
  return from + (to - from) * (1 - (1 - Math.max(ms, 0) / all) ** power)
}
