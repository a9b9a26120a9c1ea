import type { zh } from './messages/zh-CN'
import type { Won } from '../../shell/wire'

type Key = keyof typeof zh

/** What the ledger did with a win: the word for it, what of it was not credited (null: all was), and why. */
export interface Credit {
  word: Key
  state: 'settled' | 'refused' | 'pending'
  cut: number | null
  why: Key
}

const REASONS = ['daily_cap', 'monthly_cap', 'yearly_cap', 'budget_exhausted'] as const

export function creditOf(won: Won): Credit {
  const reason = REASONS.find((known) => known === won.refused)
  const why: Key = reason ? `reason.${reason}` : 'reason.other'
  if (won.settled) return { word: 'prizes.settled', state: 'settled', cut: won.credited, why }
  // any other reason is looked into by staff, and may still end well
  if (reason) return { word: 'prizes.refused', state: 'refused', cut: 0, why }
  return { word: 'prizes.won', state: 'pending', cut: null, why }
}
