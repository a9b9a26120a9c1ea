import type { ServerEvent } from '../../shell/wire'

/** What gameserver/games/red_packet_rain/events.py and plan.py (public, snapshot) send. Times in server ms. */
export interface Play {
  drops: number
  bombs: number
  packets: number
  cap: number
  bomb_score: number
  rounds: number
  packets_per_round: number
  points_per_round: number
  late_join: boolean
  score_mode: { packet_score: number; tiers: { places: number; points: number }[] } | null
  first_starts_at: number
  last_ends_at: number
}

export interface Times {
  round: number
  countdown_at: number
  starts_at: number
  ends_at: number
}

export interface RoundOpened extends ServerEvent, Times {
  key: string
}

export interface Sums {
  round: number
  sum: number
  score: number
  packets: number
  best: number
  place: number
}

export interface Picture {
  round: (Times & { key: string }) | null
  next: Times | null
  mine: Sums | null
  last: Sums | null
  taken: number[]
  points: number
  packets: number
  prizes: Record<string, number>
}

export interface Grabbed extends ServerEvent {
  drop: number
  kind: 'packet' | 'prize' | 'empty' | 'bomb'
  sum: number
  score: number
  amount?: number
  prize?: string
}

export interface Leader {
  name: string
  sum: number
}

export interface RoundClosed extends ServerEvent, Sums {
  players: number
  left: number
  won?: number
  top: Leader[]
  next?: Times
}

export interface Tally extends ServerEvent {
  round: number
  left: number
  joined: number
  players: number
  top: Leader[]
}
