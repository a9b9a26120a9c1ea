import type { Play } from './events'

/** Where a moment lies in a window. */
export type Side = 'before' | 'open' | 'over'

export interface Windows {
  voting: Side
  votingAt: number // when that changes next; 0: it does not
  signup: Side | null // null: nobody may sign up
  signupAt: number
}

function side(now: number, opens: number, closes: number): [Side, number] {
  if (now < opens) return ['before', opens]
  return now < closes ? ['open', closes] : ['over', 0]
}

/** Both windows of a vote at a moment (server ms). `closes`: when the room does. */
export function windowsAt(now: number, play: Play, closes: number): Windows {
  const [voting, votingAt] = side(now, play.voting_opens_at ?? 0, closes)
  if (!play.signup) return { voting, votingAt, signup: null, signupAt: 0 }
  const [signup, signupAt] = side(now, play.signup.opens_at ?? 0, Math.min(play.signup.closes_at ?? closes, closes))
  return { voting, votingAt, signup, signupAt }
}

/** The calendar day of a moment in a timezone, such as 2026-11-22: limits a day begin anew with it. */
export function dayOf(ms: number, timezone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(ms)
}

const DAY_MS = 86_400_000

/** Whole days, and what is left of a length of time. */
export function daysAnd(ms: number): [days: number, rest: number] {
  const left = Math.max(0, ms)
  const days = Math.floor(left / DAY_MS)
  return [days, left - days * DAY_MS]
}
