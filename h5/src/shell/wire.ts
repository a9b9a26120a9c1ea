/** What crosses the socket and the HTTP API, as every game shares it. Times are server ms. */

export type RoomState = 'draft' | 'open' | 'paused' | 'closed'

export interface Skin {
  cover: string | null
  accent: string
}

/** `at` is ISO 8601. */
export type Release = { mode: 'at_open' } | { mode: 'linear' } | { mode: 'list'; steps: { at: string; units: number }[] }

export interface Prize {
  id: string
  name: string
  image: string | null
  kind: 'points' | 'coupon' | 'physical' | 'code' | 'chance' | 'none'
  value: number
  stock: number | null // null: unlimited
  delivery?: 'ship' | 'on_site'
  claim_days?: number // to give an address, or to fetch it
  per_member?: number | null
  per_day?: number | null // of the whole room
  release?: Release // when units may be won
}

export interface Room<Play = unknown> {
  id: string
  game: string
  title: string
  organiser: string
  skin: Skin
  timezone: string
  state: RoomState
  opens_at: number | null
  closes_at: number | null
  opened_at: number | null
  cost: number | null // points that a play costs once the free ones are used up
  play: Play | null
  prizes: Prize[]
}

/** What a play cost (0: it was free), points still in the room's hands, plays left that cost nothing. */
export interface Charge {
  cost: number
  left: number
  free: number | null // null: any number
  extra?: number // given from outside or won; used after the free ones
}

/** How often a member may play; null: no limit. */
export interface Chances {
  free_per_day: number | null
  free_total: number | null
  cost_points?: number | null
  max_per_day?: number | null
  max_total?: number | null
}

/** What would decide if the member began a play now; `code` is null where nothing stands in the way. */
export interface Why {
  code: string | null
  retry_ms: number | null // when it changes by itself, if it does
  resets_at: number | null
  free: number | null // free plays left; null: not limited, or not counted
  extra: number // given beside the free ones
  cost: number | null // points of a play after those
  plays_left: number | null // of all plays; null: not limited
}

export interface RoomDetails<Play = unknown> extends Room<Play> {
  limits: { chances: Chances }
  rules_text: string
  rule_hash: string
  commitment: string
  seed: string | null
}

export interface RoomCard {
  id: string
  game: string
  title: string
  state: RoomState
  opens_at: number | null
  closes_at: number | null
  joined: number
  skin: Skin
  timezone?: string // without it times are shown in the phone's own
}

/** `given` and after it are of codes, the rest of goods; null: neither, or not on record yet. */
export type GoodsState =
  | 'address_needed'
  | 'to_ship'
  | 'shipped'
  | 'received'
  | 'to_redeem'
  | 'redeemed'
  | 'expired'
  | 'canceled'
  | 'given'
  | 'code_needed'

/** Where a prize is that is no points. */
export interface Kept {
  state: GoodsState | null
  code: string | null
  code_expires_at: number | null
  redemption_code: string | null // shown where the prize is fetched
  claim_by: number | null // end of the time to give an address or to fetch it
  carrier: string | null
  tracking: string | null
  address_masked: string | null
  reason: string | null // why staff canceled it
}

export interface Won extends Kept {
  room: string
  room_title: string
  prize: string
  name: string
  kind: Prize['kind']
  amount: number
  unit: number
  granted_at: number
  settled: boolean
  refused: string | null // why the ledger did not take it, or not all of it
  credited: number | null // of the amount, where that is less
  receipt: string
}

export interface ServerEvent {
  ev: string
  re?: number
  v?: number
  charge?: Charge // of the answer that began a play, where plays cost points
}

export interface Snapshot<Picture = unknown> {
  v: number
  state: RoomState
  denied: 'not_in_audience' | 'blocked' | null
  name: string
  joined: number
  unsettled: ServerEvent[]
  charge?: Charge
  game: Picture | null
}

export interface Welcome extends ServerEvent {
  ev: 'welcome'
  member: string
  session: string
  room: Room
  now: number
  recovered: boolean
  snapshot: Snapshot
}

export interface RefusedEvent extends ServerEvent {
  ev: 'refused'
  code: string
  message: string
  retry_ms?: number
}

/** A win of which the ledger credited only so many of the points, and why. */
export type Cut = [prize: string, unit: number, credited: number, granted: number, why: string]

export interface Settled extends ServerEvent {
  ev: 'settled'
  refs: number[]
  units: [prize: string, unit: number][]
  cut?: Cut[]
}

export interface RoomChanged extends ServerEvent {
  ev: 'room_changed'
  state: RoomState
}

/** An expected refusal; `retryMs` says when a repetition may succeed, `fields` what did not fit in a form. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly retryMs: number | null = null,
    readonly status = 0,
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(code)
  }
}

/** The codes of `CloseCode` in gameserver/errors.py that need more than a reconnect. */
export const CLOSE = {
  badTicket: 4100,
  banned: 4101,
  roomClosed: 4102,
  replaced: 4103,
  tooManyFrames: 4105,
  unknownRoom: 4106,
} as const
