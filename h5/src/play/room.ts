import { onBeforeUnmount, ref, shallowRef, type ShallowRef } from 'vue'
import { myPrizes, roomDetails, ticket } from '../shell/api'
import { ServerClock } from '../shell/clock'
import { Connection, type Link } from '../shell/connection'
import { dress } from '../shell/colour'
import { type GameContext, type GamePage, gamePage } from '../shell/game'
import { signedOut, token } from '../shell/member'
import { stored } from '../shell/memory'
import { Cuts } from './cuts'
import { type Price, priceOf } from './price'
import { Refused, type Room, type RoomChanged, type ServerEvent, type Settled, type Snapshot, type Welcome, type Won } from '../shell/wire'

const DRAFT_LOOK_MS = 20_000
const SPREAD_MS = 2000 // everybody learns of the opening at once: do not ask at once

export type Trouble = 'offline' | 'overloaded' | 'unknown_room' | null

/** Everything the play page knows about its room: who is told what is PlayPage.vue. */
export class RoomVisit {
  readonly clock = new ServerClock()
  readonly trouble = ref<Trouble>(null)
  readonly retryAt = ref(0)
  readonly room = shallowRef<Room | null>(null)
  readonly snapshot = shallowRef<Snapshot | null>(null)
  readonly link = shallowRef<Link>({ phase: 'connecting' })
  readonly game = shallowRef<GamePage | null>(null)
  readonly needsLogin = ref(!token())
  readonly immersive = ref(false)
  readonly holding = ref(false)
  readonly soldOut = ref(false)
  readonly boast = ref('')
  readonly cuts = new Cuts()
  readonly price: Price = priceOf(this.immersive, this.holding)
  private connection: Connection | null = null
  private listeners = new Set<(event: ServerEvent) => void>()
  private unheard: ServerEvent[] = [] // what came after the welcome, before the game's page was here
  private timer = 0
  private attempt = 0

  constructor(private readonly name: string) {
    this.clock.guess(Date.now())
  }

  /** Loads the room and what it needs next; repeats itself until it has. */
  async load(): Promise<void> {
    clearTimeout(this.timer)
    try {
      this.became(await roomDetails(this.name))
      this.trouble.value = null
      this.attempt = 0
    } catch (error) {
      this.failed(error instanceof Refused ? error : new Refused('offline'))
    }
  }

  /** After a login, or "use it here". */
  enter(): void {
    this.needsLogin.value = false
    this.follow()
  }

  retry(): void {
    if (this.connection) this.connection.start()
    else void this.load()
  }

  anew(): void {
    this.connection?.startAnew()
  }

  /** The ledger has these wins: their receipts are no longer needed. */
  settled(wins: Won[]): void {
    this.connection?.settled(new Set(wins.filter((won) => won.settled).map((won) => won.receipt)))
  }

  woke(): void {
    if (this.link.value.phase === 'online') this.connection?.measure()
    else if (this.link.value.phase === 'waiting' || this.trouble.value) this.retry()
  }

  leave(): void {
    clearTimeout(this.timer)
    this.connection?.stop()
  }

  context(open: GameContext['open']): GameContext {
    return {
      room: this.room as ShallowRef<Room>,
      snapshot: this.snapshot,
      link: this.link,
      now: () => this.clock.now(),
      command: (op, fields, plays) => this.command(op, fields, plays),
      onEvent: (listener) => {
        this.listeners.add(listener)
        for (const event of this.unheard.splice(0)) listener(event)
        return () => this.listeners.delete(listener)
      },
      open,
      immersive: this.immersive,
      holding: this.holding,
      boast: this.boast,
      soldOut: this.soldOut,
    }
  }

  private command(op: string, fields: Record<string, unknown>, plays?: number): Promise<ServerEvent> {
    if (!this.connection) return Promise.reject(new Refused('offline'))
    if (!this.price.may(plays)) return Promise.reject(new Refused('not_agreed'))
    return this.connection.command(op, fields)
  }

  private became(room: Room): void {
    this.room.value = room
    dress(room.skin.accent)
    document.title = room.title
    if (room.state === 'draft') return this.lookAgain(room)
    void this.loadGame(room.game)
    if (room.state !== 'closed') this.follow()
  }

  private async loadGame(game: string): Promise<void> {
    if (this.game.value) return
    try {
      const page = await gamePage(game)
      if (page) this.game.value = page
      else this.trouble.value = 'unknown_room'
    } catch {
      this.failed(new Refused('offline'))
    }
  }

  private lookAgain(room: Room): void {
    const until = room.opens_at ? room.opens_at - this.clock.now() : DRAFT_LOOK_MS
    const wait = Math.min(Math.max(until, 1000), DRAFT_LOOK_MS) + Math.random() * SPREAD_MS
    this.timer = window.setTimeout(() => void this.load(), wait)
  }

  private follow(): void {
    const room = this.room.value
    if (this.needsLogin.value || !room) return
    if (!this.connection) {
      const url = `${location.origin.replace(/^http/, 'ws')}/ws`
      const asked = (): Promise<string> => ticket(room.id)
      this.connection = new Connection({ room: room.id, url, clock: this.clock, store: stored(room.id), ticket: asked })
      this.connection.onLink((link) => this.linked(link))
      this.connection.onEvent((event) => this.heard(event))
    }
    this.connection.start()
  }

  private linked(link: Link): void {
    this.link.value = link
    if (link.phase !== 'stopped') return
    if (link.why === 'login') {
      signedOut()
      this.needsLogin.value = true
    } else if (link.why === 'room_closed') void this.load()
  }

  private heard(event: ServerEvent): void {
    if (event.ev === 'welcome') {
      const welcome = event as Welcome
      this.unheard = []
      this.room.value = welcome.room
      this.snapshot.value = welcome.snapshot
      void this.askForSettled()
    } else if (event.ev === 'room_changed') this.changed((event as RoomChanged).state)
    if (event.ev === 'settled') this.cuts.heard(event as Settled)
    this.price.heard(event)
    if (!this.listeners.size) this.unheard.push(event)
    for (const listener of this.listeners) listener(event)
  }

  /** What was settled while this page was away was pushed to nobody. */
  private async askForSettled(): Promise<void> {
    if (!this.connection?.owed) return
    try {
      this.settled(await myPrizes())
    } catch {
      // the receipts stay; the next welcome asks again
    }
  }

  private changed(state: Room['state']): void {
    const room = this.room.value
    if (!room) return
    this.room.value = { ...room, state }
    // the plan is public only once the room is open
    if (state === 'open' && !room.play) this.timer = window.setTimeout(() => void this.load(), Math.random() * SPREAD_MS)
  }

  private failed(refused: Refused): void {
    const busy = refused.status === 429 || refused.status >= 500
    this.trouble.value = refused.status === 404 ? 'unknown_room' : busy ? 'overloaded' : 'offline'
    if (this.trouble.value === 'unknown_room') return
    const wait = (refused.retryMs ?? 1000) + Math.random() * Math.min(20_000, 1000 * 2 ** this.attempt++)
    this.retryAt.value = performance.now() + wait
    this.timer = window.setTimeout(() => void this.load(), wait)
  }
}

/** The visit of the room in this page's address, for as long as the page lives. */
export function visitRoom(): RoomVisit {
  const name = decodeURIComponent(location.pathname.split('/')[2] ?? '')
  const visit = new RoomVisit(name)
  const woke = (): void => {
    if (!document.hidden) visit.woke()
  }
  addEventListener('online', woke)
  document.addEventListener('visibilitychange', woke)
  onBeforeUnmount(() => {
    removeEventListener('online', woke)
    document.removeEventListener('visibilitychange', woke)
    visit.leave()
  })
  void visit.load()
  return visit
}
