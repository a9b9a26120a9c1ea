import { expect, test } from 'vitest'
import type { Room, Snapshot } from '../shell/wire'
import { sceneOf, type Sighted } from './scene'

const room = { id: 'r1', state: 'open' } as Room
const snapshot = { denied: null } as Snapshot
const inside: Sighted = {
  trouble: null, room, link: { phase: 'online' }, snapshot, ready: true, needsLogin: false, holding: false, soldOut: false,
}

const cases: [string, Partial<Sighted>, string][] = [
  ['all is well', {}, 'game'],
  ['nothing is known yet', { room: null, snapshot: null }, 'loading'],
  ['the room cannot be loaded', { room: null, trouble: 'offline' }, 'offline'],
  ['the server is overloaded', { room: null, trouble: 'overloaded' }, 'overloaded'],
  ['there is no such room', { room: null, trouble: 'unknown_room' }, 'unknown_room'],
  ['the room is a draft, whoever looks', { room: { ...room, state: 'draft' }, needsLogin: true }, 'not_started'],
  ['the room is closed, whoever looks', { room: { ...room, state: 'closed' }, needsLogin: true }, 'ended'],
  ['the room closed while the last result is on show', { room: { ...room, state: 'closed' }, holding: true }, 'game'],
  ['nobody is signed in', { needsLogin: true, snapshot: null }, 'login'],
  ['the token was refused', { link: { phase: 'stopped', why: 'login' } }, 'login'],
  ['the first connection fails', { snapshot: null, link: { phase: 'waiting', retryAt: 0, why: 'offline' } }, 'offline'],
  ['a later connection fails', { link: { phase: 'waiting', retryAt: 0, why: 'offline' } }, 'game'],
  ['the member is banned', { link: { phase: 'stopped', why: 'banned' } }, 'banned'],
  ['the member is blocked in this room', { snapshot: { ...snapshot, denied: 'blocked' } }, 'banned'],
  ['the member is not in the audience', { snapshot: { ...snapshot, denied: 'not_in_audience' } }, 'audience'],
  ['the page was opened elsewhere', { link: { phase: 'stopped', why: 'replaced' } }, 'replaced'],
  ['staff paused the room', { room: { ...room, state: 'paused' } }, 'paused'],
  ['nothing is left', { soldOut: true }, 'sold_out'],
  ['the page of the game is still loading', { ready: false }, 'loading'],
]

test.each(cases)('when %s', (_when, change, scene) => {
  expect(sceneOf({ ...inside, ...change })).toBe(scene)
})
