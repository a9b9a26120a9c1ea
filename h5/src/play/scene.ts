import type { Link } from '../shell/connection'
import type { Room, Snapshot } from '../shell/wire'
import type { Trouble } from './room'

export type Scene =
  | 'loading' | 'offline' | 'overloaded' | 'unknown_room' | 'login' | 'not_started' | 'ended' | 'paused' | 'sold_out'
  | 'audience' | 'banned' | 'replaced' | 'too_many_frames' | 'failed' | 'game'

export interface Sighted {
  trouble: Trouble
  room: Room | null
  link: Link
  snapshot: Snapshot | null
  ready: boolean // the game's page is here
  needsLogin: boolean
  holding: boolean
  soldOut: boolean
}

function ofLink(link: Link, entered: boolean): Scene | null {
  if (link.phase === 'stopped') {
    if (link.why === 'login') return 'login'
    return link.why === 'room_closed' ? 'ended' : link.why
  }
  if (entered) return null
  if (link.phase === 'waiting') return link.why
  return 'loading'
}

/** The one thing to show, the most final first. */
export function sceneOf({ trouble, room, link, snapshot, ready, needsLogin, holding, soldOut }: Sighted): Scene {
  if (trouble && (!room || trouble === 'unknown_room')) return trouble
  if (!room) return 'loading'
  if (room.state === 'draft') return 'not_started'
  if (holding && ready) return 'game'
  if (room.state === 'closed') return 'ended'
  if (needsLogin) return 'login'
  const linked = ofLink(link, snapshot !== null)
  if (linked) return linked
  if (snapshot?.denied) return snapshot.denied === 'blocked' ? 'banned' : 'audience'
  if (room.state === 'paused') return 'paused'
  if (soldOut) return 'sold_out'
  return ready ? 'game' : 'loading'
}
