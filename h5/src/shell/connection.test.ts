import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ServerClock } from './clock'
import { Connection, type Link } from './connection'
import { fresh, type Memory, type Store } from './memory'
import { Refused, type ServerEvent } from './wire'

/** The browser's socket, from the other end. */
class Peer {
  static readonly OPEN = 1
  static all: Peer[] = []
  static get last(): Peer {
    return Peer.all[Peer.all.length - 1]!
  }

  readyState = 1
  sent: Record<string, unknown>[] = []
  onopen = (): void => undefined
  onmessage = (_message: { data: string }): void => undefined
  onclose = (_close: { code: number }): void => undefined

  constructor(readonly url: string) {
    Peer.all.push(this)
  }
  send(frame: string): void {
    this.sent.push(JSON.parse(frame) as Record<string, unknown>)
  }
  close(): void {
    this.readyState = 3
  }
  says(event: Record<string, unknown>): void {
    this.onmessage({ data: JSON.stringify(event) })
  }
  commands(): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame.op !== 'time' && frame.op !== 'hello')
  }
  welcome(session: string): void {
    this.onopen()
    this.says({ ev: 'welcome', re: 1, session, now: 5000, snapshot: { v: 7, unsettled: [] } })
  }
  closes(code: number): void {
    this.onclose({ code })
  }
}

let memory: Memory
let links: Link[]
const store: Store = { load: () => structuredClone(memory), save: (saved) => (memory = structuredClone(saved)) }

async function connect(ticket: () => Promise<string> = () => Promise.resolve('t')): Promise<Connection> {
  const connection = new Connection({ room: 'r1', url: 'ws://x/ws', clock: new ServerClock(), store, ticket })
  connection.onLink((link) => links.push(link))
  connection.start()
  await vi.advanceTimersByTimeAsync(0)
  return connection
}

const last = (): Link => links[links.length - 1]!

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', Peer)
  vi.stubGlobal('window', globalThis)
  Peer.all = []
  memory = fresh()
  links = []
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('the first frame is hello, and the clock is measured at once', async () => {
  await connect()
  Peer.last.welcome('s1')
  expect(Peer.last.sent[0]).toMatchObject({ op: 'hello', ticket: 't', room: 'r1', session: null, since: null })
  expect(Peer.last.sent[1]).toMatchObject({ op: 'time' })
  expect(last()).toEqual({ phase: 'online' })
})

test('five pings and more are sent, one after the other', async () => {
  await connect()
  Peer.last.welcome('s1')
  const pings = (): Record<string, unknown>[] => Peer.last.sent.filter((frame) => frame.op === 'time')
  for (let seen = 0; seen < pings().length; seen++) Peer.last.says({ ev: 'time', re: pings()[seen]!.ref, now: 5000 })
  expect(pings().length).toBeGreaterThanOrEqual(5)
})

test('refs rise from 1, are kept before the frame leaves, and answers find their caller', async () => {
  const connection = await connect()
  Peer.last.welcome('s1')
  const first = connection.command('grab', { drop: 3 })
  const second = connection.command('grab', { drop: 4 })
  expect(Peer.last.commands().map((frame) => frame.ref)).toEqual([1, 2])
  expect(memory.next).toBe(3)
  Peer.last.says({ ev: 'refused', re: 2, code: 'too_late', retry_ms: 50 })
  Peer.last.says({ ev: 'grabbed', re: 1, drop: 3 })
  await expect(first).resolves.toMatchObject({ drop: 3 })
  await expect(second).rejects.toMatchObject({ code: 'too_late', retryMs: 50 })
  expect(memory.pending).toEqual([])
})

test('after a lost socket the same session gets the unanswered commands again, in order, with their refs', async () => {
  const connection = await connect()
  Peer.last.welcome('s1')
  void connection.command('grab', { drop: 3 })
  void connection.command('grab', { drop: 4 })
  Peer.last.closes(1006)
  expect(last()).toMatchObject({ phase: 'waiting', why: 'offline' })
  await vi.advanceTimersByTimeAsync(20_000)
  Peer.last.welcome('s1')
  expect(Peer.last.sent[0]).toMatchObject({ op: 'hello', session: 's1', since: 7 })
  expect(Peer.last.commands()).toEqual([
    { op: 'grab', ref: 1, drop: 3 },
    { op: 'grab', ref: 2, drop: 4 },
  ])
})

test('a new session drops what is unanswered and starts its refs at 1', async () => {
  const connection = await connect()
  Peer.last.welcome('s1')
  const lost = connection.command('grab', { drop: 3 })
  const outcome = expect(lost).rejects.toMatchObject({ code: 'session_unknown' })
  Peer.last.closes(4000)
  await vi.advanceTimersByTimeAsync(20_000)
  Peer.last.welcome('s2')
  await outcome
  expect(Peer.last.commands()).toEqual([])
  void connection.command('grab', { drop: 5 })
  expect(Peer.last.commands()).toEqual([{ op: 'grab', ref: 1, drop: 5 }])
})

test('a session that the server does not know is replaced by a new one', async () => {
  const connection = await connect()
  Peer.last.welcome('s1')
  const lost = connection.command('grab', { drop: 3 })
  const outcome = expect(lost).rejects.toMatchObject({ code: 'session_unknown' })
  Peer.last.says({ ev: 'refused', re: 1, code: 'session_unknown' })
  await outcome
  await vi.advanceTimersByTimeAsync(0)
  Peer.last.onopen()
  expect(Peer.all).toHaveLength(2)
  expect(Peer.last.sent[0]).toMatchObject({ op: 'hello', session: null })
})

test('a refreshed page goes on after the highest ref that ever left it', async () => {
  memory = { ...fresh(), session: 's1', next: 41, v: 9, pending: [{ op: 'grab', ref: 40, drop: 1 }] }
  const connection = await connect()
  Peer.last.welcome('s1')
  expect(Peer.last.sent[0]).toMatchObject({ session: 's1', since: 9 })
  void connection.command('grab', { drop: 2 })
  expect(Peer.last.commands().map((frame) => frame.ref)).toEqual([40, 41])
})

test('no more than eight commands wait for answers', async () => {
  const connection = await connect()
  Peer.last.welcome('s1')
  for (let drop = 0; drop < 8; drop++) void connection.command('grab', { drop })
  await expect(connection.command('grab', { drop: 8 })).rejects.toMatchObject({ code: 'too_many_in_flight' })
  expect(Peer.last.commands()).toHaveLength(8)
})

test('a receipt is kept until its unit is settled', async () => {
  await connect()
  Peer.last.welcome('s1')
  Peer.last.says({ ev: 'grabbed', re: 1, prize: 'packet', unit: 5, receipt: 'aa' })
  Peer.last.says({ ev: 'grabbed', re: 2, prize: 'packet', unit: 6, receipt: 'bb' })
  expect(memory.receipts).toHaveLength(2)
  Peer.last.says({ ev: 'settled', refs: [1], units: [['packet', 5]] })
  expect(memory.receipts).toEqual([{ prize: 'packet', unit: 6, receipt: 'bb' }])
})

test('receipts of several wins in one answer are kept, each until its own unit is settled', async () => {
  await connect()
  Peer.last.welcome('s1')
  const won = (unit: number): object => ({ prize: 'cup', unit, receipt: `r${unit}` })
  Peer.last.says({ ev: 'spun', re: 1, results: [won(1), { prize: 'none' }, won(2)] })
  Peer.last.says({ ev: 'checked', re: 2, result: won(3) })
  Peer.last.says({ ev: 'checked', re: 3, result: null })
  expect(memory.receipts.map(({ unit }) => unit)).toEqual([1, 2, 3])
  Peer.last.says({ ev: 'settled', refs: [1], units: [['cup', 2]] })
  expect(memory.receipts.map(({ unit }) => unit)).toEqual([1, 3])
})

test('points beside a prize have a receipt of their own, kept until they are settled', async () => {
  await connect()
  Peer.last.welcome('s1')
  const result = { prize: 'cup', unit: 4, receipt: 'aa', points: 20, points_unit: 4, points_receipt: 'bb' }
  Peer.last.says({ ev: 'checked', re: 1, result })
  Peer.last.says({ ev: 'checked', re: 2, result: { points: 10, points_unit: 5, points_receipt: 'cc' } })
  expect(memory.receipts.map(({ receipt }) => receipt)).toEqual(['aa', 'bb', 'cc'])
  Peer.last.says({ ev: 'settled', refs: [1], units: [['cup', 4]] })
  expect(memory.receipts.map(({ receipt }) => receipt)).toEqual(['bb', 'cc'])
  Peer.last.says({ ev: 'settled', refs: [1, 2], units: [['score', 4], ['score', 5]] })
  expect(memory.receipts).toEqual([])
})

test.each([
  [4101, 'banned'],
  [4102, 'room_closed'],
  [4103, 'replaced'],
  [4104, 'failed'],
  [4105, 'too_many_frames'],
  [4106, 'unknown_room'],
])('close code %i stops with the reason %s', async (code, why) => {
  await connect()
  Peer.last.welcome('s1')
  Peer.last.closes(code)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(last()).toEqual({ phase: 'stopped', why })
  expect(Peer.all).toHaveLength(1)
})

test('a bad ticket is replaced once, then the member has to sign in', async () => {
  const ticket = vi.fn(() => Promise.resolve('t'))
  await connect(ticket)
  Peer.last.closes(4100)
  await vi.advanceTimersByTimeAsync(0)
  expect(ticket).toHaveBeenCalledTimes(2)
  Peer.last.closes(4100)
  expect(last()).toEqual({ phase: 'stopped', why: 'login' })
})

test('an overloaded server is asked again, not before it said', async () => {
  const ticket = vi.fn(() => Promise.reject(new Refused('store_down', 5000, 503)))
  await connect(ticket)
  expect(last()).toMatchObject({ phase: 'waiting', why: 'overloaded' })
  await vi.advanceTimersByTimeAsync(4999)
  expect(ticket).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(2000)
  expect(ticket.mock.calls.length).toBeGreaterThan(1)
})

test('a peer that falls silent is taken for gone', async () => {
  await connect()
  Peer.last.welcome('s1')
  await vi.advanceTimersByTimeAsync(8100)
  expect(last().phase).not.toBe('online')
})

test('every event reaches the listeners, answers too', async () => {
  const connection = await connect()
  const heard: ServerEvent[] = []
  connection.onEvent((event) => heard.push(event))
  Peer.last.welcome('s1')
  Peer.last.says({ ev: 'tally', v: 9 })
  expect(heard.map((event) => event.ev)).toEqual(['welcome', 'tally'])
  expect(memory.v).toBe(9)
})
