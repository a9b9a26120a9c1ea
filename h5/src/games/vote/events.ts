import type { ServerEvent } from '../../shell/wire'

/** What gameserver/games/vote/events.py, plan.py (public, snapshot) and http/contestants_api.py send. */
export type Results = 'always' | 'after_voting' | 'at_end'

export interface Ballots {
  per_day: number | null
  total: number | null
  per_contestant_per_day: number | null
  choose_min: number
  choose_max: number
}

export interface Signup {
  opens_at: number | null // null: with the room
  closes_at: number | null
  media_max: number
  text_max: number
}

export interface LevelWeight {
  level: string
  weight: number
}

export interface Play {
  ballots: Ballots
  weights: LevelWeight[]
  results: Results
  signup: Signup | null
  voting_opens_at: number | null
  groups: string[]
  votes_per_minute: number | null
}

export interface Picture {
  today: Record<string, number> // the member's own ballots of the day
  left_today: number | null
  left_total: number | null
  voted: boolean
  votes: Record<string, number> | null // of the first fifty; null: not for this member yet
  voting_opens_at: number | null
  closes_at: number
}

export interface Voted extends ServerEvent {
  choices: string[]
  weight: number
  left_today?: number
  left_total?: number
  votes?: Record<string, number>
}

export interface Standing {
  id: string
  votes: number
}

export interface Tally extends ServerEvent {
  joined: number
  ballots: number
  votes: number
  top: Standing[]
  under_review: string[]
  contestants: number
}

export interface Pictured {
  url: string
  thumb: string
}

export interface Contestant {
  id: string
  number: number
  name: string
  cover: string | null
  thumb: string | null
  group: string
  text: string
  media: Pictured[]
  votes: number | null
  raw: number | null
  counted: number | null
  removed: number | null
  state: 'approved' | 'under_review'
  reason: string | null
}

export type Order = 'number' | 'newest' | 'votes' | 'random'

export interface ContestantList {
  contestants: Contestant[]
  total: number
  next: string | null
  order: Order
}

export interface SignedUp {
  state: 'pending' | 'approved' | 'rejected' | 'withdrawn'
  reason: string | null
  id: string | null
  number: number | null
  name: string
  text: string
  group: string
  media: Pictured[]
  sent_at: number
}
