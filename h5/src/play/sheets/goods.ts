import type { About } from '../../shell/game'
import type { Won } from '../../shell/wire'
import { creditOf } from './credit'

/** How a prize that is no points is called on its way: the server's states, and what it does not tell apart. */
export type Stage = NonNullable<Won['state']> | 'preparing' | 'added' | 'outside' | 'outdated'

/** What colour says of it: the member must do something, it goes on by itself, it is done, it is lost. */
export type Tone = 'act' | 'wait' | 'done' | 'lost'

const TONES: Record<Stage, Tone> = {
  address_needed: 'act',
  to_redeem: 'act',
  preparing: 'wait',
  code_needed: 'wait',
  outside: 'wait',
  to_ship: 'wait',
  shipped: 'wait',
  given: 'done',
  added: 'done',
  received: 'done',
  redeemed: 'done',
  outdated: 'lost',
  expired: 'lost',
  canceled: 'lost',
}
const CLAIMED_IN_TIME: Stage[] = ['address_needed', 'to_redeem']

export const toneOf = (stage: Stage): Tone => TONES[stage]

/** Whether the time to give an address or to fetch it runs. */
export const isClaimed = (stage: Stage): boolean => CLAIMED_IN_TIME.includes(stage)

/** Where a win is at a moment of the server's; null for points. What nobody claimed in time, or used, is over at once. */
export function stageOf(won: Won, now: number): Stage | null {
  if (won.kind === 'points') return null
  if (won.kind === 'chance') return 'added'
  if (won.state === null) return won.settled && won.kind !== 'physical' ? 'outside' : 'preparing'
  if (won.state === 'given' && won.code_expires_at !== null && won.code_expires_at <= now) return 'outdated'
  const over = won.claim_by !== null && won.claim_by <= now
  return over && isClaimed(won.state) ? 'expired' : won.state
}

export function isAbout(won: Won, room: string, about: About): boolean {
  return won.room === room && won.prize === about.prize && (about.unit === undefined || won.unit === about.unit)
}

const SOON_MS = 1000
const SEEN_MS = 4000
const LONGEST_MS = 15_000

/**
 * When to look again, in ms; null where nothing changes by itself. What was just won is on record in a
 * moment; what is shown to the staff is handed out while the member looks on. `looks` were in vain so far.
 */
export function lookAgainIn(prizes: Won[], expected: boolean, looks: number, now: number): number | null {
  const coming = (won: Won): boolean => stageOf(won, now) === 'preparing' || creditOf(won).state === 'pending'
  if (!expected || prizes.some(coming)) return Math.min(LONGEST_MS, SOON_MS * 1.5 ** looks)
  return prizes.some((won) => stageOf(won, now) === 'to_redeem') ? SEEN_MS : null
}
