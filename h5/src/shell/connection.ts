import { fullJitter } from './backoff'
import type { ServerClock } from './clock'
import { type Frame, fresh, type Memory, type Store } from './memory'
import { CLOSE, Refused, type RefusedEvent, type ServerEvent, type Settled, type Welcome } from './wire'

const MAX_IN_FLIGHT = 8 // the server remembers as many answers
const PINGS = 6
const TIME_REF = 2 ** 52 // pings count far above the commands' refs
const BEAT_MS = 20_000
const SILENCE_MS = 8000

export type StopReason = 'login' | 'unknown_room' | 'banned' | 'room_closed' | 'replaced' | 'too_many_frames' | 'failed'

export type Link =
  | { phase: 'connecting' }
  | { phase: 'online' }
  | { phase: 'waiting'; retryAt: number; why: 'offline' | 'overloaded' }
  | { phase: 'stopped'; why: StopReason }

export interface Wiring {
  room: string
  url: string
  clock: ServerClock
  store: Store
  ticket: () => Promise<string>
}

interface Caller {
  resolve: (event: ServerEvent) => void
  reject: (refused: Refused) => void
}

/** What may be won by an event, by its `result`, or by each of its `results`. */
interface Receipted {
  receipt?: string | null
  unit?: number | null
  prize?: string | null
  points_receipt?: string | null
  points_unit?: number | null
}
const POINTS = 'score' // the prize of which points beside another prize are a unit

/** One room's socket: says hello, resumes, resends, keeps the clock, and reconnects as the close code says. */
export class Connection {
  private memory: Memory
  private socket: WebSocket | null = null
  private link: Link = { phase: 'connecting' }
  private attempt = 0
  private ticketsRefused = 0
  private timer = 0
  private beat = 0
  private pings = new Map<number, number>()
  private pinged = 0
  private toPing = 0
  private callers = new Map<number, Caller>()
  private listeners = new Set<(event: ServerEvent) => void>()
  private watchers = new Set<(link: Link) => void>()

  constructor(private readonly wiring: Wiring) {
    this.memory = wiring.store.load()
  }

  /** Every event in order, answers too; returns how to stop listening. */
  onEvent(listener: (event: ServerEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  onLink(watcher: (link: Link) => void): () => void {
    this.watchers.add(watcher)
    watcher(this.link)
    return () => this.watchers.delete(watcher)
  }

  /** Opens the socket; also "retry now". */
  start(): void {
    clearTimeout(this.timer)
    if (this.socket) return
    this.become({ phase: 'connecting' })
    this.wiring.ticket().then(
      (ticket) => this.open(ticket),
      (error: unknown) => this.ticketFailed(error),
    )
  }

  /** Forgets the session: this page becomes a new one. */
  startAnew(): void {
    this.memory = { ...fresh(), receipts: this.memory.receipts }
    this.save()
    this.start()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.drop()
  }

  /** Sends a command now or on reconnect; rejects with what refused it. */
  command(op: string, fields: Record<string, unknown>): Promise<ServerEvent> {
    if (this.memory.pending.length >= MAX_IN_FLIGHT) return Promise.reject(new Refused('too_many_in_flight'))
    const frame: Frame = { op, ref: this.memory.next++, ...fields }
    this.memory.pending.push(frame)
    this.save() // before it leaves: a refresh must never use its ref again
    if (this.link.phase === 'online') this.send(frame)
    return new Promise((resolve, reject) => this.callers.set(frame.ref, { resolve, reject }))
  }

  /** Whether a win is kept of which this page does not know that it is in the ledger. */
  get owed(): boolean {
    return this.memory.receipts.length > 0
  }

  /** Drops the receipts of wins that are in the ledger, for those whose `settled` came while away. */
  settled(receipts: ReadonlySet<string>): void {
    this.memory.receipts = this.memory.receipts.filter((kept) => !receipts.has(kept.receipt))
    this.save()
  }

  /** Measures the clock again, as after the phone woke up. */
  measure(): void {
    if (this.link.phase !== 'online') return
    this.toPing = PINGS
    this.ping()
  }

  private open(ticket: string): void {
    if (this.link.phase !== 'connecting' || this.socket) return
    const socket = new WebSocket(this.wiring.url)
    this.socket = socket
    socket.onopen = () => {
      const { session, v } = this.memory
      this.send({ op: 'hello', ref: 1, ticket, room: this.wiring.room, session, since: v, format: 'json' })
      this.expect()
    }
    socket.onmessage = (message) => this.heard(JSON.parse(String(message.data)) as ServerEvent)
    socket.onclose = (close) => {
      if (this.socket === socket) this.closed(close.code)
    }
  }

  private send(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame))
  }

  private heard(event: ServerEvent): void {
    this.rest()
    if (event.v !== undefined && event.ev !== 'welcome') this.memory.v = Math.max(this.memory.v ?? 0, event.v)
    if (event.ev === 'welcome') this.welcomed(event as Welcome)
    else if (event.ev === 'time') return this.timed(event as ServerEvent & { now: number })
    else if (event.ev === 'settled') this.settle(event as Settled)
    else this.keepReceipt(event)
    this.answer(event)
    this.save()
    for (const listener of this.listeners) listener(event)
  }

  private welcomed(welcome: Welcome): void {
    this.attempt = this.ticketsRefused = 0
    const resumed = welcome.session === this.memory.session
    if (!resumed) {
      this.memory = { ...fresh(), session: welcome.session, receipts: this.memory.receipts }
      for (const caller of this.callers.values()) caller.reject(new Refused('session_unknown'))
      this.callers.clear()
    }
    this.memory.v = Math.max(this.memory.v ?? 0, welcome.snapshot.v)
    this.wiring.clock.guess(welcome.now)
    this.become({ phase: 'online' })
    for (const frame of this.memory.pending) this.send(frame)
    this.measure()
  }

  private answer(event: ServerEvent): void {
    if (event.re === undefined || event.ev === 'welcome') return
    const caller = this.callers.get(event.re)
    this.callers.delete(event.re)
    this.memory.pending = this.memory.pending.filter((frame) => frame.ref !== event.re)
    if (event.ev !== 'refused') return caller?.resolve(event)
    const refusal = event as RefusedEvent
    caller?.reject(new Refused(refusal.code, refusal.retry_ms ?? null))
    if (refusal.code !== 'session_unknown') return
    this.drop()
    this.startAnew()
  }

  private keepReceipt(event: ServerEvent & Receipted & { result?: Receipted | null; results?: Receipted[] }): void {
    for (const won of [event, event.result ?? {}, ...(event.results ?? [])]) {
      this.keep(won.prize ?? null, won.unit, won.receipt)
      this.keep(POINTS, won.points_unit, won.points_receipt)
    }
  }

  private keep(prize: string | null, unit?: number | null, receipt?: string | null): void {
    if (!receipt || unit == null || this.memory.receipts.some((kept) => kept.receipt === receipt)) return
    this.memory.receipts.push({ prize, unit, receipt })
  }

  private settle(settled: Settled): void {
    const paid = (prize: string | null, unit: number): boolean =>
      settled.units.some((line) => line[1] === unit && (prize === null || line[0] === prize))
    this.memory.receipts = this.memory.receipts.filter((kept) => !paid(kept.prize, kept.unit))
  }

  private ping(): void {
    const ref = TIME_REF + ++this.pinged
    this.pings.set(ref, performance.now())
    this.send({ op: 'time', ref })
    this.expect()
  }

  private timed(event: ServerEvent & { now: number }): void {
    const sent = this.pings.get(event.re ?? 0)
    if (sent === undefined) return
    this.pings.delete(event.re ?? 0)
    this.wiring.clock.sample(sent, performance.now(), event.now)
    if (--this.toPing > 0) this.ping()
  }

  /** A peer that stays silent is gone, whatever the socket says. */
  private expect(): void {
    clearTimeout(this.beat)
    this.beat = window.setTimeout(() => this.closed(0), SILENCE_MS)
  }

  private rest(): void {
    clearTimeout(this.beat)
    this.beat = window.setTimeout(() => this.ping(), BEAT_MS)
  }

  private ticketFailed(error: unknown): void {
    if (this.link.phase !== 'connecting') return
    const refused = error instanceof Refused ? error : new Refused('offline')
    if (refused.status === 401) this.halt('login')
    else if (refused.status === 404) this.halt('unknown_room')
    else if (refused.code === 'blocked') this.halt('banned')
    else if (refused.status >= 400 && refused.status < 500 && refused.status !== 429) this.halt('failed')
    else this.wait(refused.status ? 'overloaded' : 'offline', refused.retryMs ?? 0)
  }

  private closed(code: number): void {
    this.drop()
    if (code === CLOSE.badTicket && this.ticketsRefused++ < 1) return this.start()
    const reasons: Record<number, StopReason> = {
      [CLOSE.badTicket]: 'login',
      [CLOSE.banned]: 'banned',
      [CLOSE.roomClosed]: 'room_closed',
      [CLOSE.replaced]: 'replaced',
      [CLOSE.tooManyFrames]: 'too_many_frames',
      [CLOSE.unknownRoom]: 'unknown_room',
    }
    const why = reasons[code] ?? (code >= 4100 && code < 4200 ? 'failed' : undefined)
    if (why) this.halt(why)
    else this.wait('offline', 0)
  }

  private drop(): void {
    clearTimeout(this.beat)
    this.pings.clear()
    const socket = this.socket
    this.socket = null
    socket?.close()
  }

  private wait(why: 'offline' | 'overloaded', atLeast: number): void {
    const delay = atLeast + fullJitter(this.attempt++)
    this.become({ phase: 'waiting', retryAt: performance.now() + delay, why })
    this.timer = window.setTimeout(() => this.start(), delay)
  }

  private halt(why: StopReason): void {
    this.become({ phase: 'stopped', why })
  }

  private become(link: Link): void {
    this.link = link
    for (const watcher of this.watchers) watcher(link)
  }

  private save(): void {
    this.wiring.store.save(this.memory)
  }
}
