import type { Component, Ref, ShallowRef } from 'vue'
import type { Link } from './connection'
import type { Room, ServerEvent, Snapshot } from './wire'

export type SheetName = 'prizes' | 'rules' | 'poster' | 'why'

/** Which win the prizes' sheet is opened for; without a unit the newest of the prize. */
export interface About {
  prize: string
  unit?: number
}

/** What a game's page gets from the shell; it owns only its drawing. */
export interface GameContext<Play = unknown, Picture = unknown> {
  room: Readonly<ShallowRef<Room<Play>>>
  /** The truth at the last welcome; replaced on every reconnect. */
  snapshot: Readonly<ShallowRef<Snapshot<Picture> | null>>
  link: Readonly<ShallowRef<Link>>
  /** Server time in ms. */
  now: () => number
  /** Rejects with Refused. The answer also comes as an event. `plays` (1) is how many it begins, if it begins any. */
  command: (op: string, fields: Record<string, unknown>, plays?: number) => Promise<ServerEvent>
  onEvent: (listener: (event: ServerEvent) => void) => () => void
  /** `about`: the win that the member wants to claim now. */
  open: (sheet: SheetName, about?: About) => void
  /** While true the shell's bars are hidden: the game has the whole page. */
  immersive: Ref<boolean>
  /** While true a last result is on show: the page of the ended room waits. */
  holding: Ref<boolean>
  /** What the member may boast of on the poster. */
  boast: Ref<string>
  /** Nothing is left in the whole room. */
  soldOut: Ref<boolean>
}

export interface GamePage {
  Page: Component
  /** What an ended room still shows, under the shell's own words; gets `room`. */
  Ended?: Component
  /** The game's part of the rules: numbers and limits, label and text. */
  facts: (play: unknown) => { label: string; text: string }[]
}

const pages = import.meta.glob<GamePage>('../games/*/page.ts')

export function gamePage(game: string): Promise<GamePage> | null {
  return pages[`../games/${game}/page.ts`]?.() ?? null
}
