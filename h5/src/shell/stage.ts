import type { Component, Ref, ShallowRef } from 'vue'
import type { Room, ServerEvent, Snapshot } from './wire'

/** Leads the room: only for who opened the screen with a host link. */
export interface Host {
  /** Rejects with Refused. The answer also comes as an event. */
  command: (op: string, fields: Record<string, unknown>) => Promise<ServerEvent>
}

/** What a game's stage on the big screen gets; it owns the area beside the QR code. */
export interface StageContext<Play = unknown, Picture = unknown> {
  room: Readonly<ShallowRef<Room<Play>>>
  snapshot: Readonly<ShallowRef<Snapshot<Picture> | null>>
  now: () => number
  onEvent: (listener: (event: ServerEvent) => void) => () => void
  /** The stage says how many have joined. */
  joined: (members: number) => void
  /** While true the last result is on show: it stays when the room ends. */
  holding: Ref<boolean>
  /** Null on a screen that only shows; becomes so when the host link has run out or the room is closed. */
  readonly host: Host | null
}

export interface GameStage {
  Stage: Component
  /** What an ended room still shows, instead of the shell's own words; gets `room`. */
  Ended?: Component
}

const stages = import.meta.glob<GameStage>('../games/*/stage.ts')

export function gameStage(game: string): Promise<GameStage> | null {
  return stages[`../games/${game}/stage.ts`]?.() ?? null
}
