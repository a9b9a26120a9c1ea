import { onBeforeUnmount, ref, shallowRef } from 'vue'
import { hostTicket, roomDetails, spectatorTicket } from '../shell/api'
import { fullJitter } from '../shell/backoff'
import { ServerClock } from '../shell/clock'
import { dress } from '../shell/colour'
import { Connection, type Link } from '../shell/connection'
import { forgetful } from '../shell/memory'
import { type GameStage, gameStage, type Host, type StageContext } from '../shell/stage'
import { Refused, type Room, type RoomChanged, type ServerEvent, type Snapshot, type Welcome } from '../shell/wire'
import { forgetHost, hostToken } from './hostlink'

const LOOK_MS = 10_000
const ANEW_MS = 5000 // a big screen stands alone: it comes back from every close by itself

/** The big screen's room, followed as a spectator; it repairs itself without a hand. */
export function followShow() {
  const name = decodeURIComponent(location.pathname.split('/')[2] ?? '')
  const clock = new ServerClock()
  clock.guess(Date.now())
  const room = shallowRef<Room | null>(null)
  const snapshot = shallowRef<Snapshot | null>(null)
  const stage = shallowRef<GameStage | null>(null)
  const link = shallowRef<Link>({ phase: 'connecting' })
  const trouble = ref<'offline' | 'overloaded' | 'unknown_room' | null>(null)
  const joined = ref(0)
  const holding = ref(false)
  const host = shallowRef<Host | null>(hostToken(name) ? { command } : null)
  const listeners = new Set<(event: ServerEvent) => void>()
  let unheard: ServerEvent[] = []
  let connection: Connection | null = null
  let timer = 0
  let attempt = 0

  async function load(): Promise<void> {
    clearTimeout(timer)
    try {
      const found = await roomDetails(name)
      room.value = found
      trouble.value = null
      attempt = 0
      dress(found.skin.accent)
      document.title = found.title
      stage.value ??= (await gameStage(found.game)) ?? null
      if (found.state === 'open' || found.state === 'paused') follow(found.id)
      else timer = window.setTimeout(() => void load(), LOOK_MS)
    } catch (error) {
      const status = error instanceof Refused ? error.status : 0
      trouble.value = status === 404 ? 'unknown_room' : status ? 'overloaded' : 'offline'
      timer = window.setTimeout(() => void load(), 1000 + fullJitter(attempt++))
    }
  }

  function follow(id: string): void {
    if (!connection) {
      const url = `${location.origin.replace(/^http/, 'ws')}/ws`
      connection = new Connection({ room: id, url, clock, store: forgetful(), ticket: () => admission(id) })
      connection.onLink(linked)
      connection.onEvent(heard)
    }
    connection.start()
  }

  function command(op: string, fields: Record<string, unknown>): Promise<ServerEvent> {
    return connection?.command(op, fields) ?? Promise.reject(new Refused('offline'))
  }

  /** With a host link that has run out the screen goes on showing. */
  async function admission(id: string): Promise<string> {
    const token = hostToken(name)
    if (!token) return spectatorTicket(id)
    try {
      return await hostTicket(id, token)
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error
      forgetHost(name)
      host.value = null
      return spectatorTicket(id)
    }
  }

  function linked(now: Link): void {
    link.value = now
    if (now.phase === 'stopped') timer = window.setTimeout(() => void load(), ANEW_MS)
  }

  function heard(event: ServerEvent): void {
    if (event.ev === 'welcome') {
      const welcome = event as Welcome
      unheard = []
      room.value = welcome.room
      snapshot.value = welcome.snapshot
      joined.value = Math.max(joined.value, welcome.snapshot.joined)
    } else if (event.ev === 'room_changed' && room.value) {
      room.value = { ...room.value, state: (event as RoomChanged).state }
      timer = window.setTimeout(() => void load(), 500)
    }
    if (!listeners.size) unheard.push(event)
    for (const listener of listeners) listener(event)
  }

  const context: StageContext = {
    room: room as StageContext['room'],
    snapshot,
    now: () => clock.now(),
    onEvent(listener) {
      listeners.add(listener)
      for (const event of unheard.splice(0)) listener(event)
      return () => listeners.delete(listener)
    },
    joined: (members) => (joined.value = Math.max(joined.value, members)),
    holding,
    get host() {
      return room.value?.state === 'closed' ? null : host.value
    },
  }

  const online = (): void => void load()
  addEventListener('online', online)
  onBeforeUnmount(() => {
    removeEventListener('online', online)
    clearTimeout(timer)
    connection?.stop()
  })
  void load()
  return { room, snapshot, stage, link, trouble, joined, clock, context }
}
