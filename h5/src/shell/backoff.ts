const FIRST_MS = 600
const LONGEST_MS = 20_000

/**
 * Full jitter: a uniform delay below a doubling ceiling, so that a herd spreads out.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function fullJitter(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt)
}
