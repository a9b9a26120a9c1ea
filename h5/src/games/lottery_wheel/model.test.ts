import { effectScope, nextTick, ref, shallowRef } from 'vue'
import { afterEach, expect, test } from 'vitest'
import type { GameContext } from '../../shell/game'
import type { Link } from '../../shell/connection'
import { Refused, type Room, type ServerEvent, type Snapshot } from '../../shell/wire'
import type { Outcome, Picture, Play, WheelPrize } from './events'
import { best, wheelModel } from './model'

const prize = (id: string, odds: number, fields: Partial<WheelPrize> = {}): WheelPrize => ({
  id, name: id, image: null, kind: 'points', value: 5, weight: 1, odds, unlock_after: null,
  per_member: null, per_day: null, stock: null, ...fields,
})
const PRIZES = [prize('car', 1, { kind: 'physical', stock: 1, unlock_after: 3 }), prize('tea', 999), prize('no', 99_000, { kind: 'none' })]
const PICTURE: Picture = { plays: 1, until_pity: 4, wins: [], left: { car: 1 }, points: 0, prizes: {} }

let stop = (): void => undefined
afterEach(() => stop())

/** A model on a context whose commands are answered by hand. */
function made(prizes = PRIZES) {
  const listeners = new Set<(event: ServerEvent) => void>()
  const calls: { op: string; fields: Record<string, unknown>; plays?: number; reject: (why: Refused) => void }[] = []
  const room = { play: { prizes, pools: [], pity: null, ten_draw: true, appearance: 'wheel' }, cost: null }
  const snapshot = shallowRef({ game: PICTURE } as unknown as Snapshot<Picture>)
  const link = shallowRef<Link>({ phase: 'online' })
  const context = {
    room: shallowRef(room as unknown as Room<Play>), snapshot, link, now: () => 1000, immersive: ref(false),
    command: (op: string, fields: Record<string, unknown>, plays?: number) =>
      new Promise((_, reject) => calls.push({ op, fields, plays, reject })),
    onEvent: (listener: (event: ServerEvent) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as GameContext<Play, Picture>
  const scope = effectScope()
  stop = () => scope.stop()
  const says = (event: object): void => listeners.forEach((listener) => listener(event as ServerEvent))
  const spun = (...results: Outcome[]): void => says({ ev: 'spun', re: 1, results, plays: 2, until_pity: 3 })
  return { model: scope.run(() => wheelModel(context))!, calls, says, spun, snapshot, link }
}

test('a tap turns it at once, the answer says where it rests, and only then the figures move', () => {
  const { model, calls, spun } = made()
  void model.spin(1)
  expect(model.phase.value).toBe('waiting')
  expect(calls[0]).toMatchObject({ op: 'spin', fields: { times: 1 }, plays: 1 })
  spun({ prize: 'tea', drawn: 'tea', unit: 7, amount: 5, receipt: 'aa' })
  expect([model.phase.value, model.target.value]).toEqual(['landing', 'tea'])
  expect([model.plays.value, model.points.value, model.wins.value.length]).toEqual([1, 0, 0])
  model.landed()
  expect(model.phase.value).toBe('shown')
  expect([model.plays.value, model.untilPity.value, model.points.value]).toEqual([2, 3, 5])
  expect(model.wins.value).toEqual([{ prize: 'tea', unit: 7, amount: 5, at: 1000 }])
  model.close()
  expect([model.phase.value, model.results.value]).toEqual(['idle', []])
})

test('the ticker and what is left do not tell of it while it turns', () => {
  const { model, says, spun } = made()
  const tally = { ev: 'tally', recent: [{ name: '张*三', prize: 'car' }], left: { car: 0 } }
  void model.spin(1)
  says(tally)
  spun({ prize: 'car', unit: 1 })
  expect([model.recent.value.length, model.left.value.car]).toEqual([0, 1])
  model.landed()
  expect([model.recent.value.length, model.left.value.car]).toEqual([1, 0])
})

test('while one turns no other begins', () => {
  const { model, calls } = made()
  void model.spin(1)
  void model.spin(10)
  expect(calls).toHaveLength(1)
})

test('a refused spin is undone and says why', async () => {
  const { model, calls, says } = made()
  void model.spin(1)
  calls[0]!.reject(new Refused('no_chance_left'))
  await nextTick()
  expect([model.phase.value, model.refusal.value?.code, model.out.value]).toEqual(['idle', 'no_chance_left', true])
  says({ ev: 'charged', charge: { cost: 0, left: 0, free: 0, extra: 2 } })
  expect([model.out.value, model.chances.value]).toEqual([false, { plays: 2, cost: null }])
})

test('one who is asked for consent is not told of a refusal too', async () => {
  const { model, calls } = made()
  void model.spin(1)
  calls[0]!.reject(new Refused('not_agreed'))
  await nextTick()
  expect([model.phase.value, model.refusal.value]).toEqual(['idle', null])
})

test('without a connection nothing is sent, and a room that ends undoes what turns', async () => {
  const { model, calls, link } = made()
  link.value = { phase: 'connecting' }
  void model.spin(1)
  expect([calls.length, model.phase.value, model.refusal.value?.code]).toEqual([0, 'idle', 'offline'])
  link.value = { phase: 'online' }
  void model.spin(1)
  link.value = { phase: 'stopped', why: 'room_closed' }
  await nextTick()
  expect(model.phase.value).toBe('idle')
})

test('an answer to a spin from before a reload is shown at once', () => {
  const { model, spun } = made()
  spun({ prize: 'car', unit: 1, receipt: 'aa' })
  expect([model.phase.value, model.wins.value.length, model.plays.value]).toEqual(['shown', 1, 2])
})

test('a snapshot that knows a win already does not count it twice', () => {
  const { model, spun, snapshot } = made()
  void model.spin(1)
  spun({ prize: 'tea', unit: 7, amount: 5 })
  const wins = [{ prize: 'tea', unit: 7, amount: 5, at: 900 }]
  snapshot.value = { game: { ...PICTURE, plays: 2, points: 5, wins } } as unknown as Snapshot<Picture>
  model.landed()
  expect([model.points.value, model.wins.value.length, model.plays.value]).toEqual([5, 1, 2])
})

test('plays that are won are no points', () => {
  const { model, spun } = made([...PRIZES, prize('again', 50, { kind: 'chance' })])
  spun({ prize: 'again', unit: 1, amount: 2 }, { prize: 'tea', unit: 2, amount: 5 })
  expect([model.points.value, model.wins.value.length]).toEqual([5, 2])
})

test('an answer that comes again after a reconnect is shown, but counted once', () => {
  const { model, spun, snapshot } = made()
  void model.spin(1)
  const wins = [{ prize: 'tea', unit: 7, amount: 5, at: 900 }]
  snapshot.value = { game: { ...PICTURE, plays: 2, points: 5, wins } } as unknown as Snapshot<Picture>
  spun({ prize: 'tea', unit: 7, amount: 5 })
  model.landed()
  expect([model.phase.value, model.points.value, model.wins.value.length]).toEqual(['shown', 5, 1])
})

test('of ten it lands on the rarest win', () => {
  const { model, spun } = made()
  void model.spin(10)
  spun({ prize: 'no' }, { prize: 'tea', unit: 1 }, { prize: 'car', unit: 1 }, { prize: 'no' })
  expect(model.target.value).toBe('car')
  expect(best([{ prize: 'no' }, { prize: 'unknown' }], PRIZES)?.prize).toBe('no')
  expect(best([], PRIZES)).toBeUndefined()
})

test('what is locked opens play by play; all is gone only when nothing of worth is left', () => {
  const { model, says } = made([PRIZES[0]!, PRIZES[2]!])
  expect(model.lockedFor(PRIZES[0]!)).toBe(2)
  expect([model.soldOut.value, model.gone(PRIZES[0]!)]).toEqual([false, false])
  says({ ev: 'tally', recent: [{ name: '张*三', prize: 'car' }], left: { car: 0 } })
  expect([model.soldOut.value, model.gone(PRIZES[0]!), model.recent.value.length]).toEqual([true, true, 1])
  const unlimited = made()
  unlimited.says({ ev: 'tally', recent: [], left: { car: 0 } })
  expect(unlimited.model.soldOut.value).toBe(false)
})
