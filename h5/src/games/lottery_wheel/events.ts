import type { ServerEvent } from '../../shell/wire'

/** What gameserver/games/lottery_wheel/events.py and plan.py (public, snapshot) send. Odds are per 100,000. */
export type Appearance = 'wheel' | 'grid' | 'scratch' | 'egg' | 'flip' | 'slot' | 'blind_box'
export type Kind = 'points' | 'coupon' | 'physical' | 'code' | 'chance' | 'none'

export interface WheelPrize {
  id: string
  name: string
  image: string | null
  kind: Kind
  value: number
  weight: number
  odds: number
  unlock_after: number | null
  per_member: number | null
  per_day: number | null
  stock: number | null
}

export interface Audience {
  match: 'everyone' | 'any_of' | 'all_of'
  levels?: string[]
  tags?: string[]
}

export interface Pool {
  audience: Audience
  odds: Record<string, number>
}

export interface Play {
  appearance: Appearance
  prizes: WheelPrize[]
  pools: Pool[]
  pity: { after: number; prizes: string[] } | null
  ten_draw: boolean
}

/** One draw: what is given, and what the dice said (another prize where a fallback stands in). */
export interface Outcome {
  prize: string
  drawn?: string
  unit?: number
  amount?: number
  receipt?: string
  pity?: boolean
}

export interface Spun extends ServerEvent {
  results: Outcome[]
  plays: number
  until_pity?: number | null
}

export interface Winner {
  name: string
  prize: string
}

export interface Tally extends ServerEvent {
  joined: number
  plays: number
  wins: number
  recent: Winner[]
  left: Record<string, number>
}

export interface Win {
  prize: string
  amount: number
  unit: number
  at: number
}

export interface Picture {
  plays: number
  until_pity: number | null
  wins: Win[]
  left: Record<string, number>
  points: number
  prizes: Record<string, number>
}
