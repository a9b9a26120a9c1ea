import type { ServerEvent } from '../../shell/wire'

/** What gameserver/games/quiz/events.py and its plans (public, snapshot) send. Times in server ms. */
export type Kind = 'single' | 'multiple' | 'true_false' | 'order' | 'number' | 'text'
export type LiveState = 'lobby' | 'question' | 'locked' | 'reveal' | 'ranking' | 'podium'

export interface Team {
  id: string
  name: string
}

/** `null` and absent mean the same: a field of the other mode. */
export interface Play {
  mode: 'solo' | 'live'
  seconds: number
  kinds: Kind[]
  of?: number | null // live: questions in all
  count?: number | null // solo: questions a round
  scoring?: 'flat' | 'speed' | null
  streak_bonus?: number | null
  streak_max?: number | null
  late_join?: boolean | null
  teams?: Team[] | null
  survival?: boolean | null
  lives?: number | null
  pass_score?: number | null
  points_per_right?: number | null
  score_per_right?: number | null
  max_score?: number | null
  speed_bonus?: boolean | null
  tiers?: { places: number; points: number }[] | null
  feedback?: 'each' | 'end' | null
}

/** One question as this member sees it: `options` in the order shown to them. */
export interface Asked {
  question: number
  of: number
  kind: Kind
  text: string
  image: string | null
  options: string[]
  difficulty: number
  starts_at: number
  ends_at: number
}

/** The right answer, after the lock: `choices` are places as shown to this member. */
export interface Right {
  choices: number[]
  number?: { min: string; max: string } | null
  text?: string[] | null
  explanation: string
}

/** An answer: exactly one of the three. */
export interface Given {
  choices?: number[] | null
  number?: string | null
  text?: string | null
}

export interface AskedSolo extends ServerEvent {
  attempt: number
  question: Asked
  lives?: number | null
  score: number
}

export interface Reviewed {
  question: Asked
  mine?: Given | null
  solution: Right
  right: boolean
}

export interface Result {
  attempt: number
  score: number
  right: number
  of: number
  passed: boolean
  ms: number
  points: number
  prize?: string | null
  unit?: number | null
  amount?: number | null
  receipt?: string | null
  points_unit?: number | null
  points_receipt?: string | null
  review: Reviewed[]
}

export interface Checked extends ServerEvent {
  attempt: number
  question: number
  right?: boolean | null
  solution?: Right | null
  gained: number
  score: number
  lives?: number | null
  next?: Asked | null
  result?: Result | null
}

export interface SoloPicture {
  mode: 'solo'
  attempts: number
  current: { attempt: number; question: Asked; score: number; lives?: number | null } | null
  last: Result | null
  best: number
  points: number
  prizes: Record<string, number>
}

export interface Mine {
  answered: boolean
  right: boolean
  gained: number
  streak: number
  score: number
  alive: boolean
}

export interface QuestionOpened extends ServerEvent {
  question: Asked
}

export interface QuestionLocked extends ServerEvent {
  question: number
  answered: number
}

export interface Revealed extends ServerEvent {
  question: number
  solution: Right
  counts: number[]
  answered: number
  mine?: Mine | null
}

export interface Leader {
  name: string
  score: number
  place: number
  moved?: number // places gained since the ranking before; absent on the podium
}

export interface TeamScore {
  id: string
  score: number
  members: number
}

/** `place` is 0 for one who is not in it; `top` is empty while places are hidden. */
export interface Ranked extends ServerEvent {
  question: number
  top: Leader[]
  place: number
  moved: number
  score: number
  players: number
  teams: TeamScore[]
}

export interface Finished extends ServerEvent {
  top: Leader[]
  place: number
  score: number
  players: number
  teams: TeamScore[]
  won?: number | null
  prize?: string | null
  unit?: number | null
}

export interface Tally extends ServerEvent {
  joined: number
  state: LiveState
  question: number | null
  answered: number
  teams: Record<string, number>
}

export interface Standing {
  score: number
  place: number // 0: none yet
  streak: number
  alive: boolean
  team?: string | null
  won?: number // points for the place, once the quiz is over
}

export interface LivePicture {
  mode: 'live'
  state: LiveState
  question: Asked | null
  answered: boolean
  answers: number // of all, to the question
  mine: Standing | null
  of: number
  asked: number[] // the questions that were asked
  players: number
  teams: TeamScore[]
  solution: Right | null
  counts: number[] | null
  revealed: Mine | null // of the question that was revealed
  top: Leader[] | null
}

export type Picture = SoloPicture | LivePicture
